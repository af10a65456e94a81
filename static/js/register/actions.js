// What a person does to the register: mark, correct, take back, the rest at once, sign.

import { post, put, remove } from "../core/api.js";
import { ask } from "../core/ask.js";
import { make } from "../core/dom.js";
import { _, fill, plural, statusWord } from "../core/text.js";
import { toast } from "../core/toast.js";
import { nonce } from "./queue.js";

export const HERE = "arrived";

/** What is sent within so many milliseconds is marked as of now, by the server's clock. */
const AT_ONCE = 5000;

export class Actions extends EventTarget {
  #flushing = null;
  #again = false;
  #offers = new Map();

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

  /** `code` null takes the mark back. Offers to undo unless this is an undoing itself, which names its `revision`. */
  async mark({ id }, code, { note, reason = "", revision = null } = {}) {
    if (this.store.session.state === "closed" && !reason) {
      reason = await askReason();
      if (!reason) return;
    }
    const student = this.store.students.get(id);
    const before = this.store.shown(student);
    const entry = {
      student: id,
      code,
      note,
      reason,
      nonce: nonce(),
      seen_at: new Date().toISOString(),
      // A mark on top of one that still waits: which revision it is for is known when that one is written.
      revision: revision ?? student.mark?.revision ?? 0,
      after: this.store.pending.get(id)?.nonce ?? null,
    };
    if (revision === null && (before?.code ?? null) !== code) this.#offers.set(entry.nonce, before);
    await this.queue.add(entry);
    this.#show(entry);
    await this.flush();
  }

  #offerUndo({ student: id, code, note, nonce: key }, revision) {
    if (!this.#offers.has(key)) return;
    const before = this.#offers.get(key);
    this.#offers.delete(key);
    const student = this.store.students.get(id);
    const status = code === HERE ? "present" : this.store.statusOf(code);
    const sentence = code
      ? fill(_("%(name)s: %(status)s"), { name: student.name, status: statusWord(status) })
      : fill(_("%(name)s: mark taken back"), { name: student.name });
    const as = { revision, reason: _("undone"), ...(note === undefined ? {} : { note: before?.note ?? "" }) };
    toast(sentence, { label: _("Undo"), act: () => this.mark(student, before?.code ?? null, as) });
  }

