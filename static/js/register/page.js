// What the live page and the watched register share: state, sockets, faults, login, sounds of new marks.

import { announce } from "../core/announce.js";
import { byId, make } from "../core/dom.js";
import { play } from "../core/sound.js";
import { Socket } from "../core/socket.js";
import { _, fill, momentOf, plural, refusalWord, sourceWord, statusWord } from "../core/text.js";
import { Actions } from "./actions.js";
import { Drawer } from "./drawer.js";
import { Keys } from "./keys.js";
import { Link } from "./link.js";
import { Queue } from "./queue.js";
import { Store } from "./store.js";
import { View } from "./view.js";

const QUIET_FOR = 1500;

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
  store.addEventListener(
    "change",
    ({ detail }) => ["all", "session"].includes(detail.what) && showSession(store, may),
  );
  showAttempts(store, actions);
  actions.recall();
  return { store, actions, socket, link, may };
}

let spoke = 0;

function heard(store, { what, student, before, mark }) {
  if (what !== "mark" || !mark.code) return;
  const counts = store.counts();
  announce(fill(_("%(name)s: %(status)s."), { name: student.name, status: statusWord(mark.status) }));
  if (Date.now() - spoke > QUIET_FOR * 4) {
    spoke = Date.now();
    announce(
      fill(_("%(marked)s of %(all)s."), { marked: counts.expected - counts.unmarked, all: counts.expected }),
    );
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
    state === "closed"
      ? _("The register is signed. The camera marks nobody any more; corrections by hand need a reason.")
      : _(
          "This session has not been started. The camera may be tried, and the room checked; nobody is marked yet.",
        );
}

/** What a teacher can do something about; frames that came after the end are no news. */
const TOLD = new Set(["contradicts", "doubtful_clock", "not_a_member", "no_consent"]);

function showAttempts(store, actions) {
  const box = byId("attempts");
  /** What this page could not write, until it is left: a message at its foot is soon gone. */
  const refused = [];
  const show = () => {
    const told = store.state.attempts.filter((attempt) => TOLD.has(attempt.reason));
    box.hidden = told.length + refused.length === 0;
    box
      .querySelector("ul")
      .replaceChildren(
        ...refused.map((sentence) => make("li", {}, sentence)),
        ...told.map((attempt) =>
          make(
            "li",
            {},
            make("strong", {}, attempt.student.name),
            ` ${refusalWord(attempt.reason)} `,
            make(
              "span",
              { className: "soft small" },
              `(${sourceWord(attempt.source)}, ${attempt.count} ×, ${momentOf(attempt.last_at)})`,
            ),
          ),
        ),
      );
  };
  show();
  store.addEventListener("change", ({ detail }) => detail.what === "all" && show());
  actions.addEventListener("refused", ({ detail }) => {
    refused.push(detail.sentence);
    show();
  });
}
