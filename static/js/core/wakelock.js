// Keep the screen on while the camera runs, where the browser can.

let lock = null;
let wanted = false;

async function take() {
  if (!wanted || lock || document.visibilityState !== "visible" || !navigator.wakeLock) return;
  try {
    lock = await navigator.wakeLock.request("screen");
    lock.addEventListener("release", () => (lock = null));
    if (!wanted) await lock.release();
  } catch {
    lock = null; // A low battery may refuse it; the camera page says so itself when the device sleeps.
  }
}

document.addEventListener("visibilitychange", take);

export function keepAwake() {
  wanted = true;
  return take();
}

export function letSleep() {
  wanted = false;
  return lock?.release();
}

/** Whether the browser can keep the screen on at all. */
export const canKeepAwake = () => Boolean(navigator.wakeLock);
