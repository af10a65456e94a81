// What a screen reader hears: gathered for a moment, so that twenty students who walk in are one sentence.

import { byId } from "./dom.js";

const GATHERING = 1200;
let waiting = [];
let timer = 0;

export function announce(sentence) {
  waiting.push(sentence);
  timer ||= setTimeout(() => {
    const region = byId("live-polite");
    const line = document.createElement("p");
    line.textContent = waiting.join(" ");
    region.replaceChildren(line);
    waiting = [];
    timer = 0;
  }, GATHERING);
}
