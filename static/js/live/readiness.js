// Before the lesson: is the picture good enough, and whom can the camera not know? The faces in it are measured by the
// server, as at enrolment; where there are none, or no answer, the picture as a whole is measured here.

import { post } from "../core/api.js";
import { byId, icon, jsonById, make, tagIn } from "../core/dom.js";
import { _, fill, joined } from "../core/text.js";
import { measure } from "./picture-quality.js";

// Eyes lie about this share of a face's width apart.
const EYES_OF_WIDTH = 0.42;

/** @typedef {{ kind: "good" | "warn" | "", text: string, advice: string }} Line */

/**
 * Return the pixels between the eyes of a face.
 *
 * @param {MeasuredFace} face
 */
const eyesOf = ({ eye_distance: measured, box: [left, , right] }) =>
  measured ?? (right - left) * EYES_OF_WIDTH;

/**
 * Return the median, undefined of nothing: one face that moves, or sits in the shadow, says little of the room.
 *
 * @param {number[]} values
 */
const median = (values) => [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)];

/**
 * @param {number} value
 * @param {RoomLimits} limits
 * @returns {Line}
 */
function lightLine(value, { dark, bright }) {
  if (value < dark) {
    const advice = _("Switch the light on, or turn the camera away from the window.");
    return { kind: "warn", text: _("It is too dark."), advice };
  }
  if (value > bright) {
    const advice = _("Close a blind, or turn the camera away from the light.");
    return { kind: "warn", text: _("It is too bright."), advice };
  }
  return { kind: "good", text: _("The light is good."), advice: "" };
}

/**
 * @param {number} value
 * @param {RoomLimits} limits
 * @returns {Line}
 */
function sharpnessLine(value, { sharp }) {
  if (value < sharp) {
    const advice = _("Clean the lens, keep the device still, or wait until it is in focus.");
    return { kind: "warn", text: _("The image is not sharp."), advice };
  }
  return { kind: "good", text: _("The image is sharp."), advice: "" };
}

/**
 * @param {MeasuredFace[]} faces
 * @param {RoomLimits} limits
 * @returns {Line}
 */
function distanceLine(faces, { eyes: needed }) {
  if (!faces.length) {
    const advice = _("Ask somebody to sit in the back row to see whether they are recognised there.");
    return { kind: "", text: _("No face in view yet."), advice };
  }
  // The smallest face in the picture is the back row.
  const smallest = Math.min(...faces.map(eyesOf));
  const values = { found: Math.round(smallest), needed };
  if (smallest >= needed) {
    const text = fill(_("Faces are large enough (%(found)s px between the eyes)."), values);
    return { kind: "good", text, advice: "" };
  }
  const text = _("Faces are too small: %(found)s px between the eyes, %(needed)s needed.");
  const advice = _("Move the camera closer, zoom in, or take two group photos.");
  return { kind: "warn", text: fill(text, values), advice };
}

/**
 * Why the camera cannot know students, with a place for their names, and what helps.
 *
 * @returns {Record<ByHand, { text: string, advice: string }>}
 */
const textsByReason = () => ({
  left: {
    text: _("Left the school: %(names)s."),
    advice: _("Mark them by hand. If they are back, the office clears “left on”."),
  },
  no_consent: {
    text: _("No valid consent: %(names)s."),
    advice: _("Mark them by hand. The office records a consent when it is given."),
  },
  no_photograph: {
    text: _("No photo: %(names)s."),
    advice: _("Mark them by hand until the office has added photos; three or more work best."),
  },
  photograph_again: {
    text: _("Photos cannot be used any more: %(names)s."),
    advice: _("Mark them by hand until the office has rebuilt their face templates or added new photos."),
  },
});

/**
 * Return a line for each reason that there is, with the names.
 *
 * @param {Student[]} students
 * @returns {Line[]}
 */
function studentLines(students) {
  if (!students.length) {
    const text = _("This class has no students on this day. The office can add them.");
    return [{ kind: "", text, advice: "" }];
  }
  /** @type {Line[]} */
  const lines = [];
  for (const [reason, { text, advice }] of Object.entries(textsByReason())) {
    const names = students.filter((student) => student.by_hand === reason).map((student) => student.name);
    if (names.length) lines.push({ kind: "", text: fill(text, { names: joined(names) }), advice });
  }
  if (lines.length) return lines;
  return [{ kind: "good", text: _("Everyone in this class can be recognised."), advice: "" }];
}

/**
 * Return the faces of this moment, measured by the server, else `last`; nothing of it is stored.
 *
 * @param {Stage} stage
 * @param {Store} store
 * @param {MeasuredFace[]} last
 * @returns {Promise<MeasuredFace[]>}
 */
async function facesNow(stage, store, last) {
  const body = new FormData();
  body.append("school_class", store.session.class.id);
  try {
    body.append("picture", await stage.frames.still(), "room.jpg");
    /** @type {{ faces: MeasuredFace[] }} */
    const { faces } = await post("/identify/", body);
    return faces;
  } catch {
    return last; // Light and sharpness are worth showing without it.
  }
}

const SIGNS = { good: "tick", warn: "warning", "": "info" };

/** @param {Line} line */
function rowOf({ kind, text, advice }) {
  const sentences = make("div", {}, make("strong", {}, text), advice ? make("p", {}, advice) : null);
  return make("li", { className: `notice ${kind}` }, icon(SIGNS[kind]), sentences);
}

/**
 * Show whether light, sharpness and distance are good enough, and whom the camera cannot know.
 *
 * @param {Stage} stage
 * @param {Store} store
 * @param {MeasuredFace[]} last the faces of the last answer
 */
export async function checkRoom(stage, store, last) {
  /** @type {RoomLimits} */
  const limits = jsonById("room-limits");
  const faces = await facesNow(stage, store, last);
  const whole = measure(stage.video);
  // A face far away is soft because it is small, however sharp the picture.
  const near = faces.filter((face) => eyesOf(face) >= limits.eyes);
  const light = median(faces.map((face) => face.light ?? whole.light)) ?? whole.light;
  const sharpness = median(near.map((face) => face.sharpness ?? whole.sharpness)) ?? whole.sharpness;
  const lines = [
    lightLine(light, limits),
    sharpnessLine(sharpness, limits),
    distanceLine(faces, limits),
    ...studentLines([...store.students.values()]),
  ];
  const box = byId("readiness");
  tagIn(box, "ul").replaceChildren(...lines.map(rowOf));
  box.hidden = false;
  byId("readiness-title").focus();
}
