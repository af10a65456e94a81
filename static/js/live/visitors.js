// A face that stayed unknown and may be a student of another class: asked on this page only, once for each track.

import { announce } from "../core/announce.js";
import { _, fill, joined } from "../core/text.js";

/** The question about a face, or null where there is none. */
export function visitorWords(visitor) {
  if (!visitor) return null;
  const { name, classes } = visitor;
  return classes.length
    ? fill(_("Possibly %(name)s of %(classes)s?"), { name, classes: joined(classes) })
    : fill(_("Possibly %(name)s?"), { name });
}

/** Tracks, by number, that were spoken of: who sees the boxes reads the question there, who does not hears it once. */
const spoken = new Set();

export function speakOfVisitors(faces) {
  for (const { track, visitor } of faces) {
    if (!visitor || spoken.has(track)) continue;
    spoken.add(track);
    announce([visitorWords(visitor), _("Nothing is marked.")].join(" "));
  }
}

/** A new connection counts its tracks from one again. */
export const forgetVisitors = () => spoken.clear();
