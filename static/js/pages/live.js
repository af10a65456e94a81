// The live session: camera on one side, the register that fills itself on the other.

import { byId, icon } from "../core/dom.js";
import * as sound from "../core/sound.js";
import { _ } from "../core/text.js";
import { toast } from "../core/toast.js";
import { checkRoom } from "../live/readiness.js";
import { openSharing } from "../live/share.js";
import { Stage } from "../live/stage.js";
import { forgetVisitors, speakOfVisitors } from "../live/visitors.js";
import { openRegister } from "../register/page.js";
import { Reviews } from "../register/reviews.js";

const SAID_AGAIN_AFTER = 20000;

const { store, socket, link, may } = openRegister();
const stage = new Stage(store.session.id, () => store.isOpen);
if (may.mayFaces) new Reviews(store);
openSharing(store);

let faces = [];
const greeted = new Map();

function alreadyMarked(face) {
  const student = face.state === "recognised" && store.students.get(face.student?.id);
  if (!student || !store.shown(student)) return false;
  const key = `${student.id}/${face.track}`;
  const known = greeted.has(key) || Date.now() - Date.parse(student.mark?.at ?? 0) < SAID_AGAIN_AFTER;
  greeted.set(key, Date.now());
  return !known;
}

stage.addEventListener("result", ({ detail }) => {
  faces = detail.faces;
  speakOfVisitors(faces);
  if (faces.some(alreadyMarked)) sound.play("already");
  for (const [key, at] of greeted) if (Date.now() - at > SAID_AGAIN_AFTER) greeted.delete(key);
});
for (const name of ["mark", "unmark", "session", "reviews"])
  stage.addEventListener(name, ({ detail }) => store.hear(detail));
stage.addEventListener("error", ({ detail }) => {
  if (detail.code === "session_closed") stage.stop();
  else if (detail.code === "not_logged_in") link.loginEnded();
  else if (detail.code === "unavailable" || detail.code === "busy") stage.say(detail.message);
});
stage.addEventListener("lost", ({ detail }) => {
  if (detail.code === 4401) link.loginEnded();
  else if (detail.code === 4403) {
    stage.stop();
    toast(_("You may no longer use the camera in this session."));
  } else stage.say(_("Pictures wait for the connection."));
});
stage.addEventListener("ready", forgetVisitors);
socket.addEventListener("open", () => stage.frames.again());
store.addEventListener("change", ({ detail }) => {
  if (detail.what === "session" || detail.what === "all") showState();
});

function showState() {
  const signed = store.session.state === "closed";
  stage.box.hidden = signed;
  if (signed && stage.isRunning) stage.stop();
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
