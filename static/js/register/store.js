// The register as this page knows it. Versions rise by one; after a gap the whole register is requested again.

import { apiErrorOf, get } from "../core/api.js";
import { Emitter } from "../core/emitter.js";
import { labelsOf } from "../core/names.js";

// Marks from these sources come with evidence, which their event does not mention.
const WITH_EVIDENCE = ["camera", "group", "kiosk", "review"];

/** @extends {Emitter<{ change: Change }>} */
export class Store extends Emitter {
  /** @type {Map<string, PendingMark>} */
  pending = new Map();
  /** @type {Map<string, Student>} */
  students = new Map();
  /** @type {Promise<void> | null} */
  #refreshing = null;

  /** @type {Map<string, string>} */
  #labels = new Map();

  /**
   * @param {RegisterMessage} state
   * @param {boolean} isOffice whether codes that teachers may not use are offered
   */
  constructor(state, isOffice) {
    super();
    this.state = state;
    this.isOffice = isOffice;
    this.#take(state);
  }

  /** @param {RegisterMessage} state */
  #take(state) {
    this.state = state;
    this.students = new Map(state.students.map((student) => [student.id, student]));
    this.#labels = labelsOf(state.students);
  }

  get session() {
    return this.state.session;
  }

  get path() {
    return `/sessions/${this.session.id}`;
  }

  get isOpen() {
    return this.session.state === "open";
  }

  /**
   * Return the mark to show, or null: a pending one goes before the server's.
   *
   * @param {Student} student
   * @returns {ShownMark | null}
   */
  shownMark(student) {
    const pending = this.pending.get(student.id);
    if (pending) return pending.code ? { ...student.mark, ...pending, waiting: true } : null;
    return student.mark?.code ? student.mark : null;
  }

  /** Return the codes that this person may use. */
  offeredCodes() {
    return this.state.codes.filter((code) => code.for_teachers || this.isOffice);
  }

  /**
   * Return the letter that the school chose for a case, or null where it chose none that this person may use.
   *
   * @param {keyof ChosenCodes} name
   */
  chosenCode(name) {
    const chosen = this.state.chosen_codes[name];
    return this.offeredCodes().some(({ letter }) => letter === chosen) ? chosen : null;
  }

  /**
   * Return a student's name, with the number where another student of the register has the same name.
   *
   * @param {Named} student
   */
  labelOf({ id, name }) {
    return this.#labels.get(id) ?? name;
  }

  /** @param {string | null} code */
  statusOf(code) {
    return this.state.codes.find(({ letter }) => letter === code)?.status ?? null;
  }

  counts() {
    /** @type {Counts} */
    const counts = {
      expected: this.students.size,
      present: 0,
      late: 0,
      absent: 0,
      excused: 0,
      not_expected: 0,
      unmarked: 0,
    };
    for (const student of this.students.values()) counts[this.shownMark(student)?.status ?? "unmarked"] += 1;
    return counts;
  }

  missing() {
    return [...this.students.values()].filter((student) => !this.shownMark(student));
  }

  /**
   * Apply one message of either socket. Resolves when the register was requested again, where that was needed.
   *
   * @param {RegisterEvent} message
   */
  async apply(message) {
    if (message.type === "register") this.#replace(message);
    else if (["mark", "unmark", "session", "reviews"].includes(message.type)) await this.#applyEvent(message);
  }

  /** @param {RegisterMessage} state */
  #replace(state) {
    if (state.version < this.state.version) return;
    this.#take(state);
    this.emit("change", { what: "all" });
  }

  /** @param {MarkMessage | SessionMessage | ReviewsMessage} message */
  async #applyEvent(message) {
    if (message.version === undefined || message.version > this.state.version + 1) return this.refresh();
    if (message.version <= this.state.version) return;
    this.state.version = message.version;
    if (message.type === "session") {
      this.state.session = { ...this.session, ...message.session };
      this.emit("change", { what: "session" });
    } else if (message.type === "reviews") {
      this.state.reviews = message.waiting;
      this.emit("change", { what: "reviews", waiting: message.waiting });
    } else {
      await this.#applyMark(message);
    }
  }

  /** @param {MarkMessage} message */
  async #applyMark(message) {
    const student = this.students.get(message.student.id);
    if (!student) return this.refresh();
    const before = student.mark;
    const { type: _type, student: _student, version: _version, ...members } = message;
    const mark = { ...members, evidence: members.evidence ?? WITH_EVIDENCE.includes(members.source) };
    student.mark = mark;
    this.emit("change", { what: "mark", student, before, mark });
  }

  /** Request the whole register; requests made meanwhile share one answer. */
  refresh() {
    this.#refreshing ??= this.#request().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async #request() {
    try {
      this.#replace(await get(`${this.path}/register/`));
    } catch (thrown) {
      this.emit("change", { what: "error", error: apiErrorOf(thrown) });
    }
  }

  /**
   * @param {string} studentId
   * @param {PendingMark} mark
   */
  addPending(studentId, mark) {
    this.pending.set(studentId, mark);
    this.emit("change", { what: "pending", studentId });
  }

  /**
   * Forget the pending mark of that nonce; a later one of the same student stays.
   *
   * @param {string} studentId
   * @param {string} nonce
   */
  removePending(studentId, nonce) {
    if (this.pending.get(studentId)?.nonce !== nonce) return;
    this.pending.delete(studentId);
    this.emit("change", { what: "pending", studentId });
  }
}
