// What the live page and the watched register share: state, socket, keyboard, login, sounds of new marks.

import { announce } from "../core/announce.js";
import { byId, findById, jsonById, make, tagIn } from "../core/dom.js";
import { nameElement } from "../core/names.js";
import { Socket } from "../core/socket.js";
import { play } from "../core/sound.js";
import { _, fill, momentOf, refusalText, sourceLabel, statusLabel } from "../core/text.js";
import { Actions } from "./actions.js";
import { Connection } from "./connection.js";
import { Drawer } from "./drawer.js";
import { Keyboard } from "./keyboard.js";
import { Queue } from "./queue.js";
import { askReasonToReopen, signRegister } from "./signing.js";
import { Store } from "./store.js";
import { View } from "./view.js";

// The counts are announced at most so often.
const COUNTS_EVERY_MS = 6000;

export function openRegister() {
  const { id, mark, run, faces, office } = byId("session").dataset;
  /** @type {Rights} */
  const rights = {
    mayMark: Boolean(mark),
    mayRun: Boolean(run),
    mayFaces: Boolean(faces),
    isOffice: Boolean(office),
  };
  const store = new Store(jsonById("state"), rights.isOffice);
  const actions = new Actions(store, new Queue(`${document.body.dataset.user}/${id}`));
  const drawer = new Drawer(store, actions, rights);
  /** @param {string} student */
  const open = (student) => drawer.open(student);
  new View(store, actions, open, rights.mayMark);
  new Keyboard(store, actions, open, rights.mayMark);
  /** @type {Socket<RegisterEvent>} */
  const socket = new Socket(`/ws/sessions/${id}/`);
  socket.on("message", (message) => store.apply(message));
  findById("sign")?.addEventListener("click", () => signRegister(store, actions));
  askReasonToReopen();
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
  announce(
    fill(_("%(name)s: %(status)s."), { name: store.labelOf(student), status: statusLabel(mark.status) }),
  );
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
  const labels = {
    planned: _("not started"),
    open: _("open"),
    signed: _("signed"),
    cancelled: _("cancelled"),
  };
  byId("session-state").textContent = labels[state];
  byId("session-state").className = `status ${state === "open" ? "open" : ""}`;
  /** @type {NodeListOf<HTMLElement>} */
  const forms = document.querySelectorAll("[data-when]");
  for (const form of forms) form.hidden = form.dataset.when !== state;
  const isOver = state === "signed" || state === "cancelled";
  hide("sign", state !== "open");
  hide("to-live", isOver || !mayRun);
  const share = /** @type {HTMLButtonElement | null} */ (findById("share"));
  if (share) share.disabled = isOver;
  const notice = byId("session-notice");
  notice.hidden = state === "open";
  const sentences = {
    planned: _("Not started. You can try the camera and check the room; nobody is marked yet."),
    open: "",
    signed: _("The register is signed. Changes now need a reason."),
    cancelled: _("This session was cancelled."),
  };
  tagIn(notice, "p").textContent = sentences[state];
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
      ...attempts.map((attempt) => attemptRow(store, attempt)),
    );
  };
  show();
  store.on("change", (change) => change.what === "all" && show());
  actions.on("refused", ({ sentence }) => {
    refused.push(sentence);
    show();
  });
}

/**
 * @param {Store} store
 * @param {Attempt} attempt
 */
function attemptRow(store, { student, reason, source, count, last_at: lastAt }) {
  const details = `(${sourceLabel(source)}, ${count} ×, ${momentOf(lastAt)})`;
  return make(
    "li",
    {},
    make("strong", {}, nameElement(store.labelOf(student))),
    ` ${refusalText(reason)} `,
    make("span", { className: "soft small" }, details),
  );
}
