// The list of students, kept in step with the store; the counters are in counters.js.

import { button, byId, findById, icon, make, portrait, tagById } from "../core/dom.js";
import { nameElement } from "../core/names.js";
import { _, dayOf, fill, sourceLabel, statusIcon, statusLabel, timeOf } from "../core/text.js";
import { ARRIVED } from "./actions.js";
import { Counters } from "./counters.js";

/**
 * Letters that Unicode does not decompose, as the server writes them for its search.
 *
 * @type {Record<string, string>}
 */
const PLAIN = { ł: "l", ø: "o", ı: "i", đ: "d", æ: "ae", œ: "oe", þ: "th", ð: "d", ß: "ss" };

/**
 * Return a text without accents and capitals and with plain apostrophes and hyphens, for searching.
 *
 * @param {string} text
 */
const folded = (text) =>
  text
    .toLowerCase()
    .replace(/[‘’ʻʼ´`′]/g, "'")
    .replace(/[‐-―−]/g, "-")
    .replace(/[łøıđæœþðß]/g, (letter) => PLAIN[letter] ?? letter)
    .normalize("NFKD")
    .replace(/\p{M}/gu, "");

export class View {
  /**
   * Each student's row, by the student's id.
   *
   * @type {Map<string, HTMLLIElement>}
   */
  #rows = new Map();
  #search = tagById("input", "find");

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
    this.counters = new Counters(store, open);
    this.#search.addEventListener("input", () => this.#filter());
    findById("remaining")?.addEventListener("click", () => actions.markRemaining());
    store.on("change", (change) => this.#changed(change));
    this.#showAll();
  }

  /** @param {Change} change */
  #changed(change) {
    if (change.what === "all" || change.what === "session") this.#showAll();
    else if (change.what === "mark") this.#show(change.student, true);
    else if (change.what === "pending") this.#show(this.store.students.get(change.studentId));
  }

  #showAll() {
    const focused = /** @type {HTMLElement | null | undefined} */ (
      document.activeElement?.closest?.("li[data-student]")
    )?.dataset.student;
    this.#rows.clear();
    this.list.replaceChildren(...[...this.store.students.values()].map((student) => this.#row(student)));
    byId("nobody").hidden = this.#rows.size > 0;
    if (focused) this.#rows.get(focused)?.focus();
    this.#filter();
    this.counters.show();
  }

  /**
   * Draw one student's row anew; `fresh` where a mark has just come.
   *
   * @param {Student | undefined} student
   */
  #show(student, fresh = false) {
    const old = student && this.#rows.get(student.id);
    if (!old) return;
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    const hadFocus = old.contains(focused);
    const row = this.#row(student);
    if (fresh) row.classList.add("fresh");
    row.hidden = old.hidden;
    row.tabIndex = old.tabIndex;
    old.replaceWith(row);
    if (hadFocus) {
      /** @type {HTMLElement | null} */
      const same = row.querySelector(`[data-act="${focused?.dataset.act}"]`);
      (same ?? row).focus();
    }
    this.counters.show();
  }

  /** @param {Student} student */
  #row(student) {
    const mark = this.store.shownMark(student);
    const row = make(
      "li",
      { data: { student: student.id }, tabIndex: this.#rows.size ? -1 : 0, className: "" },
      portrait(student),
      make(
        "button",
        {
          type: "button",
          className: "who",
          tabIndex: -1,
          data: { act: "open" },
          on: { click: () => this.open(student.id) },
        },
        make("strong", {}, nameElement(this.store.labelOf(student))),
        make("small", {}, describe(student, mark)),
      ),
      this.#buttons(student, mark),
    );
    this.#rows.set(student.id, row);
    return row;
  }

  /**
   * @param {Student} student
   * @param {ShownMark | null} mark
   */
  #buttons(student, mark) {
    const box = make("div", { className: "does" });
    if (mark) box.append(statusElement(mark));
    if (!this.mayMark) return box;
    const name = this.store.labelOf(student);
    const absent = this.store.chosenCode("not_seen");
    /** @param {string | null} code */
    const set = (code) => () => this.actions.mark(student, code);
    if (mark) {
      box.append(act("undo", fill(_("Remove the mark of %(name)s"), { name }), set(null)));
    } else {
      box.append(act("tick", fill(_("Mark %(name)s present"), { name }), set(ARRIVED)));
      if (absent) box.append(act("cross", fill(_("Mark %(name)s absent"), { name }), set(absent)));
    }
    return box;
  }

  #filter() {
    const wanted = folded(this.#search.value.trim());
    for (const student of this.store.students.values()) {
      const row = this.#rows.get(student.id);
      if (row) row.hidden = !folded(this.store.labelOf(student)).includes(wanted);
    }
    this.#keepTabStop();
  }

  /** The Tab key stops at one row; that must be one which is shown. */
  #keepTabStop() {
    const rows = [...this.#rows.values()];
    const first = rows.find((row) => !row.hidden);
    if (!first || rows.some((row) => row.tabIndex === 0 && !row.hidden)) return;
    for (const row of rows) row.tabIndex = row === first ? 0 : -1;
  }
}

/**
 * Return an icon button that does something to a student.
 *
 * @param {string} name
 * @param {string} label
 * @param {() => unknown} press
 */
function act(name, label, press) {
  const element = button("", { name, className: "button icon-button", press, title: label, tabIndex: -1 });
  element.dataset.act = name;
  element.setAttribute("aria-label", label);
  return element;
}

/** @param {ShownMark} mark */
export function statusElement(mark) {
  const { status, minutes_late: n } = mark;
  const late = status === "late" && n ? ` ${fill(_("%(n)s min"), { n })}` : "";
  return make(
    "span",
    { className: `status ${status}` },
    icon(statusIcon(status)),
    statusLabel(status) + late,
  );
}

/**
 * Return the line under a student's name: when, by whom and the note, or why the camera cannot know the student.
 *
 * @param {Student} student
 * @param {ShownMark | null} mark
 */
function describe(student, mark) {
  if (mark?.waiting) return _("not sent yet");
  if (mark) {
    const { by, at, note, source = "" } = mark;
    const author = by && source !== "camera" ? by : sourceLabel(source);
    return [at && timeOf(at), author, note].filter(Boolean).join(" · ");
  }
  const reasons = {
    left: fill(_("by hand: left on %(day)s"), { day: student.left_on ? dayOf(student.left_on) : "" }),
    no_consent: _("by hand: no consent"),
    no_photograph: _("by hand: no photo"),
    photograph_again: _("by hand: needs a new photo"),
  };
  return student.by_hand ? reasons[student.by_hand] : "";
}
