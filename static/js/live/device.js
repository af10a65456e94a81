// What projector, kiosk and second camera share: the board, kept fresh, and the way out.

import { call } from "../core/api.js";
import { byId } from "../core/dom.js";
import { _, fill, plural } from "../core/text.js";

const EVERY = 2000;
const AFTER_FAULT = 6000;

export const sessionId = document.body.dataset.session;
const path = `/sessions/${sessionId}`;

/** Ask for the board every two seconds; `show(board)` at each change. */
export function followBoard(show) {
  let version = -1;
  const take = (board) => {
    if (board.version === version) return;
    version = board.version;
    show(board);
  };
  const state = (text) => {
    if (!byId("device-state")) return;
    byId("device-state").hidden = !text;
    byId("device-state").textContent = text;
  };
  const look = async () => {
    try {
      take(await call("GET", `${path}/board/`));
      state("");
    } catch (fault) {
      if (!fault.passing) return rightsEnded();
      state(_("No connection. The page goes on as soon as it is back."));
      return setTimeout(look, AFTER_FAULT);
    }
    return setTimeout(look, EVERY);
  };
  take(JSON.parse(byId("board").textContent));
  setTimeout(look, EVERY);
}

export function showCounts({ here, expected }) {
  byId("here").textContent = here.length;
  byId("of").textContent = fill(plural("of %(n)s is here", "of %(n)s are here", expected), { n: expected });
}

let leaving = false;

/** The device's rights have ended: the server's page says why, unless this device is just leaving. */
export function rightsEnded() {
  if (!leaving) location.reload();
}

export const sayNotMe = (student) => call("POST", `${path}/not-me/`, new URLSearchParams({ student }));

export function offerLeaving() {
  const dialog = byId("leave-dialog");
  if (!dialog) return;
  byId("leave").addEventListener("click", () => dialog.showModal());
  byId("leave-stay").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => byId("leave-form").reset());
  byId("leave-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    leaving = true;
    try {
      const { next } = await call("POST", `${path}/leave/`, new URLSearchParams({ pin: byId("pin").value }));
      location.assign(next);
    } catch (fault) {
      leaving = false;
      byId("leave-fault").textContent = fault.message;
      byId("pin").select();
    }
  });
}
