// The connection to the server: shows when it is gone, finds out when it is back, and asks for a login when that has
// ended.

import { call } from "../core/api.js";
import { byId, tagById } from "../core/dom.js";
import { _, fill, plural } from "../core/text.js";

const RETRY_MARKS_MS = 5000;
// A dead connection may look open for minutes: while nothing arrives, the server is asked so often, and more often
// once it was gone.
const CHECK_MS = 10000;
const CHECK_WHEN_GONE_MS = 3000;
const TIMEOUT_MS = 8000;

/** Return whose login this browser has now, as the page itself says; "" for nobody's. */
async function loggedInUser() {
  const response = await fetch(location.pathname, { credentials: "same-origin", cache: "no-store" });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  return page.body.dataset.user ?? "";
}

export class Connection {
  /** What is wrong, in a sentence; "" where nothing is. */
  #problem = "";
  #gone = false;
  #retry = 0;
  #check = 0;
  #lastMessageAt = performance.now();

  /**
   * @param {Store} store
   * @param {Actions} actions
   * @param {Socket<RegisterEvent>} socket
   */
  constructor(store, actions, socket) {
    this.store = store;
    this.actions = actions;
    this.socket = socket;
    socket.on("open", () => this.#restored());
    socket.on("message", () => {
      this.#lastMessageAt = performance.now();
    });
    socket.on("closed", (closed) => (closed.code === 4401 ? this.loginEnded() : this.#closed(closed)));
    actions.on("waiting", ({ error }) => this.#marksWait(error));
    store.on("change", (change) => (change.what === "error" ? this.#unread(change.error) : this.#show()));
    addEventListener("offline", () => this.#unreachable());
    addEventListener("online", () => this.#checkNow());
    byId("login-done").addEventListener("click", () => this.#loggedIn());
    addEventListener("focus", () => tagById("dialog", "login-again").open && this.#loggedIn());
    this.#checkLater();
  }

  /** @param {Closed} closed */
  #closed({ code, final }) {
    if (code === 4403) this.#problem = _("You may no longer see this session.");
    else if (final) this.#problem = _("The connection has ended. Reload the page.");
    else this.#problem = _("Offline. Marks are saved here and sent when you reconnect.");
    this.#show();
  }

  #unreachable() {
    this.#gone = true;
    this.#closed({ final: false });
    this.#checkLater();
  }

  #restored() {
    this.#problem = "";
    this.#gone = false;
    this.#show();
    this.actions.flush();
  }

  /** @param {ApiError} error */
  #marksWait(error) {
    if (error.loginEnded) return this.loginEnded();
    this.#problem ||= error.message;
    this.#show();
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#retryMarks(), RETRY_MARKS_MS);
  }

  async #retryMarks() {
    await this.actions.flush();
    if (!this.store.pending.size && this.socket.isOpen) this.#restored();
  }

  /**
   * The register could not be requested: what the page shows may be old, until it can.
   *
   * @param {ApiError} error
   */
  #unread(error) {
    if (error.loginEnded) this.loginEnded();
    else if (error.isTemporary) this.#unreachable();
  }

  #checkLater() {
    clearTimeout(this.#check);
    this.#check = setTimeout(() => this.#checkNow(), this.#gone ? CHECK_WHEN_GONE_MS : CHECK_MS);
  }

  async #checkNow() {
    clearTimeout(this.#check);
    const isQuiet = this.socket.isOpen && performance.now() - this.#lastMessageAt >= CHECK_MS;
    if (this.#gone || (isQuiet && !document.hidden)) await this.#callServer();
    this.#checkLater();
  }

  async #callServer() {
    try {
      await call("GET", "/healthz/live", undefined, { timeout: TIMEOUT_MS });
    } catch {
      this.#gone = true;
      this.#closed({ final: false });
      return;
    }
    // The whole register comes with the new socket, so nothing is missed that the old one did not carry.
    if (this.#gone) this.socket.replace();
  }

  #show() {
    const count = this.store.pending.size;
    const kept =
      count && this.#problem
        ? fill(plural("One mark is not sent yet.", "%(count)s marks are not sent yet.", count), { count })
        : "";
    const sentence = [this.#problem, kept].filter(Boolean).join(" ");
    const line = byId("link").lastElementChild;
    if (line && line.textContent !== sentence) line.textContent = sentence;
    byId("link").hidden = !sentence;
  }

  loginEnded() {
    const dialog = tagById("dialog", "login-again");
    if (!dialog.open) dialog.showModal();
  }

  async #loggedIn() {
    const user = await loggedInUser().catch(() => "");
    if (!user) {
      byId("login-fault").textContent = _("You are not logged in yet.");
      return;
    }
    // What one person marked is not sent under the name of another: it stays here for the first.
    if (user !== document.body.dataset.user) return location.reload();
    byId("login-fault").textContent = "";
    tagById("dialog", "login-again").close();
    this.socket.reconnect();
    await this.store.refresh();
    await this.actions.flush();
  }
}
