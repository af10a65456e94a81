// Short messages at the foot of the page; one with an action stays ten seconds, and longer while it is pointed at.

import { announce } from "./announce.js";
import { button, byId, make } from "./dom.js";

const STAY_MS = 5000;
const STAY_WITH_ACTION_MS = 10000;

/**
 * The latest message that offers an action.
 *
 * @type {{ box: HTMLElement, perform: () => void, dismiss: () => void } | null}
 */
let last = null;

/**
 * @param {string} sentence
 * @param {{ label: string, act: () => unknown }} [action]
 */
export function toast(sentence, action) {
  const box = make("div", { className: "toast" }, make("span", { className: "grow" }, sentence));
  const stay = action ? STAY_WITH_ACTION_MS : STAY_MS;
  const dismiss = () => {
    clearTimeout(timer);
    box.remove();
    if (last?.box === box) last = null;
  };
  let timer = setTimeout(dismiss, stay);
  for (const name of ["pointerenter", "focusin"]) box.addEventListener(name, () => clearTimeout(timer));
  for (const name of ["pointerleave", "focusout"]) {
    box.addEventListener(name, () => {
      clearTimeout(timer);
      timer = setTimeout(dismiss, stay);
    });
  }
  // An older "undo" beside a newer one would take back the wrong thing.
  if (action) last?.dismiss();
  const toasts = byId("toasts");
  while (toasts.children.length > 2) toasts.firstElementChild?.remove();
  toasts.append(box);
  announce(sentence);
  if (!action) return;
  const perform = () => {
    dismiss();
    action.act();
  };
  box.append(button(action.label, { press: perform }));
  last = { box, perform, dismiss };
}

/** Do what the latest message offers, as the Z key does. */
export const performLast = () => last?.perform();
