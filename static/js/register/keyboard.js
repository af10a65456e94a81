// The keyboard for the whole register. Letters work while a row has the focus, and never while somebody types.

import { byId } from "../core/dom.js";
import { performLast } from "../core/toast.js";
import { HERE } from "./actions.js";

const typing = (target) => target.closest("input, select, textarea, dialog");

export class Keys {
  constructor(store, actions, open, mayMark) {
    Object.assign(this, { store, actions, open, mayMark });
    this.list = byId("register");
    document.addEventListener("keydown", (event) => this.#pressed(event));
    this.list.addEventListener("focusin", ({ target }) => this.#rove(target.closest("li")));
    document.addEventListener("close", ({ target }) => this.#giveBack(target), true);
    byId("keys").addEventListener("click", () => byId("key-help").showModal());
  }

  #rove(row) {
    for (const other of this.list.querySelectorAll('li[tabindex="0"]')) other.tabIndex = -1;
    row.tabIndex = 0;
    this.last = row.dataset.student;
  }

  /** A dialog gives the focus back to where it was; to a row that was drawn anew meanwhile it cannot. */
  #giveBack(dialog) {
    const at = document.activeElement;
    if (!this.last || (at !== document.body && !dialog.contains(at))) return;
    this.list.querySelector(`li[data-student="${this.last}"]`)?.focus();
  }

  #pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const row = event.target.closest("#register li");
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const deed = this.#anywhere(key) ?? (row && this.#inRow(key, row, event));
    if (!deed) return;
    event.preventDefault();
    deed();
  }

  #anywhere(key) {
    if (key === "/") return () => byId("find").focus();
    if (key === "z") return performLast;
    if (key === "?") return () => byId("key-help").showModal();
    return null;
  }

  #inRow(key, row, event) {
    const rows = [...this.list.querySelectorAll("li:not([hidden])")];
    const place = rows.indexOf(row);
    const to = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: rows.length - 1 }[key];
    if (to !== undefined) return () => rows[Math.max(0, Math.min(to, rows.length - 1))].focus();
    const student = this.store.students.get(row.dataset.student);
    if (key === "Enter" && event.target === row) return () => this.open(student.id);
    if (!this.mayMark) return null;
    const letter = { p: HERE, a: "N", u: null }[key];
    return letter === undefined ? null : () => this.actions.mark(student, letter);
  }
}
