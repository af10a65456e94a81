// Who has arrived, large enough for the last row. No portraits, and nobody who is missing by name.

import { announce } from "../core/announce.js";
import { byId, icon, make } from "../core/dom.js";
import { nameElement } from "../core/names.js";
import { _, fill, joined, plural } from "../core/text.js";
import { keepScreenOn } from "../core/wakelock.js";
import { followBoard, offerLeaving, showCounts } from "../live/device.js";

/**
 * The ids of who was shown before; null before the first board.
 *
 * @type {Set<string> | null}
 */
let shown = null;

/** @param {Board} board */
function show(board) {
  showCounts(board);
  const before = shown;
  const added = before ? board.here.filter((student) => !before.has(student.id)) : [];
  byId("arrived").replaceChildren(
    ...board.here.map((student) =>
      make(
        "li",
        { className: added.includes(student) ? "fresh" : "" },
        icon("tick"),
        nameElement(student.name),
      ),
    ),
  );
  shown = new Set(board.here.map((student) => student.id));
  if (added.length) {
    const names = joined(added.map((student) => student.name));
    announce(fill(_("Arrived: %(names)s"), { names }));
  }
  const text = plural("%(n)s still to come", "%(n)s still to come", board.to_come);
  byId("to-come").textContent = board.to_come
    ? fill(text, { n: board.to_come })
    : _("Every student is marked.");
}

followBoard(show);
offerLeaving();
keepScreenOn();