  #show({ student, code, note, nonce: key }) {
    const status = code === HERE ? "present" : this.store.statusOf(code);
    const said = note === undefined ? {} : { note };
    this.store.wait(student, { code: code === HERE ? "/" : code, status, nonce: key, ...said });
  }

  /** Send what waits, in order, one at a time. */
  flush() {
    this.#again = true;
    this.#flushing ??= this.#sendAll();
    return this.#flushing;
  }

  async #sendAll() {
    try {
      while (this.#again) {
        this.#again = false;
        for (let waiting = await this.queue.all(); waiting.length; waiting = await this.queue.all()) {
          const keys = new Set(waiting.map((entry) => entry.nonce));
          for (const entry of waiting) if (!keys.has(entry.after) && !(await this.#send(entry))) return;
        }
      }
      // What another window of this person has sent meanwhile waits no more.
      for (const [id, { nonce: key }] of [...this.store.pending]) this.store.settle(id, key);
    } finally {
      this.#flushing = null;
    }
  }

  /** False where the rest must wait too. */
  async #send(entry) {
    const path = `${this.store.path}/marks/${entry.student}/`;
    const { student: _student, code, note, after: _after, seen_at, ...rest } = entry;
    const kept = Math.abs(Date.now() - Date.parse(seen_at)) > AT_ONCE;
    const body = {
      ...rest,
      ...(kept ? { seen_at, sent_at: new Date().toISOString() } : {}),
      ...(note === undefined ? {} : { note }),
    };
    let answer;
    try {
      answer = code === null ? await remove(path, body) : await put(path, { ...body, code });
    } catch (fault) {
      if (!fault.passing && !fault.loginEnded) return this.#refused(entry, fault);
      this.#offerUndo(entry, entry.revision);
      this.dispatchEvent(new CustomEvent("waiting", { detail: { fault } }));
      return false;
    }
    return this.#done(entry, answer);
  }

  async #done(entry, answer) {
    // The server took it for the mark of that revision: its own is the next, unless nothing had to be written.
    const revision = entry.revision + (answer.reason === "already_marked" ? 0 : 1);
    for (const later of await this.queue.all()) {
      if (later.after === entry.nonce) await this.queue.add({ ...later, revision, after: null });
    }
    await this.queue.drop(entry);
    const { outcome, mark, version } = answer;
    if (["created", "changed"].includes(outcome))
      await this.store.hear({ type: "mark", ...mark, student: { id: entry.student }, version });
    else await this.store.refresh();
    this.store.settle(entry.student, entry.nonce);
    this.#offerUndo(entry, revision);
    return true;
  }

  async #refused(entry, fault) {
    if (fault.code === "reason_needed" && !entry.reason) {
      await this.queue.add({ ...entry, reason: _("marked before the register was signed") });
      return true;
    }
    this.#offers.delete(entry.nonce);
    await this.queue.drop(entry);
    await this.store.refresh();
    this.store.settle(entry.student, entry.nonce);
    const sentence = this.#why(entry, fault);
    toast(sentence);
    this.dispatchEvent(new CustomEvent("refused", { detail: { sentence } }));
    return true;
  }

  #why(entry, fault) {
    const name = this.store.students.get(entry.student)?.name ?? "";
    if (fault.code === "conflict") {
      const by = fault.extra.mark?.by ?? _("the camera");
      const status = statusWord(fault.extra.mark?.status);
      return fill(_("%(by)s marked %(name)s “%(status)s” meanwhile. That stands; yours was not written."), {
        by,
        name,
        status,
      });
    }
    if (fault.code === "doubtful_clock") {
      return fill(
        _("The clock of this device is wrong. The mark of %(name)s was not written; set it again."),
        { name },
      );
    }
    if (fault.code === "not_a_member") {
      return fill(_("%(name)s could not be marked: no member of this class on this day."), { name });
    }
    return fault.message;
  }

  /** Give every student without a mark the same letter, after a question that counts. */
  async remaining(code) {
    const count = this.store.counts().unmarked;
    const status = statusWord(this.store.statusOf(code));
    const text = plural(
      "One student has no mark yet and becomes “%(status)s”.",
      "%(count)s students have no mark yet and become “%(status)s”.",
      count,
    );
    const agreed = await ask({
      title: _("Mark all who remain?"),
      text: fill(text, { count, status }),
      yes: _("Mark them"),
    });
    if (!agreed) return;
    try {
      await post(`${this.store.path}/marks/remaining/`, { code, expected: count });
    } catch (fault) {
      toast(
        fault.status === 409
          ? _("Somebody was marked meanwhile. Look again, then repeat it.")
          : fault.message,
      );
    }
    await this.store.refresh();
  }

  /** Sign the register: only here does "not seen" become a letter, if the person says which. */
  async close() {
    await this.flush();
    if (this.store.pending.size)
      return toast(_("Marks wait here to be sent. Sign the register when the connection is back."));
    const count = this.store.counts().unmarked;
    const choice = count ? choiceForUnmarked(this.store.state.codes) : null;
    const text = count
      ? fill(
          plural(
            "One student has no mark. What does that mean?",
            "%(count)s students have no mark. What does that mean?",
            count,
          ),
          { count },
        )
      : _("Everybody has a mark. Corrections stay possible afterwards, with a reason.");
    const agreed = await ask({ title: _("Sign the register?"), text, yes: _("Sign"), more: choice });
    if (!agreed) return;
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
  for (const { letter, meaning } of codes)
    select.append(make("option", { value: letter, selected: letter === "N" }, `${letter}  ${meaning}`));
  select.append(make("option", { value: "" }, _("leave them open")));
  return make(
    "div",
    { className: "field" },
    make("label", { htmlFor: "unmarked-letter" }, _("They get")),
    select,
  );
}

async function askReason() {
  const input = make("input", { id: "reason", maxLength: 300, required: true });
  const more = make("div", { className: "field" }, make("label", { htmlFor: "reason" }, _("Reason")), input);
  const agreed = await ask({
    title: _("Correct a signed register?"),
    text: _("The first entry stays in the history, with your name and reason."),
    yes: _("Correct it"),
    more,
  });
  return agreed ? input.value.trim() : "";
}
