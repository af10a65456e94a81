// The list, the counters and the roll of who is missing, kept in step with the store.

import { byId, button, icon, make, portrait } from "../core/dom.js";
import { _, dayOf, fill, plural, sourceWord, statusIcon, statusWord, timeOf } from "../core/text.js";
import { HERE } from "./actions.js";

// As the server folds names for its search.
const PLAIN = { ł: "l", ø: "o", ı: "i", đ: "d", æ: "ae", œ: "oe", þ: "th", ð: "d", ß: "ss" };
const folded = (text) => text.toLowerCase().replace(/[‘’ʻʼ´`′]/g, "'").replace(/[‐-―−]/g, "-").replace(/[łøıđæœþðß]/g, (letter) => PLAIN[letter])
  .normalize("NFKD").replace(/\p{M}/gu, "");
const COLOURS = ["present", "late", "excused", "absent"];

export class View {
  #rows = new Map();
  #tiles = new Map();

  constructor(store, actions, { mayMark, open }) {
    this.store = store;
    this.actions = actions;
    this.mayMark = mayMark;
    this.open = open;
    this.list = byId("register");
    byId("find").addEventListener("input", () => this.#filter());
    byId("remaining")?.addEventListener("click", () => actions.remaining("/"));
    store.addEventListener("change", ({ detail }) => this.#changed(detail));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#progress());
    new ResizeObserver(() => this.#progress()).observe(byId("progress"));
    this.#all();
  }

  #changed({ what, student, studentId }) {
    if (what === "all" || what === "session") this.#all();
    else if (what === "mark") this.#one(student, true);
    else if (what === "pending") this.#one(this.store.students.get(studentId));
  }

  #all() {
    const focused = document.activeElement?.closest?.("li[data-student]")?.dataset.student;
    this.#rows.clear();
    this.list.replaceChildren(...[...this.store.students.values()].map((student) => this.#row(student)));
    byId("nobody").hidden = this.#rows.size > 0;
    if (focused && this.list.contains(this.#rows.get(focused) ?? null)) this.#rows.get(focused).focus();
    this.#filter();
    this.#around();
  }

  #one(student, fresh = false) {
    const old = student && this.#rows.get(student.id);
    if (!old) return;
    const held = old.contains(document.activeElement);
    const act = held && document.activeElement.dataset.act;
    const row = this.#row(student);
    if (fresh) row.classList.add("fresh");
    row.hidden = old.hidden;
    row.tabIndex = old.tabIndex;
    old.replaceWith(row);
    if (held) (row.querySelector(`[data-act="${act}"]`) ?? row).focus();
    this.#around();
  }

  #row(student) {
    const mark = this.store.shown(student);
    const row = make(
      "li",
      { data: { student: student.id }, tabIndex: this.#rows.size ? -1 : 0, className: "" },
      portrait(student),
      make(
        "button",
        { type: "button", className: "who", tabIndex: -1, data: { act: "open" }, on: { click: () => this.open(student.id) } },
        make("strong", {}, student.name),
        make("small", {}, describe(student, mark)),
      ),
      this.#does(student, mark),
    );
    this.#rows.set(student.id, row);
    return row;
  }

  #does(student, mark) {
    const does = make("div", { className: "does" });
    if (mark) does.append(status(mark));
    if (!this.mayMark) return does;
    const name = student.name;
    if (mark) {
      does.append(act("undo", fill(_("Take back the mark of %(name)s"), { name }), () => this.actions.mark(student, null)));
    } else {
      does.append(
        act("tick", fill(_("%(name)s is here"), { name }), () => this.actions.mark(student, HERE)),
        act("cross", fill(_("%(name)s is absent"), { name }), () => this.actions.mark(student, "N")),
      );
    }
    return does;
  }

  #filter() {
    const wanted = folded(byId("find").value.trim());
    for (const student of this.store.students.values()) {
      this.#rows.get(student.id).hidden = !folded(student.name).includes(wanted);
    }
    this.#reachable();
  }

  /** The Tab key stops at one row; that must be one which is shown. */
  #reachable() {
    const rows = [...this.#rows.values()];
    const first = rows.find((row) => !row.hidden);
    if (!first || rows.some((row) => row.tabIndex === 0 && !row.hidden)) return;
    for (const row of rows) row.tabIndex = row === first ? 0 : -1;
  }

  #around() {
    const counts = this.store.counts();
    for (const shown of document.querySelectorAll("[data-count]")) shown.textContent = counts[shown.dataset.count];
    const remaining = byId("remaining");
    if (remaining) {
      remaining.hidden = counts.unmarked === 0 || !this.store.isOpen;
      remaining.textContent = fill(plural("Mark the last one here", "Mark remaining %(count)s here", counts.unmarked), { count: counts.unmarked });
    }
    this.#progress();
    this.#missing();
  }

  #progress() {
    const counts = this.store.counts();
    const bar = byId("progress");
    const canvas = bar.querySelector("canvas");
    const width = Math.round(bar.clientWidth * devicePixelRatio) || 1;
    canvas.width = width;
    const pen = canvas.getContext("2d");
    const style = getComputedStyle(document.documentElement);
    const rtl = getComputedStyle(bar).direction === "rtl";
    let from = 0;
    for (const name of COLOURS) {
      const length = (counts[name] / Math.max(1, counts.expected)) * width;
      pen.fillStyle = style.getPropertyValue(`--${name}`);
      pen.fillRect(rtl ? width - from - length : from, 0, length, canvas.height);
      from += length;
    }
    bar.setAttribute("aria-valuemax", counts.expected);
    bar.setAttribute("aria-valuenow", counts.expected - counts.unmarked);
    bar.setAttribute("aria-valuetext", fill(_("%(marked)s of %(all)s marked"), { marked: counts.expected - counts.unmarked, all: counts.expected }));
  }

  #missing() {
    const roll = byId("missing");
    if (!roll) return;
    const missing = this.store.missing();
    roll.closest("section").hidden = this.store.students.size === 0;
    byId("missing-count").textContent = missing.length || "";
    const stay = new Set(missing.map((student) => student.id));
    for (const [id, tile] of this.#tiles) {
      if (stay.has(id)) continue;
      tile.remove();
      this.#tiles.delete(id);
    }
    roll.querySelector(".all-here")?.remove();
    missing.forEach((student, place) => {
      const tile = this.#tiles.get(student.id) ?? this.#tile(student);
      this.#tiles.set(student.id, tile);
      if (roll.children[place] !== tile) roll.insertBefore(tile, roll.children[place] ?? null);
    });
    if (!missing.length && this.store.students.size) {
      roll.append(make("li", { className: "all-here" }, icon("tick"), _("Nobody. The register is complete.")));
    }
  }

  #tile(student) {
    const hint = student.recognisable ? null : make("small", {}, _("by hand"));
    return make("li", {}, make("button", { type: "button", on: { click: () => this.open(student.id) } }, portrait(student), make("span", {}, student.name), hint));
  }
}

function act(name, label, press) {
  const made = button("", { name, className: "button icon-button", press, title: label, tabIndex: -1 });
  made.dataset.act = name;
  made.setAttribute("aria-label", label);
  return made;
}

export function status(mark) {
  const late = mark.status === "late" && mark.minutes_late ? ` ${fill(_("%(n)s min"), { n: mark.minutes_late })}` : "";
  return make("span", { className: `status ${mark.status}` }, icon(statusIcon(mark.status)), statusWord(mark.status) + late);
}

export function describe(student, mark) {
  if (mark?.waiting) return _("waits to be sent");
  if (mark) {
    const who = mark.by && mark.source !== "camera" ? mark.by : sourceWord(mark.source);
    return [timeOf(mark.at), who, mark.note].filter(Boolean).join(" · ");
  }
  if (student.by_hand === "left") return fill(_("left on %(day)s: comes back?"), { day: dayOf(student.left_on) });
  const why = { no_consent: _("by hand: no consent"), no_photograph: _("by hand: no photograph"), photograph_again: _("by hand: needs a new photograph") };
  return why[student.by_hand] ?? "";
}
