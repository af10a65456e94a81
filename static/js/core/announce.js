// Sentences for screen readers, gathered for a moment, so that twenty students who walk in are one announcement.

import { byId } from "./dom.js";

const GATHER_MS = 1200;
/** @type {string[]} */
let waiting = [];
let timer = 0;

/** @param {string} sentence */
export function announce(sentence) {
  waiting.push(sentence);
  if (timer) return;
  timer = setTimeout(() => {
    const line = document.createElement("p");
    line.textContent = waiting.join(" ");
    byId("live-polite").replaceChildren(line);
    waiting = [];
    timer = 0;
  }, GATHER_MS);
}
