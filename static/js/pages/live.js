// The live session: the camera on one side, the register on the other.

import { byId, icon } from "../core/dom.js";
import * as sound from "../core/sound.js";
import { _ } from "../core/text.js";
import { toast } from "../core/toast.js";
import { checkRoom } from "../live/readiness.js";
import { openSharing } from "../live/share.js";
import { Stage } from "../live/stage.js";
import { announceVisitors, forgetVisitors } from "../live/visitors.js";
import { openRegister } from "../register/page.js";
import { Reviews } from "../register/reviews.js";

// The sound for "already marked" comes again for the same track only after so long.
const SOUND_AGAIN_MS = 20000;

const { store, socket, connection, rights } = openRegister();
const stage = new Stage(store.session.id, () => store.isOpen);
if (rights.mayFaces) new Reviews(store);
openSharing(store);

/** @type {RecognisedFace[]} */
let faces = [];
/**
 * When each student was last seen on a track, by both.
 *
 * @type {Map<string, number>}
 */
const seenAt = new Map();

/**
 * Return whether a face is of a student who was marked a while ago and has just come back.
 *
 * @param {RecognisedFace} face
 */
function isBack(face) {
  const student = face.state === "recognised" ? store.students.get(face.student?.id ?? "") : undefined;
  if (!student || !store.shownMark(student)) return false;
  const key = `${student.id}/${face.track}`;
  const markedAt = student.mark ? Date.parse(student.mark.at) : 0;
  const isKnown = seenAt.has(key) || Date.now() - markedAt < SOUND_AGAIN_MS;
  seenAt.set(key, Date.now());
  return !isKnown;
}

stage.on("result", (result) => {
  faces = result.faces;
  announceVisitors(faces);
  if (faces.some(isBack)) sound.play("already");
  for (const [key, at] of seenAt) if (Date.now() - at > SOUND_AGAIN_MS) seenAt.delete(key);
});
for (const name of /** @type {const} */ (["mark", "unmark", "session", "reviews"])) {
  stage.on(name, (message) => store.apply(message));
}
stage.on("error", ({ code, message }) => {
  if (code === "session_closed") stage.stop();
  else if (code === "not_logged_in") connection.loginEnded();
  else if (code === "unavailable" || code === "busy") stage.showState(message);
});
stage.on("closed", ({ code }) => {
  if (code === 4401) connection.loginEnded();
  else if (code === 4403) {
    stage.stop();
    toast(_("You may no longer use the camera in this session."));
  } else stage.showState(_("Waiting for the connection."));
});
stage.on("ready", forgetVisitors);
socket.on("open", () => stage.frames.reconnect());
store.on("change", ({ what }) => {
  if (what === "session" || what === "all") showState();
});

function showState() {
  const isSigned = ["signed", "cancelled"].includes(store.session.state);
  stage.box.hidden = isSigned;
  if (isSigned && stage.isRunning) stage.stop();
  else stage.sendIfDue();
}
showState();

byId("ready-check").addEventListener("click", () => checkRoom(stage, store, stage.sends() ? faces : []));

function showSound() {
  const on = sound.isOn();
  byId("sound").replaceChildren(icon(on ? "sound" : "mute"));
  byId("sound").setAttribute("aria-pressed", String(on));
}
byId("sound").addEventListener("click", () => {
  sound.setOn(!sound.isOn());
  showSound();
});
showSound();
