// The camera itself: which one, and in plain words why not.

import { recall, remember } from "../core/remember.js";
import { _, fill } from "../core/text.js";

const KEY = "rollcall.camera";

export class CameraFault extends Error {
  constructor(code, title, advice) {
    super(title);
    this.code = code;
    this.advice = advice;
  }
}

const FAULTS = {
  insecure: () => [
    _("No camera on an unprotected page"),
    _(
      "Browsers give the camera only to https pages, or on this computer itself. Ask the office for the https address of Rollcall.",
    ),
  ],
  unsupported: () => [
    _("This browser has no camera access"),
    _("Use a present version of Chrome, Edge, Firefox or Safari, or mark by hand."),
  ],
  denied: () => [
    _("The camera is not allowed"),
    _("Tap the camera or lock sign beside the address, allow the camera for this page, then try again."),
  ],
  none: () => [
    _("No camera found"),
    _("Plug one in, or open the session on a phone with “Other screens”. Marking by hand works as always."),
  ],
  busy: () => [
    _("The camera is in use elsewhere"),
    _("Close the other program or tab that uses it (a video call, perhaps), then try again."),
  ],
  gone: () => [
    _("The camera was unplugged"),
    _("Plug it in again, or choose another one. The register stays as it is."),
  ],
  asleep: () => [
    _("The camera has stopped sending pictures"),
    _("The device was asleep or its lid is closed. Wake it, then try again."),
  ],
  broken: () => [_("The camera does not start"), _("Unplug it and plug it in again, or choose another one.")],
};

export function faultOf(code) {
  const [title, advice] = FAULTS[code]();
  return new CameraFault(code, title, advice);
}

const CODE_OF = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  PermissionDeniedError: "denied",
  NotFoundError: "none",
  OverconstrainedError: "none",
  DevicesNotFoundError: "none",
  NotReadableError: "busy",
  TrackStartError: "busy",
  AbortError: "busy",
};

export class Camera extends EventTarget {
  #stream = null;
  #video;
  #attempt = 0;

  constructor(video) {
    super();
    this.#video = video;
    navigator.mediaDevices?.addEventListener?.("devicechange", () => this.#devicesChanged());
  }

  get isRunning() {
    return this.#track?.readyState === "live";
  }

  get facesUser() {
    return this.#track?.getSettings?.().facingMode === "user";
  }

  get label() {
    return this.#track?.label ?? "";
  }

  get #track() {
    return this.#stream?.getVideoTracks()[0] ?? null;
  }

  /**
   * Start, with the camera used last on this device unless another is named. Throws CameraFault.
   * Resolves to false where something else was wanted meanwhile.
   */
  async start(choice = recall(KEY) ?? "") {
    if (!globalThis.isSecureContext) throw faultOf("insecure");
    if (!navigator.mediaDevices?.getUserMedia) throw faultOf("unsupported");
    this.stop();
    const attempt = this.#attempt;
    const stream = await this.#ask(choice);
    if (attempt !== this.#attempt) {
      for (const track of stream.getTracks()) track.stop();
      return false;
    }
    this.#stream = stream;
    const track = this.#track;
    track.addEventListener("ended", () => this.#ended(stream));
    track.addEventListener("mute", () => this.dispatchEvent(new Event("quiet")));
    const used = track.getSettings?.().deviceId;
    const another = Boolean(choice && used && used !== choice);
    // Another one that only stands in is not remembered: the first comes back with its plug.
    if (used && !another) remember(KEY, used);
    this.#video.srcObject = stream;
    this.#video.classList.toggle("mirrored", this.facesUser);
    await this.wakeUp();
    this.dispatchEvent(new Event("choices"));
    if (another) this.dispatchEvent(new Event("another"));
    return true;
  }

  /** Phones stop a picture that was out of sight, and leave it so. */
  wakeUp() {
    return this.#video.play().catch(() => {});
  }

  #ended(stream) {
    if (stream === this.#stream) this.dispatchEvent(new CustomEvent("fault", { detail: faultOf("gone") }));
  }

  #devicesChanged() {
    // Not every browser ends the track of a camera whose plug is pulled before it says that devices changed.
    if (this.#stream && !this.isRunning) this.#ended(this.#stream);
    this.dispatchEvent(new Event("devices"));
    this.dispatchEvent(new Event("choices"));
  }

  async #ask(choice) {
    const size = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
    try {
      const which = choice ? { deviceId: { exact: choice } } : { facingMode: { ideal: "environment" } };
      return await navigator.mediaDevices.getUserMedia({ video: { ...size, ...which }, audio: false });
    } catch (fault) {
      const code = CODE_OF[fault.name] ?? "broken";
      if (choice && code === "none") return this.#ask("");
      throw faultOf(code);
    }
  }

  stop() {
    this.#attempt += 1;
    const stream = this.#stream;
    this.#stream = null;
    for (const track of stream?.getTracks() ?? []) track.stop();
    this.#video.srcObject = null;
  }

  /** What may be chosen: `{ id, label, chosen, usual }`, the usual being the one used last. Names are known only once a camera was allowed. */
  async choices() {
    const found = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
    const [current, usual] = [this.#track?.getSettings?.().deviceId, recall(KEY)];
    return found
      .filter((device) => device.kind === "videoinput" && device.deviceId)
      .map(({ deviceId: id, label }, place) => ({
        id,
        label: label || fill(_("Camera %(n)s"), { n: place + 1 }),
        chosen: id === current,
        usual: id === usual,
      }));
  }
}
