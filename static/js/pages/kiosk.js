// At the door: one student at a time is greeted, and may say that the name is wrong.

import { byId } from "../core/dom.js";
import { play } from "../core/sound.js";
import { _, fill } from "../core/text.js";
import { offerLeaving, rightsEnded, sayNotMe, sessionId } from "../live/device.js";
import { Stage } from "../live/stage.js";

const GREETING_STAYS = 6000;
const SAME_AGAIN_AFTER = 8000;

const stage = new Stage(sessionId);
// Nobody decides here: the question waits for the teacher.
stage.overlay.words.uncertain = stage.overlay.words.confirming;
const greetedAt = new Map();
let shown = null;
let timer = 0;
let away = false;

function say(mood, text, more = "", student = null) {
  clearTimeout(timer);
  shown = student;
  byId("greeting").dataset.mood = mood;
  byId("hello").textContent = text;
  byId("hello-more").textContent = more;
  byId("not-me").hidden = !student;
  if (mood === "waiting" || away) return;
  timer = setTimeout(wait, GREETING_STAYS);
}

function wait() {
  if (away)
    say("unsure", _("Please tell the teacher"), _("No connection. The page goes on as soon as it is back."));
  else say("waiting", _("Look into the camera, please"));
}

stage.addEventListener("mark", ({ detail }) => {
  if (!["camera", "kiosk"].includes(detail.source ?? "camera")) return;
  greetedAt.set(detail.student.id, Date.now());
  play("mark");
  const more = detail.status === "late" ? _("You are marked as late.") : _("You are marked as here.");
  say("welcome", fill(_("Hello, %(name)s"), { name: detail.student.name }), more, detail.student);
});

/** The largest face is the one who stands in front. */
function nearest(faces) {
  const size = ({ box: [left, top, right, bottom] }) => (right - left) * (bottom - top);
  return faces.reduce((best, face) => (!best || size(face) > size(best) ? face : best), null);
}

stage.addEventListener("result", ({ detail }) => {
  const face = nearest(detail.faces);
  if (!face || shown) return;
  if (face.state === "recognised") {
    const { student } = face;
    if (Date.now() - (greetedAt.get(student.id) ?? 0) < SAME_AGAIN_AFTER) return;
    greetedAt.set(student.id, Date.now());
    play("already");
    say(
      "known",
      fill(_("Hello again, %(name)s"), { name: student.name }),
      _("You are marked already."),
      student,
    );
  } else if (face.state === "uncertain" || face.state === "unknown") {
    if (byId("greeting").dataset.mood === "waiting")
      say(
        "unsure",
        _("One moment"),
        _("Come a little closer and look straight ahead. Otherwise the teacher marks you."),
      );
  }
});

byId("not-me").addEventListener("click", async () => {
  const { id } = shown;
  byId("not-me").hidden = true;
  try {
    await sayNotMe(id);
    say("unsure", _("Sorry about that"), _("The mark was taken back. Please tell the teacher who you are."));
  } catch (fault) {
    say("unsure", _("Please tell the teacher"), fault.message);
  }
});
stage.addEventListener("lost", ({ detail }) => {
  if ([4401, 4403].includes(detail.code)) rightsEnded();
  if (away) return;
  away = true;
  wait();
});
stage.addEventListener("ready", () => {
  if (!away) return;
  away = false;
  wait();
});
stage.addEventListener("session", ({ detail }) => detail.session.state === "closed" && rightsEnded());
offerLeaving();
