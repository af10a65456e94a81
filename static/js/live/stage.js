// The camera on a page: button, choice, faults, frames and boxes. Used by the live page, the kiosk and a second camera.

import { byId, make } from "../core/dom.js";
import { wake } from "../core/sound.js";
import { _, fill } from "../core/text.js";
import { toast } from "../core/toast.js";
import { canKeepAwake, keepAwake, letSleep } from "../core/wake.js";
import { Camera, faultOf } from "./camera.js";
import { Encoder } from "./encode.js";
import { Frames } from "./frames.js";
import { Overlay } from "./overlay.js";

const ASLEEP_AFTER = 4000;
const WORTH_A_WORD = 3000;
const BEAT = 2000;
/** Beats that lie so far apart: not the page but the whole device slept. */
const SLEPT = 10000;

export class Stage extends EventTarget {
  #asleep = 0;
  #hiddenAt = 0;
  #beat = 0;
  #beatAt = 0;
  #fault = "";

  /** `sends` says whether pictures go to the server just now; before a session is open they are only shown. */
  constructor(sessionId, sends = () => true) {
    super();
    this.sends = sends;
    this.box = byId("stage");
    this.video = byId("video");
    this.camera = new Camera(this.video);
    this.overlay = new Overlay(byId("overlay"), this.video);
    this.frames = new Frames(
      `/ws/sessions/${sessionId}/camera/`,
      this.video,
      new Encoder(document.body.dataset.encoder),
    );
    this.#listen();
  }

  #listen() {
    byId("camera-start").addEventListener("click", () => this.start());
    // The page shows it disabled until now: a tap that came before this script would have been lost.
    byId("camera-start").disabled = false;
    byId("camera-again").addEventListener("click", () => this.start());
    byId("camera-stop")?.addEventListener("click", () => this.stop());
    byId("camera-choice")?.addEventListener("change", ({ target }) => this.start(target.value));
    this.camera.addEventListener("choices", () => this.#choices());
    this.camera.addEventListener("devices", () => this.#plugged());
    this.camera.addEventListener("another", () =>
      toast(
        _(
          "The camera used last is not connected, so another one was started. Choose below if it is the wrong one.",
        ),
      ),
    );
    // A phone takes the camera away while the page is out of sight: that is no fault, it is started again afterwards.
    this.camera.addEventListener("fault", ({ detail }) => !document.hidden && this.fault(detail));
    this.camera.addEventListener("quiet", () => this.#watchSleep());
    document.addEventListener("visibilitychange", () => this.#visible());
    for (const turned of ["loadedmetadata", "resize"]) {
      this.video.addEventListener(turned, () =>
        this.box.classList.toggle("portrait-shape", this.video.videoHeight > this.video.videoWidth),
      );
    }
    this.frames.addEventListener("result", ({ detail }) => this.#seen(detail));
    this.frames.addEventListener("mark", ({ detail }) => this.overlay.tick(detail.student.id));
    for (const name of ["mark", "unmark", "session", "reviews", "error", "lost", "ready"]) {
      this.frames.addEventListener(name, ({ detail }) =>
        this.dispatchEvent(new CustomEvent(name, { detail })),
      );
    }
  }

  get isRunning() {
    return this.box.dataset.phase === "running";
  }

  /** Only from a tap: phones give neither camera nor sound otherwise. */
  async start(choice) {
    wake();
    this.#phase("starting");
    try {
      if (!(await this.camera.start(choice))) return;
    } catch (fault) {
      this.fault(fault.advice ? fault : faultOf("broken"));
      return;
    }
    this.#phase("running");
    this.#watchBeat();
    this.sendIfDue();
    await keepAwake();
  }

  sendIfDue() {
    if (this.isRunning && this.sends()) this.frames.start();
  }

  stop() {
    this.frames.stop();
    this.camera.stop();
    this.overlay.clear();
    this.#phase("idle");
    letSleep();
  }

  fault(fault) {
    this.frames.stop();
    this.camera.stop();
    this.overlay.clear();
    this.#fault = fault.code;
    byId("camera-fault").querySelector("strong").textContent = fault.message;
    byId("camera-fault").querySelector("p").textContent = fault.advice;
    this.#phase("fault");
    letSleep();
    this.#choices();
  }

  #phase(phase) {
    this.box.dataset.phase = phase;
    byId("camera-fault").hidden = phase !== "fault";
    byId("camera-start").disabled = phase === "starting";
    for (const id of ["camera-stop", "ready-check"]) if (byId(id)) byId(id).hidden = phase !== "running";
    this.say("");
  }

  say(text) {
    const pace = byId("pace");
    if (pace && pace.textContent !== text) pace.textContent = text;
  }

  #visible() {
    this.#beatAt = Date.now();
    if (document.hidden) {
      this.#hiddenAt = Date.now();
      this.overlay.clear();
      if (this.isRunning) this.say(_("Paused: the page is in the background."));
      return;
    }
    if (!this.isRunning) return;
    const away = Date.now() - this.#hiddenAt;
    if (away > WORTH_A_WORD)
      this.#tellAway(
        _(
          "The page was in the background or the screen locked: the camera saw nobody for %(n)s seconds. It goes on now; keep this page in front.",
        ),
        away,
      );
    wake();
    if (this.camera.isRunning) this.camera.wakeUp();
    else this.start();
  }

  #tellAway(sentence, away) {
    const advice = canKeepAwake() ? "" : _("Set the screen of this device to stay on.");
    toast([fill(sentence, { n: Math.round(away / 1000) }), advice].filter(Boolean).join(" "));
  }

  /** Of a lid that was closed a page hears nothing but the hole in its time; pictures may stand still after it. */
  #watchBeat() {
    clearInterval(this.#beat);
    this.#beatAt = Date.now();
    this.#beat = setInterval(() => {
      const slept = Date.now() - this.#beatAt;
      this.#beatAt = Date.now();
      if (slept < SLEPT || document.hidden || !this.isRunning) return;
      this.#tellAway(
        _("This device was asleep: the camera saw nobody for %(n)s seconds. It is started again."),
        slept,
      );
      this.start();
    }, BEAT);
  }

  /** The camera that was missed is there again: no tap needed. */
  async #plugged() {
    if (!["gone", "none"].includes(this.#fault) || this.box.dataset.phase !== "fault") return;
    const choices = await this.camera.choices();
    if (choices.some((camera) => camera.usual) || (this.#fault === "none" && choices.length)) this.start();
  }

  #watchSleep() {
    clearTimeout(this.#asleep);
    this.#asleep = setTimeout(() => {
      const track = this.video.srcObject?.getVideoTracks()[0];
      if (this.isRunning && track?.muted && !document.hidden) this.fault(faultOf("asleep"));
    }, ASLEEP_AFTER);
  }

  async #choices() {
    const select = byId("camera-choice");
    if (!select) return;
    const choices = await this.camera.choices();
    const none = choices.some((camera) => camera.chosen)
      ? null
      : make("option", { value: "", selected: true, disabled: true }, _("Choose a camera"));
    select.replaceChildren(
      ...[
        none,
        ...choices.map(({ id, label, chosen }) => make("option", { value: id, selected: chosen }, label)),
      ].filter(Boolean),
    );
    select.hidden = choices.length < (none ? 1 : 2);
  }

  #seen(result) {
    this.overlay.show(result.faces, result.frame);
    if (result.round) this.say(fill(_("answered in %(ms)s ms"), { ms: Math.round(result.round) }));
    this.dispatchEvent(new CustomEvent("result", { detail: result }));
  }
}
