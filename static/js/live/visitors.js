// A face that stayed unknown and may be a student of another class: asked on this page only, once for each track.

import { announce } from "../core/announce.js";
import { _, fill, joined } from "../core/text.js";

/**
 * Return the question about a face, or null where there is none.
 *
 * @param {Visitor | undefined} visitor
 */
export function visitorQuestion(visitor) {
  if (!visitor) return null;
  const { name, classes } = visitor;
  return classes.length
    ? fill(_("Possibly %(name)s of %(classes)s?"), { name, classes: joined(classes) })
    : fill(_("Possibly %(name)s?"), { name });
}

/**
 * Tracks, by number, that were announced: a screen reader gets each question once.
 *
 * @type {Set<number>}
 */
const announced = new Set();

/** @param {RecognisedFace[]} faces */
export function announceVisitors(faces) {
  for (const { track, visitor } of faces) {
    if (!visitor || announced.has(track)) continue;
    announced.add(track);
    announce([visitorQuestion(visitor), _("Nothing is marked.")].join(" "));
  }
}

/** A new connection counts its tracks from one again. */
export const forgetVisitors = () => announced.clear();
