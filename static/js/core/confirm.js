// Questions in native dialogs: the browser keeps the focus inside, Escape leaves, and the focus returns.

import { byId, tagById } from "./dom.js";

/** Answer the question that is still open with "no". */
let withdraw = () => {};

/**
 * Resolve to true when the person agreed, to false otherwise. `more` is an element with further fields.
 *
 * @param {{ title: string, text?: string, yes: string, more?: HTMLElement | null }} question
 * @returns {Promise<boolean>}
 */
export function confirmInDialog({ title, text = "", yes, more = null }) {
  const dialog = tagById("dialog", "ask");
  byId("ask-title").textContent = title;
  byId("ask-text").textContent = text;
  byId("ask-text").hidden = !text;
  byId("ask-more").replaceChildren(...(more ? [more] : []));
  byId("ask-yes").textContent = yes;
  withdraw();
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    /** @param {boolean} isAgreed */
    const answer = (isAgreed) => {
      dialog.removeEventListener("close", closed);
      resolve(isAgreed);
    };
    // Browsers report that a dialog was closed a moment later: it may be open again by then, with this question.
    const closed = () => dialog.open || answer(dialog.returnValue === "yes");
    withdraw = () => answer(false);
    dialog.addEventListener("close", closed);
  });
}
