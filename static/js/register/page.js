// What the live page and the watched register share: state, socket, keyboard, login, sounds of new marks.

import { announce } from "../core/announce.js";
import { byId, findById, jsonById, make, tagIn } from "../core/dom.js";
import { Socket } from "../core/socket.js";
import { play } from "../core/sound.js";
import { _, fill, momentOf, refusalText, sourceLabel, statusLabel } from "../core/text.js";
import { Actions } from "./actions.js";
import { Connection } from "./connection.js";
import { Drawer } from "./drawer.js";
import { Keyboard } from "./keyboard.js";
import { Queue } from "./queue.js";
import { Store } from "./store.js";
import { View } from "./view.js";

// The counts are announced at most so often.
const COUNTS_EVERY_MS = 6000;

export function openRegister() {
  const { id, mark, run, faces } = byId("session").dataset;
  /** @type {Rights} */
  const rights = { mayMark: Boolean(mark), mayRun: Boolean(run), mayFaces: Boolean(faces) };
  const store = new Store(jsonById("state"));
  const actions = new Actions(store, new Queue(`${document.body.dataset.user}/${id}`));
  const drawer = new Drawer(store, actions, rights);
  /** @param {string} student */
  const open = (student) => drawer.open(student);
  new View(store, actions, open, rights.mayMark);
  new Keyboard(store, actions, open, rights.mayMark);
  /** @type {Socket<RegisterEvent>} */
  const socket = new Socket(`/ws/sessions/${id}/`);
  socket.on("message", (message) => store.apply(message));
  findById("close")?.addEventListener("click", () => actions.sign());
  const connection = new Connection(store, actions, socket);
  showSession(store, rights);
  store.on("change", (change) => {
    if (change.what === "mark") announceMark(store, change);
    if (change.what === "all" || change.what === "session") showSession(store, rights);
  });
  showAttempts(store, actions);
  actions.sendStored();
  return { store, actions, socket, connection, rights };
}

let countsAnnouncedAt = 0;

/**
 * @param {Store} store
 * @param {Extract<Change, { what: "mark" }>} change
 */
function announceMark(store, { student, before, mark }) {
  if (!mark.code) return;
  const counts = store.counts();
  announce(fill(_("%(name)s: %(status)s."), { name: student.name, status: statusLabel(mark.status) }));
  if (Date.now() - countsAnnouncedAt > COUNTS_EVERY_MS) {
    countsAnnouncedAt = Date.now();
    const marked = counts.expected - counts.unmarked;
    announce(fill(_("%(marked)s of %(all)s."), { marked, all: counts.expected }));
  }
  if (mark.source !== "teacher" && !before?.code) play("mark");
}

/**
 * @param {Store} store
 * @param {Rights} rights
 */
function showSession(store, { mayRun }) {
  const { state } = store.session;
  const labels = { planned: _("not started"), open: _("open"), closed: _("signed") };
  byId("session-state").textContent = labels[state];
  byId("session-state").className = `status ${state === "open" ? "open" : ""}`;
  /** @type {NodeListOf<HTMLElement>} */
  const forms = document.querySelectorAll("[data-when]");
  for (const form of forms) form.hidden = form.dataset.when !== state;
  hide("close", state !== "open");
  hide("to-live", state === "closed" || !mayRun);
  const share = /** @type {HTMLButtonElement | null} */ (findById("share"));
  if (share) share.disabled = state === "closed";
  const notice = byId("session-notice");
  notice.hidden = state === "open";
  tagIn(notice, "p").textContent =
    state === "closed"
      ? _("The register is signed. The camera marks nobody any more; corrections by hand need a reason.")
      : _(
          "This session has not been started. The camera may be tried, and the room checked; nobody is marked yet.",
        );
}

/**
 * Hide or show an element that not every page has.
 *
 * @param {string} id
 * @param {boolean} hidden
 */
function hide(id, hidden) {
  const element = findById(id);
  if (element) element.hidden = hidden;
}

// What a teacher can do something about; frames that came after the end of the session are no news.
const SHOWN_REASONS = new Set(["contradicts", "doubtful_clock", "not_a_member", "no_consent"]);

/**
 * @param {Store} store
 * @param {Actions} actions
 */
function showAttempts(store, actions) {
  const box = byId("attempts");
  /**
   * What this page could not write, until it is left: a message at its foot is soon gone.
   *
   * @type {string[]}
   */
  const refused = [];
  const show = () => {
    const attempts = store.state.attempts.filter((attempt) => SHOWN_REASONS.has(attempt.reason));
    box.hidden = attempts.length + refused.length === 0;
    tagIn(box, "ul").replaceChildren(
      ...refused.map((sentence) => make("li", {}, sentence)),
      ...attempts.map(attemptRow),
    );
  };
  show();
  store.on("change", (change) => change.what === "all" && show());
  actions.on("refused", ({ sentence }) => {
    refused.push(sentence);
    show();
  });
}

/** @param {Attempt} attempt */
function attemptRow({ student, reason, source, count, last_at: lastAt }) {
  const details = `(${sourceLabel(source)}, ${count} ×, ${momentOf(lastAt)})`;
  return make(
    "li",
    {},
    make("strong", {}, student.name),
    ` ${refusalText(reason)} `,
    make("span", { className: "soft small" }, details),
  );
}
