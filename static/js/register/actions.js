// What a person does to the register: mark, correct, take back, the rest at once, sign.

import { call, post, put } from "../core/api.js";
import { ask } from "../core/ask.js";
import { make } from "../core/dom.js";
import { _, fill, plural, statusWord } from "../core/text.js";
import { toast } from "../core/toast.js";
import { nonce } from "./queue.js";

export const HERE = "arrived";

export class Actions extends EventTarget {
  #sending = false;
  #written = new Set();

  constructor(store, queue) {
    super();
    this.store = store;
    this.queue = queue;
  }

  /** Show what an earlier visit left behind, and send it. */
  async recall() {
    for (const entry of await this.queue.all()) this.#show(entry);
    await this.flush();
  }

  /** `code` null takes the mark back. Offers to undo unless this is an undoing itself. */
  async mark(student, code, { note, reason = "", undoing = false } = {}) {
    if (!this.store.isOpen && !reason) {
      reason = await askReason();
      if (!reason) return;
    }
    const before = this.store.shown(student)?.code ?? null;
    const entry = {
      student: student.id, code, note, reason, nonce: nonce(),
      revision: student.mark?.revision ?? 0, seen_at: new Date().toISOString(),
    };
    this.#show(entry);
    await this.queue.add(entry);
    await this.flush();
    if (this.#written.delete(entry.nonce) && !undoing && before !== code) this.#offerUndo(student, before, code);
  }

  #offerUndo(student, before, code) {
    const status = code === HERE ? "present" : this.store.statusOf(code);
    const sentence = code
      ? fill(_("%(name)s: %(status)s"), { name: student.name, status: statusWord(status) })
      : fill(_("%(name)s: mark taken back"), { name: student.name });
    toast(sentence, { label: _("Undo"), act: () => this.mark(student, before, { undoing: true, reason: _("undone") }) });
  }

  #show(entry) {
    const status = entry.code === HERE ? "present" : this.store.statusOf(entry.code);
    this.store.wait(entry.student, { code: entry.code === HERE ? "/" : entry.code, status, note: entry.note ?? "" });
  }

  /** Send what waits, in order, one at a time. */
  async flush() {
    if (this.#sending) return;
    this.#sending = true;
    try {
      for (let waiting = await this.queue.all(); waiting.length; waiting = await this.queue.all()) {
        for (const entry of waiting) if (!(await this.#send(entry))) return;
      }
    } finally {
      this.#sending = false;
      this.dispatchEvent(new Event("flushed"));
    }
  }

  async #send(entry) {
    const path = `${this.store.path}/marks/${entry.student}/`;
    const { student: id, code, note, ...rest } = entry;
    const body = { ...rest, ...(note === undefined ? {} : { note }) };
    try {
      const answer = code === null ? await call("DELETE", `/api/v1${path}`, body) : await put(path, { ...body, code });
      await this.#done(entry, answer);
      return true;
    } catch (fault) {
      if (fault.passing || fault.loginEnded) {
        this.dispatchEvent(new CustomEvent("waiting", { detail: { fault } }));
        return false;
      }
      await this.#refused(entry, fault);
      return true;
    }
  }

  async #done(entry, answer) {
    await this.queue.drop(entry);
    this.#written.add(entry.nonce);
    await this.store.refresh();
    this.store.settle(entry.student);
  }

  async #refused(entry, fault) {
    await this.queue.drop(entry);
    await this.store.refresh();
    this.store.settle(entry.student);
    if (fault.code === "conflict") this.#explain(entry, "conflict", fault.extra.mark);
    else toast(fault.message);
  }

  #explain(entry, reason, standing) {
    const name = this.store.students.get(entry.student)?.name ?? "";
    if (reason === "conflict") {
      const by = standing?.by ?? _("the camera");
      const status = statusWord(standing?.status);
      toast(fill(_("%(by)s marked %(name)s “%(status)s” meanwhile. That stands; yours was not written."), { by, name, status }));
    } else if (reason === "doubtful_clock") {
      toast(fill(_("The clock of this device is wrong. The mark of %(name)s was not written; set it again."), { name }));
    } else {
      toast(fill(_("%(name)s could not be marked: no member of this class on this day."), { name }));
    }
  }

  /** Give every student without a mark the same letter, after a question that counts. */
  async remaining(code) {
    const count = this.store.counts().unmarked;
    const status = statusWord(this.store.statusOf(code));
    const text = plural("One student has no mark yet and becomes “%(status)s”.", "%(count)s students have no mark yet and become “%(status)s”.", count);
    const agreed = await ask({ title: _("Mark all who remain?"), text: fill(text, { count, status }), yes: _("Mark them") });
    if (!agreed) return;
    try {
      await post(`${this.store.path}/marks/remaining/`, { code, expected: count });
    } catch (fault) {
      toast(fault.status === 409 ? _("Somebody was marked meanwhile. Look again, then repeat it.") : fault.message);
    }
    await this.store.refresh();
  }

  /** Sign the register: only here does "not seen" become a letter, if the person says which. */
  async close() {
    const count = this.store.counts().unmarked;
    const choice = count ? choiceForUnmarked(this.store.state.codes) : null;
    const text = count
      ? fill(plural("One student has no mark. What does that mean?", "%(count)s students have no mark. What does that mean?", count), { count })
      : _("Everybody has a mark. Corrections stay possible afterwards, with a reason.");
    const agreed = await ask({ title: _("Sign the register?"), text, yes: _("Sign"), more: choice });
    if (!agreed) return;
    await this.flush();
    try {
      await post(`${this.store.path}/close/`, { unmarked: choice?.querySelector("select").value || null });
    } catch (fault) {
      toast(fault.message);
    }
    await this.store.refresh();
  }
}

function choiceForUnmarked(codes) {
  const select = make("select", { id: "unmarked-letter" });
  for (const { letter, meaning } of codes) select.append(make("option", { value: letter, selected: letter === "N" }, `${letter}  ${meaning}`));
  select.append(make("option", { value: "" }, _("leave them open")));
  return make("div", { className: "field" }, make("label", { htmlFor: "unmarked-letter" }, _("They get")), select);
}

async function askReason() {
  const input = make("input", { id: "reason", maxLength: 300, required: true });
  const more = make("div", { className: "field" }, make("label", { htmlFor: "reason" }, _("Reason")), input);
  const agreed = await ask({
    title: _("Correct a signed register?"), text: _("The first entry stays in the history, with your name and reason."),
    yes: _("Correct it"), more,
  });
  return agreed ? input.value.trim() : "";
}
