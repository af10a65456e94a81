// One student of the register: every letter, a note, and the history with its evidence.

import { get, post } from "../core/api.js";
import { button, byId, make, portrait } from "../core/dom.js";
import { _, fill, momentOf, sourceWord, statusWord } from "../core/text.js";
import { toast } from "../core/toast.js";
import { status } from "./view.js";

const FROM_A_CAMERA = ["camera", "group", "kiosk"];

export class Drawer {
  constructor(store, actions, { mayMark, mayFaces }) {
    Object.assign(this, { store, actions, mayMark, mayFaces, shown: null });
    this.dialog = byId("drawer");
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    store.addEventListener("change", ({ detail }) => {
      const concerns = detail.what === "all" || detail.student?.id === this.shown;
      if (this.dialog.open && concerns) this.#history(this.store.students.get(this.shown));
    });
  }

  open(id) {
    const student = this.store.students.get(id);
    this.shown = id;
    const close = button("", {
      name: "cross",
      className: "button icon-button",
      press: () => this.dialog.close(),
    });
    close.setAttribute("aria-label", _("Close"));
    this.now = make("p", { className: "soft" });
    this.events = make("ol", { className: "history" });
    this.events.setAttribute("role", "list");
    byId("drawer-body").replaceChildren(
      make(
        "div",
        { className: "drawer-head" },
        portrait(student, "portrait large"),
        make("div", {}, make("h2", { id: "drawer-name" }, student.name), this.now),
        close,
      ),
      ...(this.mayMark ? [this.#letters(student), this.#note(student)] : []),
      ...(this.mayMark && FROM_A_CAMERA.includes(this.store.shown(student)?.source)
        ? [this.#refuse(student)]
        : []),
      make("h3", {}, _("History")),
      this.events,
    );
    this.#history(student);
    this.dialog.setAttribute("aria-labelledby", "drawer-name");
    this.dialog.showModal();
  }

  #letters(student) {
    const box = make("div", { className: "letters", role: "group" });
    box.setAttribute("aria-label", _("Mark"));
    const current = this.store.shown(student)?.code;
    for (const code of this.store.state.codes) {
      const press = () => {
        this.dialog.close();
        this.actions.mark(student, code.letter, { note: this.note.value.trim() });
      };
      const one = make(
        "button",
        { type: "button", className: "button", on: { click: press } },
        make("b", {}, code.letter),
        code.meaning,
      );
      one.setAttribute("aria-pressed", String(code.letter === current));
      box.append(one);
    }
    return box;
  }

  #note(student) {
    this.note = make("input", { id: "note", maxLength: 300, value: student.mark?.note ?? "" });
    const save = button(_("Save the note"), {
      press: () => {
        this.dialog.close();
        this.actions.mark(student, this.store.shown(student)?.code ?? null, { note: this.note.value.trim() });
      },
    });
    save.disabled = !this.store.shown(student);
    return make(
      "div",
      { className: "row end" },
      make("div", { className: "field grow" }, make("label", { htmlFor: "note" }, _("Note")), this.note),
      save,
    );
  }

  #refuse(student) {
    return button(_("This was somebody else"), {
      name: "cross",
      className: "button danger",
      press: async () => {
        this.dialog.close();
        try {
          const { blocked } = await post(`/marks/${student.mark.mark}/not-this-person/`);
          const forgotten = _("Taken back. This face is not taken for %(name)s again in this session.");
          toast(blocked ? fill(forgotten, { name: student.name }) : _("Taken back."));
        } catch (fault) {
          toast(fault.message);
        }
        await this.store.refresh();
      },
    });
  }

  async #history(student) {
    const mark = this.store.shown(student);
    this.now.replaceChildren(mark ? status(mark) : _("No mark yet"));
    if (!student.mark?.mark) {
      this.events.replaceChildren(make("li", { className: "soft" }, _("Nothing has happened yet.")));
      return;
    }
    try {
      const said = await get(`/marks/${student.mark.mark}/history/`);
      const events = (said.results ?? said).toReversed?.() ?? [...(said.results ?? said)].reverse();
      if (this.shown === student.id)
        this.events.replaceChildren(...events.map((event) => this.#event(event)));
    } catch (fault) {
      this.events.replaceChildren(make("li", { className: "soft" }, fault.message));
    }
  }

  #event(event) {
    const word = event.to_code
      ? `${event.to_code} · ${statusWord(this.store.statusOf(event.to_code))}`
      : _("taken back");
    const who = [sourceWord(event.source), event.actor?.name ?? event.actor ?? event.by]
      .filter(Boolean)
      .join(", ");
    const late = event.late_upload
      ? fill(_("sent later, at %(time)s"), { time: momentOf(event.stored_at) })
      : "";
    return make(
      "li",
      {},
      make("strong", {}, word),
      make(
        "span",
        { className: "small soft" },
        [momentOf(event.seen_at), who, late].filter(Boolean).join(" · "),
      ),
      event.reason ? make("span", {}, `“${event.reason}”`) : null,
      event.evidence ? this.#evidence(event.evidence) : null,
    );
  }

  #evidence(evidence) {
    const picture =
      this.mayFaces && evidence.id && evidence.crop !== null
        ? make("img", {
            src: evidence.image ?? `/api/v1/evidence/${evidence.id}/image/`,
            alt: _("The face as the camera saw it"),
            width: 96,
            height: 96,
          })
        : null;
    picture?.addEventListener("error", () => picture.remove());
    const fact = (name, value) =>
      value === null || value === undefined || value === ""
        ? []
        : [make("dt", {}, name), make("dd", { className: "num" }, String(value))];
    const near = (number) => (typeof number === "number" ? number.toFixed(2) : null);
    return make(
      "div",
      { className: "evidence" },
      picture,
      make(
        "dl",
        { className: "facts small" },
        ...fact(_("Distance"), near(evidence.distance)),
        ...fact(_("Lead over the next"), near(evidence.margin)),
        ...fact(_("Looks"), evidence.looks),
        ...fact(_("Photographs"), evidence.photographs),
        ...fact(_("Camera"), evidence.camera),
        ...fact(_("Model"), evidence.space),
        ...fact(_("Gone on"), evidence.expires_at && momentOf(evidence.expires_at)),
      ),
    );
  }
}
