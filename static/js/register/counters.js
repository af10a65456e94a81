// What stands around the list: counts, the bar of progress, and who is still missing.

import { byId, contextOf, findById, icon, make, portrait, tagIn } from "../core/dom.js";
import { nameElement } from "../core/names.js";
import { _, fill, plural } from "../core/text.js";

/** @type {Status[]} */
const STATUSES = ["present", "late", "excused", "absent", "not_expected"];

export class Counters {
  /**
   * Each missing student's tile, by the student's id.
   *
   * @type {Map<string, HTMLLIElement>}
   */
  #tiles = new Map();

  /**
   * @param {Store} store
   * @param {(id: string) => void} open shows a student
   */
  constructor(store, open) {
    this.store = store;
    this.open = open;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#showProgress());
    new ResizeObserver(() => this.#showProgress()).observe(byId("progress"));
  }

  show() {
    const counts = this.store.counts();
    /** @type {NodeListOf<HTMLElement>} */
    const numbers = document.querySelectorAll("[data-count]");
    for (const number of numbers) {
      number.textContent = String(counts[/** @type {keyof Counts} */ (number.dataset.count)]);
    }
    const remaining = findById("remaining");
    if (remaining) {
      const count = counts.unmarked;
      remaining.hidden = count === 0 || !this.store.isOpen || !this.store.chosenCode("present");
      const text = plural("Mark the remaining student present", "Mark remaining %(count)s present", count);
      remaining.textContent = fill(text, { count });
    }
    this.#showProgress();
    this.#showMissing();
  }

  #showProgress() {
    const counts = this.store.counts();
    const bar = byId("progress");
    const canvas = tagIn(bar, "canvas");
    const width = Math.round(bar.clientWidth * devicePixelRatio) || 1;
    canvas.width = width;
    const context = contextOf(canvas);
    const style = getComputedStyle(document.documentElement);
    const isRtl = getComputedStyle(bar).direction === "rtl";
    let start = 0;
    for (const status of STATUSES) {
      const length = (counts[status] / Math.max(1, counts.expected)) * width;
      context.fillStyle = style.getPropertyValue(`--${status}`);
      context.fillRect(isRtl ? width - start - length : start, 0, length, canvas.height);
      start += length;
    }
    const values = { marked: counts.expected - counts.unmarked, all: counts.expected };
    bar.setAttribute("aria-valuemax", String(values.all));
    bar.setAttribute("aria-valuenow", String(values.marked));
    bar.setAttribute("aria-valuetext", fill(_("%(marked)s of %(all)s marked"), values));
  }

  #showMissing() {
    const list = findById("missing");
    if (!list) return;
    const missing = this.store.missing();
    const section = list.closest("section");
    if (section) section.hidden = this.store.students.size === 0;
    byId("missing-count").textContent = missing.length ? String(missing.length) : "";
    const ids = new Set(missing.map((student) => student.id));
    for (const [id, tile] of this.#tiles) {
      if (ids.has(id)) continue;
      tile.remove();
      this.#tiles.delete(id);
    }
    list.querySelector(".complete")?.remove();
    for (const [position, student] of missing.entries()) {
      const tile = this.#tiles.get(student.id) ?? this.#tile(student);
      this.#tiles.set(student.id, tile);
      const other = list.children[position];
      if (other !== tile) list.insertBefore(tile, other ?? null);
    }
    if (!missing.length && this.store.students.size) {
      const sentence = _("None. Every student is marked.");
      list.append(make("li", { className: "complete" }, icon("tick"), sentence));
    }
  }

  /** @param {Student} student */
  #tile(student) {
    const hint = student.recognisable ? null : make("small", {}, _("by hand"));
    const press = () => this.open(student.id);
    return make(
      "li",
      {},
      make(
        "button",
        { type: "button", on: { click: press } },
        portrait(student),
        nameElement(this.store.labelOf(student)),
        hint,
      ),
    );
  }
}
