// A frame of the video as JPEG bytes, encoded in a worker where the browser can.

import { contextOf } from "../core/dom.js";

const WORKER_TIMEOUT_MS = 3000;

function canUseWorker() {
  const canEncode = "convertToBlob" in (globalThis.OffscreenCanvas?.prototype ?? {});
  return canEncode && "Worker" in globalThis && "createImageBitmap" in globalThis;
}

/**
 * Return the size of a video's picture, made so small that neither side is longer than `side` pixels.
 *
 * @param {HTMLVideoElement} video
 * @param {number} side
 * @returns {Size}
 */
function sizeWithin({ videoWidth: width, videoHeight: height }, side) {
  const scale = Math.min(1, side / Math.max(width, height));
  return { width: Math.round(width * scale), height: Math.round(height * scale) };
}

/** @typedef {{ resolve: (bytes: ArrayBuffer) => void, reject: (error: Error) => void }} Waiting */

export class Encoder {
  /** @type {Worker | null} */
  #worker = null;
  /** @type {Map<number, Waiting>} */
  #waiting = new Map();
  /** @type {HTMLCanvasElement | null} */
  #canvas = null;
  #nextId = 0;

  /** @param {string | undefined} address the worker's script */
  constructor(address) {
    if (!address || !canUseWorker()) return;
    this.#worker = new Worker(address);
    this.#worker.addEventListener("message", (event) => this.#answered(event.data));
    this.#worker.addEventListener("error", () => this.#giveUpWorker());
  }

  /** @param {EncodeAnswer} answer */
  #answered({ id, bytes, fault }) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (bytes) waiting?.resolve(bytes);
    else waiting?.reject(new Error(fault));
  }

  #giveUpWorker() {
    this.#worker?.terminate();
    this.#worker = null;
    for (const { reject } of this.#waiting.values()) reject(new Error("the worker stopped"));
    this.#waiting.clear();
  }

  /**
   * Return a frame and its size; throw where the picture cannot be read just now.
   *
   * @param {HTMLVideoElement} video
   * @param {{ side: number, quality: number }} limits pixels of the longer side, and JPEG quality from 0 to 1
   */
  async frame(video, { side, quality }) {
    const size = sizeWithin(video, side);
    if (!size.width || !size.height || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) {
      throw new Error("no picture yet");
    }
    return { bytes: await this.#bytes(video, size, quality), ...size };
  }

  /**
   * Encode in the worker; where that fails after all (Safari's versions differ), in the page from then on.
   *
   * @param {HTMLVideoElement} video
   * @param {Size} size
   * @param {number} quality
   */
  async #bytes(video, size, quality) {
    if (this.#worker) {
      try {
        return await this.#encodeInWorker(this.#worker, video, size, quality);
      } catch {
        this.#giveUpWorker();
      }
    }
    return this.#encodeInPage(video, size, quality);
  }

  /**
   * @param {Worker} worker
   * @param {HTMLVideoElement} video
   * @param {Size} size
   * @param {number} quality
   * @returns {Promise<ArrayBuffer>}
   */
  async #encodeInWorker(worker, video, size, quality) {
    const picture = await createImageBitmap(video);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error("the worker does not answer")), WORKER_TIMEOUT_MS);
      this.#waiting.set(id, {
        resolve: (bytes) => {
          clearTimeout(late);
          resolve(bytes);
        },
        reject: (error) => {
          clearTimeout(late);
          reject(error);
        },
      });
      /** @type {EncodeRequest} */
      const request = { id, picture, quality, ...size };
      worker.postMessage(request, [picture]);
    });
  }

  /**
   * @param {HTMLVideoElement} video
   * @param {Size} size
   * @param {number} quality
   */
  async #encodeInPage(video, { width, height }, quality) {
    this.#canvas ??= document.createElement("canvas");
    const canvas = this.#canvas;
    Object.assign(canvas, { width, height });
    contextOf(canvas, { alpha: false }).drawImage(video, 0, 0, width, height);
    /** @type {Blob | null} */
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
    if (!blob) throw new Error("no picture yet");
    return blob.arrayBuffer();
  }
}
