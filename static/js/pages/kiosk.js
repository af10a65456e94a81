// At the door: one student at a time is greeted, and may say that the name is wrong.

import { apiErrorOf } from "../core/api.js";
import { byId } from "../core/dom.js";
import { play } from "../core/sound.js";
import { _, fill } from "../core/text.js";
import { offerLeaving, rejectGreeting, sessionId } from "../live/device.js";
import { openDeviceStage } from "../live/device-stage.js";

const GREETING_MS = 6000;
// Who was greeted is not greeted again for so long.
const GREET_AGAIN_MS = 8000;

/** @typedef {"waiting" | "welcome" | "known" | "unsure"} Mood */

const stage = openDeviceStage(sessionId);
/**
 * When each student was greeted.
 *
 * @type {Map<string, number>}
 */
const greetedAt = new Map();
/** @type {Named | null} */
let greeted = null;
let timer = 0;
let isOffline = false;

/**
 * Show a message; with a student, who may reject it.
 *
 * @param {Mood} mood
 * @param {string} text
 * @param {string} [more]
 * @param {Named | null} [student]
 */
function show(mood, text, more = "", student = null) {
  clearTimeout(timer);
  greeted = student;
  byId("greeting").dataset.mood = mood;
  byId("hello").textContent = text;
  byId("hello-more").textContent = more;
  byId("not-me").hidden = !student;
  if (mood !== "waiting" && !isOffline) timer = setTimeout(wait, GREETING_MS);
}

function wait() {
  if (isOffline) {
    const more = _("Offline. This page continues when the connection is back.");
    show("unsure", _("Please tell the teacher"), more);
  } else show("waiting", _("Please look into the camera"));
}

stage.on("mark", ({ student: { id, name = "" }, status, source }) => {
  if (!["camera", "kiosk"].includes(source ?? "camera")) return;
  greetedAt.set(id, Date.now());
  play("mark");
  const more = status === "late" ? _("You are marked late.") : _("You are marked present.");
  show("welcome", fill(_("Hello, %(name)s"), { name }), more, { id, name });
});

/**
 * Return the largest face, of the one who stands in front.
 *
 * @param {RecognisedFace[]} faces
 */
function nearest(faces) {
  /** @param {RecognisedFace} face */
  const size = ({ box: [left, top, right, bottom] }) => (right - left) * (bottom - top);
  const [first, ...others] = faces;
  return others.reduce((best, face) => (best && size(face) <= size(best) ? best : face), first);
}

stage.on("result", ({ faces }) => {
  const face = nearest(faces);
  if (!face || greeted) return;
  if (face.state === "recognised" && face.student) {
    const { student } = face;
    if (Date.now() - (greetedAt.get(student.id) ?? 0) < GREET_AGAIN_MS) return;
    greetedAt.set(student.id, Date.now());
    play("already");
    const text = fill(_("Hello again, %(name)s"), { name: student.name });
    show("known", text, _("You are already marked."), student);
  } else if (face.state === "uncertain" || face.state === "unknown") {
    if (byId("greeting").dataset.mood !== "waiting") return;
    const more = _("Come a little closer and look straight ahead. If that does not help, tell the teacher.");
    show("unsure", _("One moment"), more);
  }
});

byId("not-me").addEventListener("click", async () => {
  if (!greeted) return;
  const { id } = greeted;
  byId("not-me").hidden = true;
  try {
    await rejectGreeting(id);
    const more = _("The mark was removed. Please tell the teacher who you are.");
    show("unsure", _("Sorry about that"), more);
  } catch (thrown) {
    show("unsure", _("Please tell the teacher"), apiErrorOf(thrown).message);
  }
});
stage.on("closed", () => {
  if (isOffline) return;
  isOffline = true;
  wait();
});
stage.on("ready", () => {
  if (!isOffline) return;
  isOffline = false;
  wait();
});
offerLeaving();
