// One student of the register: every code, a note, and the history with its evidence.

import { apiErrorOf, get, post } from "../core/api.js";
import { button, byId, make, portrait, tagById } from "../core/dom.js";
import { nameElement } from "../core/names.js";
import { _, fill, momentOf, sourceLabel, statusLabel } from "../core/text.js";
import { toast } from "../core/toast.js";
import { statusElement } from "./view.js";

const FROM_A_CAMERA = ["camera", "group", "kiosk"];

export class Drawer {
  /** The id of the student who is shown. */
  #shownId = "";
  #dialog = tagById("dialog", "drawer");
  #currentMark = make("p", { className: "soft" });
  #history = make("ol", { className: "history", role: "list" });
  #noteInput = make("input", { id: "note", maxLength: 300 });

  /**
   * @param {Store} store
   * @param {Actions} actions
   * @param {Rights} rights
   */
  constructor(store, actions, { mayMark, mayFaces }) {
    this.store = store;
    this.actions = actions;
    this.mayMark = mayMark;
    this.mayFaces = mayFaces;
    this.#dialog.addEventListener("click", (event) => event.target === this.#dialog && this.#dialog.close());
    store.on("change", (change) => {
      const concerns =
        change.what === "all" || (change.what === "mark" && change.student.id === this.#shownId);
      const student = this.store.students.get(this.#shownId);
      if (this.#dialog.open && concerns && student) this.#showHistory(student);
    });
  }

  /** @param {string} id */
  open(id) {
    const student = this.store.students.get(id);
    if (!student) return;
    this.#shownId = id;
    this.#currentMark = make("p", { className: "soft" });
    this.#history = make("ol", { className: "history", role: "list" });
    const source = this.store.shownMark(student)?.source ?? "";
    byId("drawer-body").replaceChildren(
      this.#head(student),
      ...(this.mayMark ? [this.#codes(student), this.#note(student)] : []),
      ...(this.mayMark && FROM_A_CAMERA.includes(source) ? [this.#rejectButton(student)] : []),
      make("h3", {}, _("History")),
      this.#history,
    );
    this.#showHistory(student);
    this.#dialog.setAttribute("aria-labelledby", "drawer-name");
    this.#dialog.showModal();
  }

  /** @param {Student} student */
  #head(student) {
    const close = button("", {
      name: "cross",
      className: "button icon-button",
      press: () => this.#dialog.close(),
    });
    close.setAttribute("aria-label", _("Close"));
    return make(
      "div",
      { className: "drawer-head" },
      portrait(student, "portrait large"),
      make(
        "div",
        {},
        make("h2", { id: "drawer-name" }, nameElement(this.store.labelOf(student))),
        this.#currentMark,
      ),
      close,
    );
  }

  /** @param {Student} student */
  #codes(student) {
    const box = make("div", { className: "letters", role: "group", aria: { label: _("Mark") } });
    const current = this.store.shownMark(student)?.code;
    for (const { letter, name } of this.store.offeredCodes()) {
      const press = () => this.#mark(student, letter);
      const choice = make(
        "button",
        { type: "button", className: "button", on: { click: press } },
        make("b", {}, letter),
        name,
      );
      choice.setAttribute("aria-pressed", String(letter === current));
      box.append(choice);
    }
    return box;
  }

  /**
   * @param {Student} student
   * @param {string | null} code
   */
  #mark(student, code) {
    this.#dialog.close();
    this.actions.mark(student, code, { note: this.#noteInput.value.trim() });
  }

  /** @param {Student} student */
  #note(student) {
    this.#noteInput = make("input", { id: "note", maxLength: 300, value: student.mark?.note ?? "" });
    const save = button(_("Save the note"), {
      press: () => this.#mark(student, this.store.shownMark(student)?.code ?? null),
    });
    save.disabled = !this.store.shownMark(student);
    const label = make("label", { htmlFor: "note" }, _("Note"));
    return make(
      "div",
      { className: "row end" },
      make("div", { className: "field grow" }, label, this.#noteInput),
      save,
    );
  }

  /** @param {Student} student */
  #rejectButton(student) {
    return button(_("Not this student"), {
      name: "cross",
      className: "button danger",
      press: () => this.#reject(student),
    });
  }

  /** @param {Student} student */
  async #reject(student) {
    this.#dialog.close();
    try {
      /** @type {{ blocked: boolean }} */
      const { blocked: isRejected } = await post(`/marks/${student.mark?.mark}/not-this-person/`);
      const rejected = _("Mark removed. This face will not be matched to %(name)s again in this session.");
      toast(isRejected ? fill(rejected, { name: this.store.labelOf(student) }) : _("Mark removed."));
    } catch (thrown) {
      toast(apiErrorOf(thrown).message);
    }
    await this.store.refresh();
  }

  /** @param {Student} student */
  async #showHistory(student) {
    const mark = this.store.shownMark(student);
    this.#currentMark.replaceChildren(mark ? statusElement(mark) : _("No mark yet"));
    if (!student.mark?.mark) {
      this.#history.replaceChildren(make("li", { className: "soft" }, _("No changes yet.")));
      return;
    }
    try {
      /** @type {Page<MarkEvent>} */
      const { results } = await get(`/marks/${student.mark.mark}/history/`);
      if (this.#shownId !== student.id) return;
      this.#history.replaceChildren(...results.reverse().map((event) => this.#event(event)));
    } catch (thrown) {
      this.#history.replaceChildren(make("li", { className: "soft" }, apiErrorOf(thrown).message));
    }
  }

  /** @param {MarkEvent} event */
  #event(event) {
    const code = event.to_code
      ? `${event.to_code} · ${statusLabel(this.store.statusOf(event.to_code))}`
      : _("removed");
    const by = [sourceLabel(event.source), event.actor].filter(Boolean).join(", ");
    const late = event.late_upload
      ? fill(_("sent later: %(time)s"), { time: momentOf(event.stored_at) })
      : "";
    const details = [momentOf(event.seen_at), by, late].filter(Boolean).join(" · ");
    return make(
      "li",
      {},
      make("strong", {}, code),
      make("span", { className: "small soft" }, details),
      event.reason ? make("span", {}, `“${event.reason}”`) : null,
      event.evidence ? this.#evidence(event.evidence) : null,
    );
  }

  /** @param {Evidence} evidence */
  #evidence(evidence) {
    const facts = [
      ...fact(_("Distance"), evidence.distance?.toFixed(2)),
      ...fact(_("Margin to next match"), evidence.margin?.toFixed(2)),
      ...fact(_("Frames"), evidence.looks),
      ...fact(_("Photos"), evidence.photographs),
      ...fact(_("Camera"), evidence.camera),
      ...fact(_("Model"), evidence.space),
      ...fact(_("Deleted on"), evidence.expires_at && momentOf(evidence.expires_at)),
    ];
    const image = this.mayFaces && evidence.image ? evidenceImage(evidence.image) : null;
    return make("div", { className: "evidence" }, image, make("dl", { className: "facts small" }, ...facts));
  }
}

/**
 * Return the face of a mark; the image goes where it does not load.
 *
 * @param {string} src
 */
function evidenceImage(src) {
  const image = make("img", { src, alt: _("Face seen by the camera"), width: 96, height: 96 });
  image.addEventListener("error", () => image.remove());
  return image;
}

/**
 * Return a term and its value, or nothing where there is no value.
 *
 * @param {string} name
 * @param {string | number | null | undefined} value
 */
function fact(name, value) {
  if (value === null || value === undefined || value === "") return [];
  return [make("dt", {}, name), make("dd", { className: "num" }, String(value))];
}
