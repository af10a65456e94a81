// The camera itself: which one, and whether it still sends pictures.

import { Emitter } from "../core/emitter.js";
import { readPreference, writePreference } from "../core/preferences.js";
import { _, fill } from "../core/text.js";
import { CameraError, codeOfThrown } from "./camera-errors.js";

const KEY = "rollcall.camera";

/**
 * `choices`: the list of cameras changed; `devices`: one was plugged in or out; `another`: not the wanted one was
 * started; `quiet`: no pictures just now; `error`: the camera is gone.
 *
 * @typedef {{
 *   choices: undefined, devices: undefined, another: undefined, quiet: undefined, error: CameraError
 * }} CameraEvents
 */

/** Resolve to the state of this page's permission to use the camera, or to "" where the browser does not tell. */
async function cameraPermission() {
  try {
    return (await navigator.permissions.query({ name: "camera" })).state;
  } catch {
    return "";
  }
}

/** @extends {Emitter<CameraEvents>} */
export class Camera extends Emitter {
  /** @type {MediaStream | null} */
  #stream = null;
  #video;
  #attempt = 0;
  /** The permission as it was when the camera was started. */
  #permission = "";

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    super();
    this.#video = video;
    navigator.mediaDevices?.addEventListener?.("devicechange", () => this.#devicesChanged());
  }

  get isRunning() {
    return this.#track?.readyState === "live";
  }

  /** Whether the camera is known to have stopped sending pictures for a while. */
  get isMuted() {
    return this.#track?.muted ?? false;
  }

  get #track() {
    return this.#stream?.getVideoTracks()[0] ?? null;
  }

  /**
   * Start, with the camera used last on this device unless another is named. Throws CameraError.
   * Resolves to false where something else was wanted meanwhile.
   */
  async start(choice = readPreference(KEY) ?? "") {
    if (!globalThis.isSecureContext) throw new CameraError("insecure");
    if (!navigator.mediaDevices?.getUserMedia) throw new CameraError("unsupported");
    this.stop();
    const attempt = this.#attempt;
    const stream = await this.#request(choice);
    if (attempt !== this.#attempt) {
      for (const track of stream.getTracks()) track.stop();
      return false;
    }
    this.#stream = stream;
    await this.#show(stream, choice);
    return true;
  }

  /**
   * @param {MediaStream} stream
   * @param {string} choice
   */
  async #show(stream, choice) {
    const track = this.#track;
    track?.addEventListener("ended", () => this.#ended(stream));
    track?.addEventListener("mute", () => this.emit("quiet", undefined));
    const settings = track?.getSettings?.();
    const used = settings?.deviceId;
    const isAnother = Boolean(choice && used && used !== choice);
    // A substitute is not stored as the choice: the first comes back with its plug.
    if (used && !isAnother) writePreference(KEY, used);
    this.#video.srcObject = stream;
    this.#video.classList.toggle("mirrored", settings?.facingMode === "user");
    await this.resume();
    this.#permission = await cameraPermission();
    this.emit("choices", undefined);
    if (isAnother) this.emit("another", undefined);
  }

  /** Phones stop a video that was out of sight, and leave it so. */
  resume() {
    return this.#video.play().catch(() => {});
  }

  /** @param {MediaStream} stream */
  async #ended(stream) {
    if (stream !== this.#stream) return;
    const permission = await cameraPermission();
    const isWithdrawn = permission !== this.#permission && permission !== "granted";
    const code = isWithdrawn ? "withdrawn" : "gone";
    if (stream === this.#stream) this.emit("error", new CameraError(code));
  }

  #devicesChanged() {
    // Not every browser ends the track of a camera whose plug is pulled before it reports that devices changed.
    if (this.#stream && !this.isRunning) this.#ended(this.#stream);
    this.emit("devices", undefined);
    this.emit("choices", undefined);
  }

  /**
   * @param {string} choice
   * @returns {Promise<MediaStream>}
   */
  async #request(choice) {
    const size = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
    try {
      const which = choice ? { deviceId: { exact: choice } } : { facingMode: { ideal: "environment" } };
      return await navigator.mediaDevices.getUserMedia({ video: { ...size, ...which }, audio: false });
    } catch (thrown) {
      const code = codeOfThrown(thrown);
      if (choice && code === "none") return this.#request("");
      throw new CameraError(code);
    }
  }

  stop() {
    this.#attempt += 1;
    const stream = this.#stream;
    this.#stream = null;
    for (const track of stream?.getTracks() ?? []) track.stop();
    this.#video.srcObject = null;
  }

  /** Return what may be chosen; `usual` is the one used last. Names are known only once a camera was allowed. */
  async choices() {
    const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
    const [current, usual] = [this.#track?.getSettings?.().deviceId, readPreference(KEY)];
    return devices
      .filter((device) => device.kind === "videoinput" && device.deviceId)
      .map(({ deviceId: id, label }, position) => ({
        id,
        label: label || fill(_("Camera %(n)s"), { n: position + 1 }),
        chosen: id === current,
        usual: id === usual,
      }));
  }
}
