// The camera on a page: button, choice, errors, frames and boxes. Used by the live page, the kiosk and a second camera.

import { byId, findById, make, tagById, tagIn } from "../core/dom.js";
import { Emitter } from "../core/emitter.js";
import { unlock } from "../core/sound.js";
import { _, fill } from "../core/text.js";
import { toast } from "../core/toast.js";
import { canKeepScreenOn, keepScreenOn, letScreenSleep } from "../core/wakelock.js";
import { Camera } from "./camera.js";
import { CameraError } from "./camera-errors.js";
import { Encoder } from "./encoder.js";
import { Frames } from "./frames.js";
import { Overlay } from "./overlay.js";

// A muted camera is taken for asleep after so long.
const MUTED_MS = 4000;
// Time in the background that is worth a message.
const BACKGROUND_MS = 3000;
const TICK_MS = 2000;
// Ticks that lie so far apart: not the page but the whole device slept.
const SLEPT_MS = 10000;

/** @type {(keyof FrameEvents & string)[]} */
const FORWARDED = ["mark", "unmark", "session", "reviews", "error", "closed", "ready"];

/** @typedef {"idle" | "starting" | "running" | "fault"} Phase */

/** @extends {Emitter<FrameEvents>} */
export class Stage extends Emitter {
  #mutedTimer = 0;
  #hiddenAt = 0;
  #ticking = 0;
  #lastTickAt = 0;
  #errorCode = "";

  /**
   * @param {string} sessionId
   * @param {() => boolean} sends whether frames go to the server just now; before a session is open they are only shown
   */
  constructor(sessionId, sends = () => true) {
    super();
    this.sends = sends;
    this.box = byId("stage");
    this.video = tagById("video", "video");
    this.camera = new Camera(this.video);
    this.overlay = new Overlay(tagById("canvas", "overlay"), this.video);
    const encoder = new Encoder(document.body.dataset.jpegWorker);
    this.frames = new Frames(`/ws/sessions/${sessionId}/camera/`, this.video, encoder);
    this.#listenToPage();
    this.#listenToCamera();
    this.#listenToFrames();
  }

  #listenToPage() {
    const start = tagById("button", "camera-start");
    start.addEventListener("click", () => this.start());
    // The page shows it disabled until now: a tap that came before this script would have been lost.
    start.disabled = false;
    byId("camera-again").addEventListener("click", () => this.start());
    findById("camera-stop")?.addEventListener("click", () => this.stop());
    findById("camera-choice")?.addEventListener("change", (event) => {
      this.start(/** @type {HTMLSelectElement} */ (event.target).value);
    });
    document.addEventListener("visibilitychange", () => this.#visibilityChanged());
    for (const name of ["loadedmetadata", "resize"]) {
      this.video.addEventListener(name, () => {
        this.box.classList.toggle("portrait-shape", this.video.videoHeight > this.video.videoWidth);
      });
    }
  }

  #listenToCamera() {
    this.camera.on("choices", () => this.#showChoices());
    this.camera.on("devices", () => this.#restartIfBack());
    this.camera.on("another", () =>
      toast(_("The camera used last is not connected, so another one is used. You can choose one below.")),
    );
    // A phone takes the camera away while the page is out of sight: that is no error, it is started again afterwards.
    this.camera.on("error", (error) => !document.hidden && this.#fail(error));
    this.camera.on("quiet", () => this.#watchMuted());
  }

  #listenToFrames() {
    this.frames.on("result", (result) => this.#showResult(result));
    this.frames.on("mark", ({ student }) => this.overlay.tick(student.id));
    for (const name of FORWARDED) this.frames.on(name, (detail) => this.emit(name, detail));
  }

  get isRunning() {
    return this.box.dataset.phase === "running";
  }

  /**
   * Start the camera. Only from a tap: phones give neither camera nor sound otherwise.
   *
   * @param {string} [choice]
   */
  async start(choice) {
    unlock();
    this.#setPhase("starting");
    try {
      if (!(await this.camera.start(choice))) return;
    } catch (thrown) {
      this.#fail(thrown instanceof CameraError ? thrown : new CameraError("broken"));
      return;
    }
    this.#setPhase("running");
    this.#watchSleep();
    this.sendIfDue();
    await keepScreenOn();
  }

  sendIfDue() {
    if (this.isRunning && this.sends()) this.frames.start();
  }

  stop() {
    this.#stopAll("idle");
  }

  /** @param {CameraError} error */
  #fail(error) {
    this.#errorCode = error.code;
    tagIn(byId("camera-fault"), "strong").textContent = error.message;
    tagIn(byId("camera-fault"), "p").textContent = error.advice;
    this.#stopAll("fault");
    this.#showChoices();
  }

  /** @param {Phase} phase */
  #stopAll(phase) {
    this.frames.stop();
    this.camera.stop();
    this.overlay.clear();
    this.#setPhase(phase);
    letScreenSleep();
  }

  /** @param {Phase} phase */
  #setPhase(phase) {
    this.box.dataset.phase = phase;
    byId("camera-fault").hidden = phase !== "fault";
    tagById("button", "camera-start").disabled = phase === "starting";
    for (const id of ["camera-stop", "ready-check"]) {
      const element = findById(id);
      if (element) element.hidden = phase !== "running";
    }
    this.showState("");
  }

