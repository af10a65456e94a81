// The register as this page knows it. Versions rise by one; on a gap the whole state is asked for again.

import { get } from "../core/api.js";

export class Store extends EventTarget {
  constructor(state) {
    super();
    this.pending = new Map();
    this.#take(state);
  }

  #asking = null;

  #take(state) {
    this.state = state;
    this.students = new Map(state.students.map((student) => [student.id, student]));
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

  /** The mark to show: what waits to be sent goes before what the server has. */
  shown(student) {
    const waiting = this.pending.get(student.id);
    if (waiting) return waiting.code ? { ...student.mark, ...waiting, waiting: true } : null;
    return student.mark?.code ? student.mark : null;
  }

  statusOf(letter) {
    return this.state.codes.find((code) => code.letter === letter)?.status ?? null;
  }

  counts() {
    const counts = { expected: this.students.size, present: 0, late: 0, absent: 0, excused: 0, unmarked: 0 };
    for (const student of this.students.values()) counts[this.shown(student)?.status ?? "unmarked"] += 1;
    return counts;
  }

  missing() {
    return [...this.students.values()].filter((student) => !this.shown(student));
  }

  /** One message of either socket, or the whole state. A promise where more had to be asked for. */
  hear(message) {
    if (message.type === "register") return this.#whole(message);
    return ["mark", "unmark", "session", "reviews"].includes(message.type) ? this.#step(message) : null;
  }

  #whole(state) {
    if (state.version < this.state.version) return;
    this.#take(state);
    this.#tell("all");
  }

  #step(message) {
    if (message.version === undefined || message.version > this.state.version + 1) return this.refresh();
    if (message.version <= this.state.version) return null;
    this.state.version = message.version;
    if (message.type === "session") {
      this.state.session = { ...this.session, ...message.session };
      this.#tell("session", { session: this.session });
    } else if (message.type === "reviews") {
      this.#tell("reviews", { waiting: message.waiting });
    } else {
      return this.#mark(message);
    }
    return null;
  }

  #mark(message) {
    const student = this.students.get(message.student.id);
    if (!student) return this.refresh();
    const before = student.mark;
    const { type: _type, student: _student, version: _version, ...mark } = message;
    mark.evidence ??= ["camera", "group", "kiosk", "review"].includes(mark.source);
    student.mark = mark;
    this.#tell("mark", { student, before, mark });
    return null;
  }

  /** Ask for everything; several wishes at once are one question. */
  refresh() {
    this.#asking ??= get(`${this.path}/register/`)
      .then((state) => this.#whole(state))
      .catch((fault) => this.#tell("fault", { fault }))
      .finally(() => (this.#asking = null));
    return this.#asking;
  }

  wait(studentId, mark) {
    this.pending.set(studentId, mark);
    this.#tell("pending", { studentId });
  }

  /** The mark of that nonce waits no more; a later one of the same student may still. */
  settle(studentId, nonce) {
    if (this.pending.get(studentId)?.nonce !== nonce) return;
    this.pending.delete(studentId);
    this.#tell("pending", { studentId });
  }

  #tell(what, detail = {}) {
    this.dispatchEvent(new CustomEvent("change", { detail: { what, ...detail } }));
  }
}
