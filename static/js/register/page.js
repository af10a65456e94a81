// What the live page and the watched register share: state, sockets, faults, login, sounds of new marks.

import { announce } from "../core/announce.js";
import { byId, make } from "../core/dom.js";
import { play } from "../core/sound.js";
import { Socket } from "../core/socket.js";
import { _, fill, momentOf, plural, sourceWord, statusWord } from "../core/text.js";
import { Actions } from "./actions.js";
import { Drawer } from "./drawer.js";
import { Keys } from "./keys.js";
import { Queue } from "./queue.js";
import { Store } from "./store.js";
import { View } from "./view.js";

const QUIET_FOR = 1500;
const RETRY_MARKS = 5000;

export function openRegister() {
  const facts = byId("session").dataset;
  const may = { mayMark: Boolean(facts.mark), mayRun: Boolean(facts.run), mayFaces: Boolean(facts.faces) };
  const store = new Store(JSON.parse(byId("state").textContent));
  const actions = new Actions(store, new Queue(`${document.body.dataset.user}/${facts.id}`));
  const drawer = new Drawer(store, actions, may);
  const open = (id) => drawer.open(id);
  new View(store, actions, { ...may, open });
  new Keys(store, actions, open, may.mayMark);
  const socket = new Socket(`/ws/sessions/${facts.id}/`);
  socket.addEventListener("said", ({ detail }) => store.hear(detail));
  byId("close")?.addEventListener("click", () => actions.close());
  const link = new Link(store, actions, socket);
  store.addEventListener("change", ({ detail }) => heard(store, detail));
  showSession(store, may);
  store.addEventListener("change", ({ detail }) => ["all", "session"].includes(detail.what) && showSession(store, may));
  showAttempts(store);
  actions.recall();
  return { store, actions, socket, link, may };
}

/** The line to the server: says when it is gone, and asks for a login when that has ended. */
class Link {
  #retry = 0;

  constructor(store, actions, socket) {
    Object.assign(this, { store, actions, socket });
    socket.addEventListener("open", () => this.#back());
    socket.addEventListener("lost", ({ detail }) => (detail.code === 4401 ? this.loginEnded() : this.#lost(detail)));
    actions.addEventListener("waiting", ({ detail }) => this.#waiting(detail.fault));
    store.addEventListener("change", ({ detail }) => detail.what === "fault" && detail.fault.loginEnded && this.loginEnded());
    store.addEventListener("change", () => this.#say());
    addEventListener("offline", () => this.#lost({ final: false }));
    byId("login-done").addEventListener("click", () => this.#loggedIn());
    addEventListener("focus", () => byId("login-again").open && this.#loggedIn());
  }

  #away = "";

  #lost({ code, final }) {
    this.#away = code === 4403 ? _("You may no longer see this session.") : _("No connection. The page goes on as soon as it is back.");
    if (final && code !== 4403) this.#away = _("The connection was ended. Reload the page.");
    this.#say();
  }

  #back() {
    this.#away = "";
    this.#say();
    this.actions.flush();
  }

  #waiting(fault) {
    if (fault.loginEnded) return this.loginEnded();
    this.#away ||= fault.message;
    this.#say();
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.actions.flush().then(() => !this.store.pending.size && this.#back()), RETRY_MARKS);
  }

  #say() {
    const count = this.store.pending.size;
    const kept = count && this.#away ? fill(plural("One mark is kept here.", "%(count)s marks are kept here.", count), { count }) : "";
    const line = [this.#away, kept].filter(Boolean).join(" ");
    if (byId("link").lastElementChild.textContent !== line) byId("link").lastElementChild.textContent = line;
    byId("link").hidden = !line;
  }

  loginEnded() {
    if (!byId("login-again").open) byId("login-again").showModal();
  }

  async #loggedIn() {
    byId("login-again").close();
    this.socket.again();
    await this.store.refresh();
    await this.actions.flush();
  }
}

let spoke = 0;

function heard(store, { what, student, before, mark }) {
  if (what !== "mark" || !mark.code) return;
  const counts = store.counts();
  announce(fill(_("%(name)s: %(status)s."), { name: student.name, status: statusWord(mark.status) }));
  if (Date.now() - spoke > QUIET_FOR * 4) {
    spoke = Date.now();
    announce(fill(_("%(marked)s of %(all)s."), { marked: counts.expected - counts.unmarked, all: counts.expected }));
  }
  if (mark.source !== "teacher" && !before?.code) play("mark");
}

function showSession(store, { mayRun }) {
  const { state } = store.session;
  const words = { planned: _("not started"), open: _("open"), closed: _("signed") };
  const shown = byId("session-state");
  shown.textContent = words[state];
  shown.className = `status ${state === "open" ? "open" : ""}`;
  if (byId("close")) byId("close").hidden = state !== "open";
  for (const form of document.querySelectorAll("[data-when]")) form.hidden = form.dataset.when !== state;
  if (byId("to-live")) byId("to-live").hidden = state === "closed" || !mayRun;
  if (byId("share")) byId("share").disabled = state === "closed";
  const notice = byId("session-notice");
  notice.hidden = state === "open";
  notice.querySelector("p").textContent =
    state === "closed" ? _("The register is signed. The camera marks nobody any more; corrections by hand need a reason.") : _("This session has not been started. The camera may be tried, and the room checked; nobody is marked yet.");
}

function showAttempts(store) {
  const box = byId("attempts");
  const words = {
    contradicts: _("was seen by the camera, though marked otherwise by hand"),
    doubtful_clock: _("was marked by a device whose clock is wrong; set the mark again"),
    not_a_member: _("was claimed here, but is no member of this class"),
    no_consent: _("has no consent, so the camera's word does not count"),
  };
  const show = () => {
    const told = store.state.attempts.filter((attempt) => words[attempt.reason]);
    box.hidden = told.length === 0;
    box.querySelector("ul").replaceChildren(
      ...told.map((attempt) =>
        make("li", {}, make("strong", {}, attempt.student.name), ` ${words[attempt.reason]} `,
          make("span", { className: "soft small" }, `(${sourceWord(attempt.source)}, ${attempt.count} ×, ${momentOf(attempt.last_at)})`)),
      ),
    );
  };
  show();
  store.addEventListener("change", ({ detail }) => detail.what === "all" && show());
}
