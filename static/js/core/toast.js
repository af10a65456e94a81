// Short messages at the foot of the page; one with an act stays ten seconds, and longer while it is pointed at.

import { announce } from "./announce.js";
import { button, byId, make } from "./dom.js";

const STAY = 5000;
const STAY_WITH_ACT = 10000;
let last = null;

export function toast(sentence, { act = null, label = "" } = {}) {
  const box = make("div", { className: "toast" }, make("span", { className: "grow" }, sentence));
  const gone = () => {
    clearTimeout(timer);
    box.remove();
    if (last?.box === box) last = null;
  };
  const perform = () => {
    gone();
    act();
  };
  if (act) box.append(button(label, { press: perform }));
  const stay = act ? STAY_WITH_ACT : STAY;
  let timer = setTimeout(gone, stay);
  box.addEventListener("pointerenter", () => clearTimeout(timer));
  box.addEventListener("focusin", () => clearTimeout(timer));
  for (const left of ["pointerleave", "focusout"]) {
    box.addEventListener(left, () => {
      clearTimeout(timer);
      timer = setTimeout(gone, stay);
    });
  }
  const shelf = byId("toasts");
  // An older "undo" beside a newer one would take back the wrong thing.
  if (act) last?.gone();
  while (shelf.children.length > 2) shelf.firstElementChild.remove();
  shelf.append(box);
  announce(sentence);
  if (act) last = { box, perform, gone };
}

/** The Z key: do what the latest toast offers. */
export const performLast = () => last?.perform();
