// Questions in native dialogs: the browser keeps the focus inside, Escape leaves, and the focus returns.

import { byId } from "./dom.js";

/** Ask; resolves to false, or to true when the person agreed. `more` is an element with further fields. */
export function ask({ title, text = "", yes, more = null }) {
  const dialog = byId("ask");
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
