// Before the lesson: is the picture good enough, and whom can the camera not know? The faces in it are measured by the
// server, as at enrolment; where there are none, or no answer, the picture as a whole is measured here.

import { post } from "../core/api.js";
import { byId, icon, make } from "../core/dom.js";
import { _, fill, joined } from "../core/text.js";

const SIDE = 320;

/** Light from 0 to 1 and sharpness of the whole picture, made as small as this: its limits are those of a face. */
function measure(video) {
  const canvas = document.createElement("canvas");
  const scale = SIDE / Math.max(video.videoWidth, video.videoHeight);
  canvas.width = Math.max(3, Math.round(video.videoWidth * scale));
  canvas.height = Math.max(3, Math.round(video.videoHeight * scale));
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.drawImage(video, 0, 0, canvas.width, canvas.height);
  const { data, width, height } = pen.getImageData(0, 0, canvas.width, canvas.height);
  const grey = new Float32Array(width * height);
  let sum = 0;
  for (let i = 0; i < grey.length; i++) {
    grey[i] = 0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2];
    sum += grey[i];
  }
  return { light: sum / grey.length / 255, sharpness: laplacianVariance(grey, width, height) };
}

function laplacianVariance(grey, width, height) {
  let [sum, squares, count] = [0, 0, 0];
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const i = y * width + x;
      const edge = 4 * grey[i] - grey[i - 1] - grey[i + 1] - grey[i - width] - grey[i + width];
      sum += edge;
      squares += edge * edge;
      count++;
    }
  }
  return squares / count - (sum / count) ** 2;
}

/** Eyes lie about 0.42 of a face's width apart; the smallest face in the picture is the back row. */
const eyesOf = ({ eye_distance: found, box: [left, , right] }) => found ?? (right - left) * 0.42;

/** One face that moves, or sits in the shadow, says little of the room. */
const middle = (values) => [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)];

function light(value, { dark, bright }) {
  if (value < dark) return [false, _("It is too dark."), _("Switch the light on, or turn the camera away from the window.")];
  if (value > bright) return [false, _("It is too bright."), _("Close a blind, or turn the camera away from the light.")];
  return [true, _("The light is good."), ""];
}

function sharpness(value, { sharp }) {
  if (value < sharp) return [false, _("The picture is not sharp."), _("Wipe the lens, hold the device still, or wait until it has focused.")];
  return [true, _("The picture is sharp."), ""];
}

function distance(faces, { eyes: needed }) {
  if (!faces.length) return [null, _("No face in the picture yet."), _("Let somebody sit down in the last row to see whether they are recognised there.")];
  const smallest = Math.min(...faces.map(eyesOf));
  const values = { found: Math.round(smallest), needed };
  if (smallest >= needed) return [true, fill(_("The farthest face has %(found)s pixels between the eyes: enough."), values), ""];
  return [false, fill(_("The farthest face has %(found)s pixels between the eyes; %(needed)s are needed."), values), _("Move the camera closer, zoom in, or take a group photograph in two parts.")];
}

const WITHOUT = {
  left: [
    () => _("Left the school, and comes back? %(names)s."),
    () => _("Mark them by hand. The office empties the day of leaving of those who come back."),
  ],
  no_consent: [
    () => _("No consent that holds: %(names)s."),
    () => _("Mark them by hand; they count the same. The office records a consent when it is given."),
  ],
  no_photograph: [
    () => _("No photograph: %(names)s."),
    () => _("Mark them by hand until the office has added photographs; three or more recognise best."),
  ],
  photograph_again: [
    () => _("No photograph that this version can use: %(names)s."),
    () => _("Mark them by hand until the office has made their photographs usable again, or taken new ones."),
  ],
};

/** A line for each reason that there is, with the names. */
function templates(students) {
  if (!students.length) return [[null, _("Nobody is in this class on this day. The office adds students."), ""]];
  const lines = Object.entries(WITHOUT).flatMap(([why, [text, advice]]) => {
    const names = students.filter((student) => student.by_hand === why).map((student) => student.name);
    return names.length ? [[null, fill(text(), { names: joined(names) }), advice()]] : [];
  });
  return lines.length ? lines : [[true, _("The camera can know everybody in this class."), ""]];
}

/** The faces of this moment, measured by the server, else those of the last answer; nothing of it is stored. */
async function facesNow(stage, store, seen) {
  const body = new FormData();
  body.append("school_class", store.session.class.id);
  try {
    body.append("picture", await stage.frames.still(), "room.jpg");
    return (await post("/identify/", body)).faces;
  } catch {
    return seen; // Light and sharpness are worth telling without it.
  }
}

export async function checkRoom(stage, store, seen) {
  const limits = JSON.parse(byId("room-limits").textContent);
  const faces = await facesNow(stage, store, seen);
  const whole = measure(stage.video);
  // A face far away is soft because it is small, however sharp the picture.
  const near = faces.filter((face) => eyesOf(face) >= limits.eyes);
  const of = (name, among) => middle(among.map((face) => face[name] ?? whole[name])) ?? whole[name];
  const lines = [light(of("light", faces), limits), sharpness(of("sharpness", near), limits), distance(faces, limits), ...templates([...store.students.values()])];
  const box = byId("readiness");
  box.querySelector("ul").replaceChildren(
    ...lines.map(([good, text, advice]) => {
      const kind = good === null ? "" : good ? "good" : "warn";
      const sign = good === null ? "info" : good ? "tick" : "warning";
      return make("li", { className: `notice ${kind}` }, icon(sign), make("div", {}, make("strong", {}, text), advice ? make("p", {}, advice) : null));
    }),
  );
  box.hidden = false;
  byId("readiness-title").focus();
}
