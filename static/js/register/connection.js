// The line to the server: says when it is gone, finds out when it is back, and asks for a login when that has ended.

import { call } from "../core/api.js";
import { byId } from "../core/dom.js";
import { _, fill, plural } from "../core/text.js";

const RETRY_MARKS = 5000;
/** A dead line may look open for minutes: while nothing is heard, the server is asked so often, and sooner once it was gone. */
const PULSE = 10000;
const PULSE_WHEN_GONE = 3000;
const PATIENCE = 8000;

/** Whose login this browser has now, as the page itself says; "" for nobody's. */
async function person() {
  const answer = await fetch(location.pathname, { credentials: "same-origin", cache: "no-store" });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page.body.dataset.user ?? "";
}

export class Link {
  #away = "";
  #gone = false;
  #retry = 0;
  #pulsing = 0;
  #heardAt = performance.now();

  constructor(store, actions, socket) {
    Object.assign(this, { store, actions, socket });
    socket.addEventListener("open", () => this.#back());
    socket.addEventListener("said", () => (this.#heardAt = performance.now()));
    socket.addEventListener("lost", ({ detail }) =>
      detail.code === 4401 ? this.loginEnded() : this.#lost(detail),
    );
    actions.addEventListener("waiting", ({ detail }) => this.#waiting(detail.fault));
    store.addEventListener("change", ({ detail }) =>
      detail.what === "fault" ? this.#unread(detail.fault) : this.#say(),
    );
    addEventListener("offline", () => this.#silent());
    addEventListener("online", () => this.#pulse());
    byId("login-done").addEventListener("click", () => this.#loggedIn());
    addEventListener("focus", () => byId("login-again").open && this.#loggedIn());
    this.#pulseLater();
  }

  #lost({ code, final }) {
    this.#away =
      code === 4403
        ? _("You may no longer see this session.")
        : _("No connection. The page goes on as soon as it is back.");
    if (final && code !== 4403) this.#away = _("The connection was ended. Reload the page.");
    this.#say();
  }

  #silent() {
    this.#gone = true;
    this.#lost({ final: false });
    this.#pulseLater();
  }

  #back() {
    this.#away = "";
    this.#gone = false;
    this.#say();
    this.actions.flush();
  }

  #waiting(fault) {
    if (fault.loginEnded) return this.loginEnded();
    this.#away ||= fault.message;
    this.#say();
    clearTimeout(this.#retry);
    this.#retry = setTimeout(
      () => this.actions.flush().then(() => !this.store.pending.size && this.socket.isOpen && this.#back()),
      RETRY_MARKS,
    );
  }

  /** The register could not be asked for: what stands here may be old, until it can. */
  #unread(fault) {
    if (fault.loginEnded) this.loginEnded();
    else if (fault.passing) this.#silent();
  }

  #pulseLater() {
    clearTimeout(this.#pulsing);
    this.#pulsing = setTimeout(() => this.#pulse(), this.#gone ? PULSE_WHEN_GONE : PULSE);
  }

  async #pulse() {
    clearTimeout(this.#pulsing);
    const quiet = this.socket.isOpen && performance.now() - this.#heardAt >= PULSE;
    if (this.#gone || (quiet && !document.hidden)) await this.#ask();
    this.#pulseLater();
  }

  async #ask() {
    try {
      await call("GET", "/healthz/live", undefined, { patience: PATIENCE });
    } catch {
      this.#gone = true;
      this.#lost({ final: false });
      return;
    }
    // The whole register comes with the new connection, so nothing is missed that the old one did not carry.
    if (this.#gone) this.socket.renew();
  }

  #say() {
    const count = this.store.pending.size;
    const kept =
      count && this.#away
        ? fill(plural("One mark is kept here.", "%(count)s marks are kept here.", count), { count })
        : "";
    const line = [this.#away, kept].filter(Boolean).join(" ");
    if (byId("link").lastElementChild.textContent !== line) byId("link").lastElementChild.textContent = line;
    byId("link").hidden = !line;
  }

  loginEnded() {
    if (!byId("login-again").open) byId("login-again").showModal();
  }

  async #loggedIn() {
    const who = await person().catch(() => "");
    if (!who) return void (byId("login-fault").textContent = _("You are not logged in yet."));
    // What one person marked is not sent under the name of another: it stays here for the first.
    if (who !== document.body.dataset.user) return location.reload();
    byId("login-fault").textContent = "";
    byId("login-again").close();
    this.socket.again();
    await this.store.refresh();
    await this.actions.flush();
  }
}