  /**
   * Show how the frames fare, in a line under the video.
   *
   * @param {string} text
   */
  showState(text) {
    const line = findById("pace");
    if (line && line.textContent !== text) line.textContent = text;
  }

  #visibilityChanged() {
    this.#lastTickAt = Date.now();
    if (document.hidden) {
      this.#hiddenAt = Date.now();
      this.overlay.clear();
      if (this.isRunning) this.showState(_("Paused: the page is in the background."));
      return;
    }
    if (!this.isRunning) return;
    const away = Date.now() - this.#hiddenAt;
    if (away > BACKGROUND_MS) {
      const sentence = _(
        "The page was in the background or the screen was locked: the camera was paused for %(n)s seconds. Keep this page in front.",
      );
      showInterruption(sentence, away);
    }
    unlock();
    if (this.camera.isRunning) this.camera.resume();
    else this.start();
  }

  /** A page learns of a closed lid only from a gap in its time; pictures may stand still after it. */
  #watchSleep() {
    clearInterval(this.#ticking);
    this.#lastTickAt = Date.now();
    this.#ticking = setInterval(() => {
      const slept = Date.now() - this.#lastTickAt;
      this.#lastTickAt = Date.now();
      if (slept < SLEPT_MS || document.hidden || !this.isRunning) return;
      const sentence = _(
        "This device was asleep: the camera was paused for %(n)s seconds. It starts again now.",
      );
      showInterruption(sentence, slept);
      this.start();
    }, TICK_MS);
  }

  /** Start again without a tap when the camera that was missing is plugged in. */
  async #restartIfBack() {
    if (!["gone", "none"].includes(this.#errorCode) || this.box.dataset.phase !== "fault") return;
    const choices = await this.camera.choices();
    const isBack = choices.some((camera) => camera.usual);
    if (isBack || (this.#errorCode === "none" && choices.length)) this.start();
  }

  #watchMuted() {
    clearTimeout(this.#mutedTimer);
    this.#mutedTimer = setTimeout(() => {
      if (this.isRunning && this.camera.isMuted && !document.hidden) this.#fail(new CameraError("asleep"));
    }, MUTED_MS);
  }

  async #showChoices() {
    if (!findById("camera-choice")) return;
    const select = tagById("select", "camera-choice");
    const choices = await this.camera.choices();
    const hasChosen = choices.some((camera) => camera.chosen);
    const options = choices.map(({ id, label, chosen }) =>
      make("option", { value: id, selected: chosen }, label),
    );
    if (!hasChosen) {
      options.unshift(make("option", { value: "", selected: true, disabled: true }, _("Choose a camera")));
    }
    select.replaceChildren(...options);
    select.hidden = choices.length < (hasChosen ? 2 : 1);
  }

  /** @param {FrameResult} result */
  #showResult(result) {
    this.overlay.show(result.faces, result.frame);
    if (result.round) this.showState(fill(_("answered in %(ms)s ms"), { ms: Math.round(result.round) }));
    this.emit("result", result);
  }
}

/**
 * Show a message about a time in which the camera saw nobody.
 *
 * @param {string} sentence with a place for the seconds, `n`
 * @param {number} duration milliseconds
 */
function showInterruption(sentence, duration) {
  const advice = canKeepScreenOn() ? "" : _("Set the screen of this device to stay on.");
  toast([fill(sentence, { n: Math.round(duration / 1000) }), advice].filter(Boolean).join(" "));
}
