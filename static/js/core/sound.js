// Quiet sounds made by the browser: two rising notes for a new mark, one low note for "already marked".

import { readPreference, writePreference } from "./preferences.js";

const KEY = "rollcall.sound";
/**
 * Each note's frequency in hertz and its start in seconds.
 *
 * @type {Record<"mark" | "already" | "question", [number, number][]>}
 */
const NOTES = {
  mark: [
    [660, 0],
    [990, 0.09],
  ],
  already: [[330, 0]],
  question: [
    [520, 0],
    [440, 0.12],
  ],
};
/** @type {AudioContext | null} */
let context = null;

export const isOn = () => readPreference(KEY) !== "off";

/** @param {boolean} on */
export function setOn(on) {
  writePreference(KEY, on ? "on" : "off");
  if (on) unlock();
}

/** Browsers let a page play sounds only after a tap: call this from one. */
export function unlock() {
  const Context = globalThis.AudioContext ?? globalThis.webkitAudioContext;
  if (!Context) return;
  context ??= new Context();
  context.resume().catch(() => {});
}

/** @param {keyof typeof NOTES} name */
export function play(name) {
  if (!isOn() || context?.state !== "running") return;
  for (const [frequency, after] of NOTES[name]) {
    const start = context.currentTime + after;
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.type = "sine";
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0, start);
    volume.gain.linearRampToValueAtTime(0.08, start + 0.012);
    volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.22);
    tone.connect(volume).connect(context.destination);
    tone.start(start);
    tone.stop(start + 0.25);
  }
}
