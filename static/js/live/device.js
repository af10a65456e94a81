// What projector, kiosk and second camera share: the board, kept up to date, and how to leave.

import { apiErrorOf, call } from "../core/api.js";
import { byId, findById, jsonById, tagById } from "../core/dom.js";
import { _, fill } from "../core/text.js";

const POLL_MS = 2000;
const POLL_AFTER_ERROR_MS = 6000;

export const sessionId = document.body.dataset.session ?? "";
const path = `/sessions/${sessionId}`;

/**
 * Request the board every two seconds, and show each that changed.
 *
 * @param {(board: Board) => void} show
 */
export function followBoard(show) {
  let shown = "";
  /** @param {Board} board */
  const take = (board) => {
    // Not its version alone: that stays where a student joins the class.
    const content = JSON.stringify(board);
    if (content === shown) return;
    shown = content;
    show(board);
  };
  const poll = async () => {
    try {
      take(await call("GET", `${path}/board/`));
      showProblem("");
    } catch (thrown) {
      if (!apiErrorOf(thrown).isTemporary) return rightsEnded();
      showProblem(_("Offline. This page continues when the connection is back."));
      setTimeout(poll, POLL_AFTER_ERROR_MS);
      return;
    }
    setTimeout(poll, POLL_MS);
  };
  take(jsonById("board"));
  setTimeout(poll, POLL_MS);
}

/** @param {string} sentence "" where there is none */
function showProblem(sentence) {
  const line = findById("device-state");
  if (!line) return;
  line.hidden = !sentence;
  line.textContent = sentence;
}

/** @param {Board} board */
export function showCounts({ here, expected }) {
  byId("here").textContent = String(here.length);
  byId("of").textContent = fill(_("of %(n)s on the premises"), { n: expected });
}

let isLeaving = false;

/** Reload, since the device's rights have ended: the server's page says why, unless this device is just leaving. */
export function rightsEnded() {
  if (!isLeaving) location.reload();
}

/**
 * Remove the mark of a student who was greeted by a wrong name.
 *
 * @param {string} student
 */
export const rejectGreeting = (student) => call("POST", `${path}/not-me/`, new URLSearchParams({ student }));

export function offerLeaving() {
  if (!findById("leave-dialog")) return;
  const dialog = tagById("dialog", "leave-dialog");
  const form = tagById("form", "leave-form");
  const pin = tagById("input", "pin");
  byId("leave").addEventListener("click", () => dialog.showModal());
  byId("leave-stay").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => form.reset());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    isLeaving = true;
    try {
      /** @type {{ next: string }} */
      const { next } = await call("POST", `${path}/leave/`, new URLSearchParams({ pin: pin.value }));
      location.assign(next);
    } catch (thrown) {
      isLeaving = false;
      byId("leave-fault").textContent = apiErrorOf(thrown).message;
      pin.select();
    }
  });
}
