// Questions in native dialogs: the browser keeps the focus inside, Escape leaves, and the focus returns.

import { byId, tagById } from "./dom.js";

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
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
