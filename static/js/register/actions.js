// What a person does to the register: mark, amend, undo, mark all who remain. Signing is in signing.js.

import { apiErrorOf, post, put, remove } from "../core/api.js";
import { confirmInDialog } from "../core/confirm.js";
import { tagIn } from "../core/dom.js";
import { Emitter } from "../core/emitter.js";
import { _, fill, plural, statusLabel } from "../core/text.js";
import { toast } from "../core/toast.js";
import { newNonce } from "./queue.js";
import { askReason, reasonField } from "./reasons.js";

/** The server chooses the code: present, or late by its clock. */
export const ARRIVED = "arrived";

// What is sent within so many milliseconds is marked as of now, by the server's clock.
const AT_ONCE_MS = 5000;

/** @extends {Emitter<{ waiting: { error: ApiError }, refused: { sentence: string } }>} */
export class Actions extends Emitter {
  /** @type {Promise<void> | null} */
  #flushing = null;
  #flushAgain = false;
  /**
   * Entries whose undoing is still to be offered, with the mark that was shown before.
   *
   * @type {Map<string, ShownMark | null>}
   */
  #offers = new Map();

  /**
   * @param {Store} store
   * @param {Queue} queue
   */
  constructor(store, queue) {
    super();
    this.store = store;
    this.queue = queue;
  }

  /** Show what an earlier visit left in the queue, and send it. */
  async sendStored() {
    for (const entry of await this.queue.all()) this.#showPending(entry);
    await this.flush();
  }

  /**
   * Mark a student. Offers to undo it unless `revision` is given: then this undoes the mark of that revision.
   *
   * @param {{ id: string }} student
   * @param {string | null} code null removes the mark
   * @param {{ note?: string | undefined, reason?: string, revision?: number | null }} [options]
   */
  async mark({ id }, code, { note, reason = "", revision = null } = {}) {
    if (this.store.session.was_signed && !reason) {
      reason = await askReason();
      if (!reason) return;
    }
    const student = this.store.students.get(id);
    if (!student) return;
    const before = this.store.shownMark(student);
    /** @type {QueueEntry} */
    const entry = {
      student: id,
      code,
      note,
      reason,
      nonce: newNonce(),
      seen_at: new Date().toISOString(),
      // A mark on top of one that still waits: which revision it is for is known when that one is written.
      revision: revision ?? student.mark?.revision ?? 0,
      after: this.store.pending.get(id)?.nonce ?? null,
    };
    if (revision === null && (before?.code ?? null) !== code) this.#offers.set(entry.nonce, before);
    await this.queue.add(entry);
    this.#showPending(entry);
    await this.flush();
  }

