// A second camera: pictures go out, boxes and counts come back; no roll, no portraits.

import { followBoard, offerLeaving, rightsEnded, sessionId, showCounts } from "../live/device.js";
import { Stage } from "../live/stage.js";

const stage = new Stage(sessionId);
// Nobody decides here: the question waits for the teacher.
stage.overlay.words.uncertain = stage.overlay.words.confirming;
followBoard(showCounts);
offerLeaving();
stage.addEventListener("lost", ({ detail }) => [4401, 4403].includes(detail.code) && rightsEnded());
stage.addEventListener("session", ({ detail }) => detail.session.state === "closed" && rightsEnded());
