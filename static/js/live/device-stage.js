// The camera of a device without a teacher: a kiosk or a second camera.

import { rightsEnded } from "./device.js";
import { Stage } from "./stage.js";

/** @param {string} sessionId */
export function openDeviceStage(sessionId) {
  const stage = new Stage(sessionId);
  // Nobody decides here: the question waits for the teacher.
  stage.overlay.labels.uncertain = stage.overlay.labels.confirming ?? "";
  stage.on("closed", ({ code }) => (code === 4401 || code === 4403) && rightsEnded());
  stage.on("session", ({ session }) => ["signed", "cancelled"].includes(session.state) && rightsEnded());
  return stage;
}
