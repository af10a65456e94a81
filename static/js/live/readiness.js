// Before the lesson: is the picture good enough, and whom can the camera not know? Measured on the picture itself.

import { post } from "../core/api.js";
import { byId, icon, make } from "../core/dom.js";
import { _, fill, joined, plural } from "../core/text.js";

const SIDE = 320;
const DARK = 60;
const BRIGHT = 205;
const SOFT = 40;
/** Pixels between the eyes of the frame that is sent, below which recognition is a gamble. */
export const EYES_NEEDED = 24;

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
  return { light: sum / grey.length, sharpness: laplacianVariance(grey, width, height) };
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
const eyesOf = ({ box: [left, , right] }) => (right - left) * 0.42;

function light(value) {
  if (value < DARK) return [false, _("It is too dark."), _("Switch the light on, or turn the camera away from the window.")];
  if (value > BRIGHT) return [false, _("It is too bright."), _("Close a blind, or turn the camera away from the light.")];
  return [true, _("The light is good."), ""];
}

function sharpness(value) {
  if (value < SOFT) return [false, _("The picture is not sharp."), _("Wipe the lens, hold the device still, or wait until it has focused.")];
  return [true, _("The picture is sharp."), ""];
}

function distance(faces) {
  if (!faces.length) return [null, _("No face in the picture yet."), _("Let somebody sit down in the last row to see whether they are recognised there.")];
  const smallest = Math.min(...faces.map(eyesOf));
  const values = { found: Math.round(smallest), needed: EYES_NEEDED };
  if (smallest >= EYES_NEEDED) return [true, fill(_("The farthest face has %(found)s pixels between the eyes: enough."), values), ""];
  return [false, fill(_("The farthest face has %(found)s pixels between the eyes; %(needed)s are needed."), values), _("Move the camera closer, zoom in, or take a group photograph in two parts.")];
}

function templates(students) {
  const without = students.filter((student) => !student.recognisable);
  if (!without.length) return [true, _("The camera can know everybody in this class."), ""];
  const names = joined(without.map((student) => student.name));
  const text = plural("One student is marked by hand: %(names)s.", "%(count)s students are marked by hand: %(names)s.", without.length);
  return [null, fill(text, { count: without.length, names }), _("They have no consent or no usable photograph; the office can add one. They count the same.")];
}

/** The faces of this moment: those of the last answer, else asked for once; nothing of it is stored. */
async function facesNow(stage, store, seen) {
  if (seen.length) return seen;
  const body = new FormData();
  body.append("school_class", store.session.class.id);
  try {
    body.append("picture", await stage.frames.still(), "room.jpg");
    return (await post("/identify/", body)).faces;
  } catch {
    return []; // Light and sharpness are worth telling without it.
  }
}

export async function checkRoom(stage, store, seen) {
  const faces = await facesNow(stage, store, seen);
  const { light: bright, sharpness: sharp } = measure(stage.video);
  const lines = [light(bright), sharpness(sharp), distance(faces), templates([...store.students.values()])];
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
