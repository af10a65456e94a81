// Who has arrived, large enough for the last row. No portraits, and nobody who is missing by name.

import { announce } from "../core/announce.js";
import { byId, icon, make } from "../core/dom.js";
import { _, fill, joined, plural } from "../core/text.js";
import { keepAwake } from "../core/wake.js";
import { followBoard, offerLeaving, showCounts } from "../live/device.js";

const shown = new Set();
let first = true;

followBoard((board) => {
  showCounts(board);
  const fresh = board.here.filter((student) => !shown.has(student.id));
  byId("arrived").replaceChildren(
    ...board.here.map((student) =>
      make("li", { className: !first && fresh.includes(student) ? "fresh" : "" }, icon("tick"), student.name),
    ),
  );
  shown.clear();
  for (const student of board.here) shown.add(student.id);
  if (!first && fresh.length)
    announce(fill(_("Arrived: %(names)s"), { names: joined(fresh.map((student) => student.name)) }));
  first = false;
  byId("to-come").textContent = board.to_come
    ? fill(plural("%(n)s still to come", "%(n)s still to come", board.to_come), { n: board.to_come })
    : _("Everybody is here or accounted for.");
});
offerLeaving();
keepAwake();
