// A second camera: frames go out, boxes and counts come back; no register, no portraits.

import { followBoard, offerLeaving, sessionId, showCounts } from "../live/device.js";
import { openDeviceStage } from "../live/device-stage.js";

openDeviceStage(sessionId);
followBoard(showCounts);
offerLeaving();
