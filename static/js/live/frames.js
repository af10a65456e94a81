// Frames to the server: the newest only, one on its way at a time, as fast and as large as the server advises.

import { Emitter } from "../core/emitter.js";
import { Socket } from "../core/socket.js";

const ANSWER_TIMEOUT_MS = 8000;
// How soon to look again where a frame cannot be sent just now.
const RETRY_MS = 250;
/** @type {Advice} */
const FIRST_ADVICE = { fps: 5, side: 640, quality: 0.8 };
const MAX_BYTES = 2 * 1024 * 1024;

/** @extends {Emitter<FrameEvents>} */
export class Frames extends Emitter {
  #path;
  #video;
  #encoder;
  /** @type {Socket<CameraMessage> | null} */
  #socket = null;
  #advice = FIRST_ADVICE;
  /** The share of an interval that passes before the next frame. */
  #share = 1;
  #seq = 0;
  /**
   * The frame that is not answered yet, and when it was sent.
   *
   * @type {{ seq: number, at: number } | null}
   */
  #sent = null;
  #timer = 0;
  #running = false;
  /** @type {Map<number, Size>} */
  #sizes = new Map();

  /**
   * @param {string} path
   * @param {HTMLVideoElement} video
   * @param {Encoder} encoder
   */
  constructor(path, video, encoder) {
    super();
    this.#path = path;
    this.#video = video;
    this.#encoder = encoder;
    document.addEventListener("visibilitychange", () => !document.hidden && this.#sendAfter(0));
  }

  start() {
    this.#running = true;
    this.#socket ??= this.#connect();
    this.#sendAfter(0);
  }

  /** Stop sending and close the socket, so that no connection stays open while the camera is off. */
  stop() {
    this.#running = false;
    clearTimeout(this.#timer);
    this.#socket?.close();
    this.#socket = null;
    this.#sent = null;
  }

  /** Return one frame as a JPEG, encoded as for the socket, for a request outside of it (the room check). */
  async still() {
    const { bytes } = await this.#encoder.frame(this.#video, this.#advice);
    return new Blob([bytes], { type: "image/jpeg" });
  }

  reconnect() {
    this.#socket?.reconnect();
  }

  /** Each frame is answered: where no answer comes, the connection is dead although it looks open. */
  #replaceSocket() {
    this.#sent = null;
    this.emit("closed", { code: 0, final: false });
    this.#socket?.replace();
  }

  #connect() {
    /** @type {Socket<CameraMessage>} */
    const socket = new Socket(this.#path);
    socket.on("message", (message) => this.#received(message));
    socket.on("closed", (closed) => {
      this.#sent = null;
      this.emit("closed", closed);
    });
    return socket;
  }

  /** @param {CameraMessage} message */
  #received(message) {
    if (message.type === "ready" || message.type === "advice") this.#advise(message);
    if (message.type === "result") {
      this.emit("result", { ...message, ...this.#answered(message.seq, message.ms?.queue) });
      return;
    }
    if (message.type === "error") this.#answered(message.seq);
    this.emit(message.type, message);
  }

  /** @param {ReadyMessage | AdviceMessage} message */
  #advise({ type, advice }) {
    this.#advice = { ...this.#advice, ...advice };
    if (type === "ready") return this.#sendAfter(0);
    // All cameras get new advice at about the same time: a random delay keeps their frames apart.
    const share = Math.random();
    if (this.#sent) this.#share = share;
    else this.#sendAfter(share * this.#interval);
  }

  /** Milliseconds from frame to frame. */
  get #interval() {
    return 1000 / this.#advice.fps;
  }

  /**
   * Plan the next frame, and return the answered one's size and the milliseconds until its answer.
   *
   * @param {number | null | undefined} seq
   * @param {number} [queued] milliseconds that the frame waited at the server
   * @returns {{ frame: Size | undefined, round: number | undefined }}
   */
  #answered(seq, queued) {
    const sent = this.#sent;
    if (!sent || seq === undefined || seq === null || sent.seq !== seq) {
      return { frame: undefined, round: undefined };
    }
    this.#sent = null;
    const frame = this.#sizes.get(seq);
    this.#sizes.clear();
    const round = performance.now() - sent.at;
    // A frame that waited arrived together with other cameras': shift this camera's later frames by that wait.
    const waited = queued ?? round;
    this.#sendAfter(Math.max(0, this.#share * this.#interval + waited - round));
    this.#share = 1;
    return { frame, round };
  }

  /** @param {number} delay milliseconds */
  #sendAfter(delay) {
    clearTimeout(this.#timer);
    if (this.#running) this.#timer = setTimeout(() => this.#send(), delay);
  }

  async #send() {
    if (!this.#running || document.hidden) return;
    if (this.#sent && performance.now() - this.#sent.at > ANSWER_TIMEOUT_MS) this.#replaceSocket();
    if (this.#sent || !this.#socket?.isOpen || this.#socket.buffered > 0) return this.#sendAfter(RETRY_MS);
    const seq = (this.#seq + 1) >>> 0;
    this.#seq = seq;
    this.#sent = { seq, at: performance.now() };
    try {
      const { bytes, width, height } = await this.#encoder.frame(this.#video, this.#advice);
      if (bytes.byteLength + 4 > MAX_BYTES) throw new Error("too large");
      this.#sizes.set(seq, { width, height });
      const message = new Uint8Array(bytes.byteLength + 4);
      new DataView(message.buffer).setUint32(0, seq);
      message.set(new Uint8Array(bytes), 4);
      this.#sent = { seq, at: performance.now() };
      this.#socket?.send(message);
    } catch {
      this.#sent = null; // The picture could not be read this once; the next one is due anyway.
    }
    this.#sendAfter(RETRY_MS);
  }
}
