// Keep the screen on while the camera runs, where the browser can.

/** @type {WakeLockSentinel | null} */
let lock = null;
let wanted = false;

async function acquire() {
  if (!wanted || lock || document.visibilityState !== "visible" || !navigator.wakeLock) return;
  try {
    lock = await navigator.wakeLock.request("screen");
    lock.addEventListener("release", () => {
      lock = null;
    });
    if (!wanted) await lock.release();
  } catch {
    lock = null; // A low battery may refuse it; the camera page shows when the device has slept.
  }
}

document.addEventListener("visibilitychange", acquire);

export function keepScreenOn() {
  wanted = true;
  return acquire();
}

export function letScreenSleep() {
  wanted = false;
  return lock?.release();
}

/** Return whether the browser can keep the screen on at all. */
export const canKeepScreenOn = () => Boolean(navigator.wakeLock);
