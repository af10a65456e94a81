// The keyboard for the whole register. Letters work while a row has the focus, and never while somebody types.

import { byId, tagById, targetOf } from "../core/dom.js";
import { performLast } from "../core/toast.js";
import { ARRIVED } from "./actions.js";

/** @param {HTMLElement} target */
const isTyping = (target) => target.closest("input, select, textarea, dialog") !== null;

export class Keyboard {
  /** The id of the student whose row had the focus last. */
  #lastStudent = "";

  /**
   * @param {Store} store
   * @param {Actions} actions
   * @param {(id: string) => void} open shows a student
   * @param {boolean} mayMark
   */
  constructor(store, actions, open, mayMark) {
    this.store = store;
    this.actions = actions;
    this.open = open;
    this.mayMark = mayMark;
    this.list = byId("register");
    document.addEventListener("keydown", (event) => this.#pressed(event));
    this.list.addEventListener("focusin", (event) => this.#moveTabStop(targetOf(event).closest("li")));
    document.addEventListener("close", (event) => this.#restoreFocus(targetOf(event)), true);
    byId("keys").addEventListener("click", () => tagById("dialog", "key-help").showModal());
  }

  /** @param {HTMLLIElement | null} row */
  #moveTabStop(row) {
    if (!row) return;
    for (const other of this.#rows('[tabindex="0"]')) other.tabIndex = -1;
    row.tabIndex = 0;
    this.#lastStudent = row.dataset.student ?? "";
  }

  /** @param {string} condition a CSS selector */
  #rows(condition) {
    return [.../** @type {NodeListOf<HTMLLIElement>} */ (this.list.querySelectorAll(`li${condition}`))];
  }

  /**
   * A dialog gives the focus back to where it was, but not to a row that was drawn anew meanwhile.
   *
   * @param {HTMLElement} dialog
   */
  #restoreFocus(dialog) {
    const focused = document.activeElement;
    if (!this.#lastStudent || (focused !== document.body && !dialog.contains(focused))) return;
    this.#rows(`[data-student="${this.#lastStudent}"]`)[0]?.focus();
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const target = targetOf(event);
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(target)) return;
    const row = /** @type {HTMLLIElement | null} */ (target.closest("#register li"));
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const action = this.#anywhere(key) ?? (row && this.#inRow(key, row, target));
    if (!action) return;
    event.preventDefault();
    action();
  }

  /** @param {string} key */
  #anywhere(key) {
    if (key === "/") return () => byId("find").focus();
    if (key === "z") return performLast;
    if (key === "?") return () => tagById("dialog", "key-help").showModal();
    return null;
  }

  /**
   * @param {string} key
   * @param {HTMLLIElement} row
   * @param {HTMLElement} target
   */
  #inRow(key, row, target) {
    const rows = this.#rows(":not([hidden])");
    const position = rows.indexOf(row);
    /** @type {Record<string, number>} */
    const moves = { ArrowDown: position + 1, ArrowUp: position - 1, Home: 0, End: rows.length - 1 };
    const next = moves[key];
    if (next !== undefined) return () => rows[Math.max(0, Math.min(next, rows.length - 1))]?.focus();
    const student = this.store.students.get(row.dataset.student ?? "");
    if (!student) return null;
    if (key === "Enter" && target === row) return () => this.open(student.id);
    if (!this.mayMark) return null;
    /** @type {Record<string, string | null>} */
    const codes = { p: ARRIVED, a: this.store.chosenCode("not_seen"), u: null };
    const code = codes[key];
    return code === undefined || (key === "a" && code === null)
      ? null
      : () => this.actions.mark(student, code);
  }
}
