// Frames to the server: the newest only, one on its way at a time, as fast and as large as the server advises.

import { Socket } from "../core/socket.js";

const LOST_AFTER = 8000;
const ADVICE = { fps: 5, side: 640, quality: 0.8 };
const MAX_BYTES = 2 * 1024 * 1024;

export class Frames extends EventTarget {
  #video;
  #encoder;
  #socket = null;
  #advice = ADVICE;
  #part = 1;
  #seq = 0;
  #flying = null;
  #timer = 0;
  #running = false;
  #sizes = new Map();

  constructor(path, video, encoder) {
    super();
    this.path = path;
    this.#video = video;
    this.#encoder = encoder;
    document.addEventListener("visibilitychange", () => !document.hidden && this.#soon(0));
  }

  start() {
    this.#running = true;
    this.#socket ??= this.#connect();
    this.#soon(0);
  }

  /** No more pictures; the socket goes too, so that a camera which is off leaves nothing open. */
  stop() {
    this.#running = false;
    clearTimeout(this.#timer);
    this.#socket?.close();
    this.#socket = null;
    this.#flying = null;
  }

  /** One picture as it would be sent, as a file; for a question that is no frame of the session. */
  async still() {
    const { bytes } = await this.#encoder.frame(this.#video, this.#advice);
    return new Blob([bytes], { type: "image/jpeg" });
  }

  again() {
    this.#socket?.again();
  }

  /** Each frame is answered: where none comes, the line is dead although it looks open. */
  #dead() {
    this.#flying = null;
    this.#tell("lost", { code: 0, final: false });
    this.#socket?.renew();
  }

  #connect() {
    const socket = new Socket(this.path);
    socket.addEventListener("said", ({ detail }) => this.#said(detail));
    socket.addEventListener("lost", ({ detail }) => {
      this.#flying = null;
      this.#tell("lost", detail);
    });
    return socket;
  }

  #said(message) {
    if (message.type === "ready" || message.type === "advice") this.#advise(message);
    if (
      message.type === "result" ||
      (message.type === "error" && message.seq !== undefined && message.seq !== null)
    )
      this.#answered(message);
    this.#tell(message.type, message);
  }

  #advise({ type, advice }) {
    this.#advice = { ...this.#advice, ...advice };
    if (type === "ready") return this.#soon(0);
    // All cameras hear of a new rate in the same seconds: each begins it at a moment of its own.
    const part = Math.random();
    if (this.#flying) this.#part = part;
    else this.#soon(part * this.#interval);
  }

  get #interval() {
    return 1000 / this.#advice.fps;
  }

  #answered(message) {
    const flying = this.#flying;
    if (!flying || flying.seq !== message.seq) return;
    this.#flying = null;
    message.frame = this.#sizes.get(message.seq);
    this.#sizes.clear();
    message.round = performance.now() - flying.at;
    // Where it waited, others come at the same moment: from now on this camera comes by that much later.
    const waited = message.ms?.queue ?? message.round;
    this.#soon(Math.max(0, this.#part * this.#interval + waited - message.round));
    this.#part = 1;
  }

  #soon(delay) {
    clearTimeout(this.#timer);
    if (this.#running) this.#timer = setTimeout(() => this.#next(), delay);
  }

  async #next() {
    if (!this.#running || document.hidden) return;
    const late = this.#flying && performance.now() - this.#flying.at > LOST_AFTER;
    if (late) this.#dead();
    if (this.#flying || !this.#socket?.isOpen || this.#socket.buffered > 0) return this.#soon(250);
    const seq = (this.#seq = (this.#seq + 1) >>> 0);
    this.#flying = { seq, at: performance.now() };
    try {
      const { bytes, width, height } = await this.#encoder.frame(this.#video, this.#advice);
      if (bytes.byteLength + 4 > MAX_BYTES) throw new Error("too large");
      this.#sizes.set(seq, { width, height });
      const message = new Uint8Array(bytes.byteLength + 4);
      new DataView(message.buffer).setUint32(0, seq);
      message.set(new Uint8Array(bytes), 4);
      this.#flying = { seq, at: performance.now() };
      this.#socket?.send(message);
    } catch {
      this.#flying = null; // The picture could not be read this once; the next one is due anyway.
    }
    this.#soon(250);
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