  /**
   * @param {QueueEntry} entry
   * @param {number} revision
   * @param {Status | null} status
   */
  #offerUndo({ student: id, code, note, nonce }, revision, status) {
    const before = this.#offers.get(nonce);
    const student = this.store.students.get(id);
    if (before === undefined || !student) return;
    this.#offers.delete(nonce);
    const values = { name: this.store.labelOf(student), status: statusLabel(status) };
    const sentence = code
      ? fill(_("%(name)s: %(status)s"), values)
      : fill(_("%(name)s: mark removed"), values);
    const noteBefore = note === undefined ? undefined : (before?.note ?? "");
    const options = { revision, reason: _("undone"), note: noteBefore };
    toast(sentence, { label: _("Undo"), act: () => this.mark(student, before?.code ?? null, options) });
  }

  /** @param {string | null} code */
  #statusOf(code) {
    return code === ARRIVED ? "present" : this.store.statusOf(code);
  }

  /** @param {QueueEntry} entry */
  #showPending({ student, code, note, nonce }) {
    const withNote = note === undefined ? {} : { note };
    const status = this.#statusOf(code);
    // Any code will do while the server has not chosen it: the page shows the status.
    this.store.addPending(student, { code, status, nonce, ...withNote });
  }

  /** Send what waits, in order, one at a time. */
  flush() {
    this.#flushAgain = true;
    this.#flushing ??= this.#sendAll();
    return this.#flushing;
  }

  async #sendAll() {
    try {
      while (this.#flushAgain) {
        this.#flushAgain = false;
        for (let waiting = await this.queue.all(); waiting.length; waiting = await this.queue.all()) {
          const nonces = new Set(waiting.map((entry) => entry.nonce));
          for (const entry of waiting) {
            const isFirst = entry.after === null || !nonces.has(entry.after);
            if (isFirst && !(await this.#send(entry))) return;
          }
        }
      }
      // What another window of this person has sent meanwhile is no longer pending.
      for (const [id, { nonce }] of [...this.store.pending]) this.store.removePending(id, nonce);
    } finally {
      this.#flushing = null;
    }
  }

  /**
   * Send one entry. Resolves to false where the rest must wait too.
   *
   * @param {QueueEntry} entry
   * @returns {Promise<boolean>}
   */
  async #send(entry) {
    /** @type {MarkResult} */
    let answer;
    try {
      const path = `${this.store.path}/marks/${entry.student}/`;
      const body = bodyOf(entry);
      answer =
        entry.code === null ? await remove(path, body) : await put(path, { ...body, code: entry.code });
    } catch (thrown) {
      const error = apiErrorOf(thrown);
      if (!error.isTemporary && !error.loginEnded) return this.#refused(entry, error);
      this.#offerUndo(entry, entry.revision, this.#statusOf(entry.code));
      this.emit("waiting", { error });
      return false;
    }
    return this.#done(entry, answer);
  }

  /**
   * @param {QueueEntry} entry
   * @param {MarkResult} answer
   */
  async #done(entry, answer) {
    // The server took it for the mark of that revision: its own is the next, unless nothing had to be written.
    const revision = entry.revision + (answer.reason === "already_marked" ? 0 : 1);
    for (const later of await this.queue.all()) {
      if (later.after === entry.nonce) await this.queue.add({ ...later, revision, after: null });
    }
    await this.queue.drop(entry);
    const { outcome, mark, version } = answer;
    if (mark && ["created", "changed"].includes(outcome)) {
      await this.store.apply({ type: "mark", ...mark, student: { id: entry.student }, version });
    } else await this.store.refresh();
    this.store.removePending(entry.student, entry.nonce);
    this.#offerUndo(entry, revision, mark?.status ?? this.#statusOf(entry.code));
    return true;
  }

  /**
   * @param {QueueEntry} entry
   * @param {ApiError} error
   */
  async #refused(entry, error) {
    if (error.code === "reason_needed" && !entry.reason) {
      await this.queue.add({ ...entry, reason: _("marked before the register was signed") });
      return true;
    }
    this.#offers.delete(entry.nonce);
    await this.queue.drop(entry);
    await this.store.refresh();
    this.store.removePending(entry.student, entry.nonce);
    const sentence = this.#explain(entry, error);
    toast(sentence);
    this.emit("refused", { sentence });
    return true;
  }

  /**
   * Return why an entry was not written, in a sentence.
   *
   * @param {QueueEntry} entry
   * @param {ApiError} error
   */
  #explain(entry, error) {
    const student = this.store.students.get(entry.student);
    const name = student ? this.store.labelOf(student) : "";
    if (error.code === "conflict") {
      const { mark } = error.extra;
      const by = mark?.by ?? _("the camera");
      const status = statusLabel(mark?.status);
      const text = _("%(by)s has marked %(name)s “%(status)s” in the meantime. Your mark was not saved.");
      return fill(text, { by, name, status });
    }
    if (error.code === "doubtful_clock") {
      const text = _(
        "The clock of this device is wrong. The mark of %(name)s was not saved; mark the student again.",
      );
      return fill(text, { name });
    }
    if (error.code === "not_a_member") {
      return fill(_("%(name)s could not be marked: not in this class on this day."), { name });
    }
    return error.message;
  }

  /** Mark every student without a mark present, after a question that says how many they are. */
  async markRemaining() {
    const code = this.store.chosenCode("present");
    if (!code) return;
    const students = this.store.missing().map(({ id }) => id);
    const count = students.length;
    const reason = this.store.session.was_signed ? reasonField() : null;
    const status = statusLabel(this.store.statusOf(code));
    const text = plural(
      "One student has no mark yet and becomes “%(status)s”.",
      "%(count)s students have no mark yet and become “%(status)s”.",
      count,
    );
    const agreed = await confirmInDialog({
      title: _("Mark all remaining students?"),
      text: fill(text, { count, status }),
      yes: _("Mark them"),
      more: reason,
    });
    if (!agreed) return;
    try {
      await post(`${this.store.path}/marks/remaining/`, {
        code,
        expected: count,
        students,
        reason: reason ? tagIn(reason, "input").value.trim() : "",
      });
    } catch (thrown) {
      const error = apiErrorOf(thrown);
      const changed = _("The register has changed in the meantime. Check it, then try again.");
      toast(error.status === 409 ? changed : error.message);
    }
    await this.store.refresh();
  }
}

/**
 * Return what the API is sent for an entry, without its code.
 *
 * @param {QueueEntry} entry
 */
function bodyOf({ note, reason, nonce, revision, seen_at }) {
  const isLate = Math.abs(Date.now() - Date.parse(seen_at)) > AT_ONCE_MS;
  return {
    reason,
    nonce,
    revision,
    ...(isLate ? { seen_at, sent_at: new Date().toISOString() } : {}),
    ...(note === undefined ? {} : { note }),
  };
}
