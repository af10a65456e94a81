// Quiet sounds made on the spot: two rising notes for a new mark, one low note for "already marked".

import { recall, remember } from "./remember.js";

const KEY = "rollcall.sound";
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
let context = null;

export const isOn = () => recall(KEY) !== "off";

export function setOn(on) {
  remember(KEY, on ? "on" : "off");
  if (on) wake();
}

/** Browsers let a page sound only after a tap: call this from one. */
export function wake() {
  const Context = globalThis.AudioContext ?? globalThis.webkitAudioContext;
  if (!Context) return;
  context ??= new Context();
  context.resume().catch(() => {});
}

export function play(name) {
  if (!isOn() || context?.state !== "running") return;
  for (const [pitch, after] of NOTES[name]) {
    const start = context.currentTime + after;
    const tone = context.createOscillator();
    const level = context.createGain();
    tone.type = "sine";
    tone.frequency.value = pitch;
    level.gain.setValueAtTime(0, start);
    level.gain.linearRampToValueAtTime(0.08, start + 0.012);
    level.gain.exponentialRampToValueAtTime(0.0001, start + 0.22);
    tone.connect(level).connect(context.destination);
    tone.start(start);
    tone.stop(start + 0.25);
  }
}
