// One photograph at a time: the progress can be shown, no request grows large, and a refused photograph can be sent
// again with a reason, alone and without choosing it again. Without this script the form still works, in one piece.

import { isZip, membersOf, takeOut } from "./zip.js";

/**
 * Return the server's verdict on one file, as list items.
 *
 * @param {File} file
 * @param {HTMLFormElement} form whose other fields are sent along
 */
async function verdictOn(file, form) {
  const body = new FormData(form);
  body.delete("photographs");
  body.append("photographs", file, file.name);
  const response = await fetch(form.action, {
    method: "POST",
    body,
    headers: { "X-Rollcall-Fragment": "1" },
    credentials: "same-origin",
  });
  if (!response.ok || response.redirected) throw new Error(String(response.status));
  const template = document.createElement("template");
  template.innerHTML = await response.text();
  return template.content;
}

class Upload {
  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.form = form;
    this.progress = /** @type {HTMLElement} */ (form.querySelector("[data-progress]"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#sendAll();
    });
  }

  #showFault() {
    this.progress.textContent = this.progress.dataset.fault ?? "";
  }

  /**
   * Give each verdict that can be overridden its own photograph: the file itself, or its member of the ZIP.
   *
   * @param {DocumentFragment} verdicts
   * @param {File} file
   */
  async #prepare(verdicts, file) {
    /** @type {NodeListOf<HTMLFormElement>} */
    const overrides = verdicts.querySelectorAll(".rc-override");
    if (!overrides.length) return;
    const members = isZip(file) ? await membersOf(file).catch(() => new Map()) : null;
    for (const override of overrides) {
      const name = override.closest("li")?.dataset.file ?? "";
      const member = members?.get(name);
      // What cannot be taken out of its ZIP is chosen by hand, in the field that is there for it.
      if (members && !member) continue;
      override.querySelector(".rc-again")?.remove();
      override.addEventListener("submit", (event) => {
        event.preventDefault();
        this.#sendAgain(override, async () => (member ? takeOut(file, name, member) : file));
      });
    }
  }

  /**
   * @param {HTMLFormElement} override
   * @param {() => Promise<File>} photograph
   */
  async #sendAgain(override, photograph) {
    const button = override.querySelector("button");
    if (button) button.disabled = true;
    try {
      const file = await photograph();
      const verdicts = await verdictOn(file, override);
      await this.#prepare(verdicts, file);
      override.closest("li")?.replaceWith(verdicts);
    } catch {
      if (button) button.disabled = false;
      this.#showFault();
    }
  }

  async #sendAll() {
    const input = /** @type {HTMLInputElement} */ (this.form.elements.namedItem("photographs"));
    /** @type {HTMLButtonElement | null} */
    const button = this.form.querySelector("button[type=submit]");
    if (button) button.disabled = true;
    try {
      await this.#sendEach([...(input.files ?? [])]);
      input.value = "";
    } catch {
      this.#showFault();
    }
    if (button) button.disabled = false;
    /** @type {HTMLElement | null} */
    const after = document.querySelector("[data-after]");
    if (after) after.hidden = false;
  }

  /** @param {File[]} files */
  async #sendEach(files) {
    const list = document.querySelector("[data-verdicts]");
    const text = this.progress.dataset.text ?? "";
    for (const [position, file] of files.entries()) {
      const verdicts = await verdictOn(file, this.form);
      await this.#prepare(verdicts, file);
      list?.append(verdicts);
      const done = String(position + 1);
      this.progress.textContent = text.replace("%1", done).replace("%2", String(files.length));
    }
  }
}

/** @type {HTMLFormElement | null} */
const form = document.querySelector("[data-photographs]");
if (form) new Upload(form);
