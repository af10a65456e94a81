// A socket that reconnects by itself: after half a second, then longer, with some chance so that a class of tablets
// does not return at the same moment.

import { Emitter } from "./emitter.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15000;
// Closed for good: no login, no right, no such session, flooding.
const FINAL_CODES = new Set([4401, 4403, 1008]);

/**
 * @template Message
 * @extends {Emitter<SocketEvents<Message>>}
 */
export class Socket extends Emitter {
  #path;
  /** @type {WebSocket | null} */
  #socket = null;
  #wait = FIRST_WAIT_MS;
  #timer = 0;
  #ended = false;

  /** @param {string} path */
  constructor(path) {
    super();
    this.#path = path;
    addEventListener("online", () => this.#openNow());
    this.#open();
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** The bytes that the browser has not sent yet. */
  get buffered() {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /** @param {Uint8Array<ArrayBuffer>} data */
  send(data) {
    if (this.isOpen) this.#socket?.send(data);
  }

  close() {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#socket?.close(1000);
  }

  /** Connect now, even if the socket was closed for good: after a login, or because the network is back. */
  reconnect() {
    this.#ended = false;
    this.#openNow();
  }

  /** Open another socket in place of one that no longer answers though nobody closed it. */
  replace() {
    const old = this.#socket;
    this.#socket = null;
    old?.close();
    this.#openNow();
  }

  #openNow() {
    if (this.#ended || this.#socket) return;
    clearTimeout(this.#timer);
    this.#open();
  }

  #open() {
    const url = new URL(this.#path, location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.addEventListener("message", (event) => {
      if (socket !== this.#socket) return;
      this.#wait = FIRST_WAIT_MS;
      this.emit("message", JSON.parse(event.data));
    });
    socket.addEventListener("open", () => socket === this.#socket && this.emit("open", undefined));
    socket.addEventListener("close", (event) => socket === this.#socket && this.#closed(event.code));
  }

  /** @param {number} code */
  #closed(code) {
    this.#socket = null;
    if (FINAL_CODES.has(code)) this.#ended = true;
    this.emit("closed", { code, final: this.#ended });
    if (this.#ended) return;
    this.#timer = setTimeout(() => this.#open(), this.#wait * (0.75 + Math.random() / 2));
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT_MS);
  }
}
