// A socket that comes back by itself: after half a second, then longer, with some chance so that a class of
// tablets does not return at the same moment.

const FIRST = 500;
const LONGEST = 15000;
/** Closed for good: no login, no right, no such session, flooding. */
const FINAL = new Set([4401, 4403, 1008]);

export class Socket extends EventTarget {
  #path;
  #socket = null;
  #wait = FIRST;
  #timer = 0;
  #ended = false;

  constructor(path) {
    super();
    this.#path = path;
    addEventListener("online", () => this.#soon());
    this.#open();
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  get buffered() {
    return this.#socket?.bufferedAmount ?? 0;
  }

  send(data) {
    if (this.isOpen) this.#socket.send(data);
  }

  close() {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#socket?.close(1000);
  }

  /** Try again now: after a login, or because the network is back. */
  again() {
    this.#ended = false;
    this.#soon();
  }

  /** The line was dead though nobody closed it: leave that socket to itself and open another. */
  renew() {
    const old = this.#socket;
    this.#socket = null;
    old?.close();
    this.#soon();
  }

  #soon() {
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
      this.#wait = FIRST;
      this.dispatchEvent(new CustomEvent("said", { detail: JSON.parse(event.data) }));
    });
    socket.addEventListener("open", () => socket === this.#socket && this.dispatchEvent(new Event("open")));
    socket.addEventListener("close", (event) => socket === this.#socket && this.#closed(event.code));
  }

  #closed(code) {
    this.#socket = null;
    if (FINAL.has(code)) this.#ended = true;
    this.dispatchEvent(new CustomEvent("lost", { detail: { code, final: this.#ended } }));
    if (this.#ended) return;
    this.#timer = setTimeout(() => this.#open(), this.#wait * (0.75 + Math.random() / 2));
    this.#wait = Math.min(this.#wait * 2, LONGEST);
  }
}
