// A frame of the video as JPEG bytes, off the main thread where the browser can.

const HAS_PICTURE = 2;
const PATIENCE = 3000;

const hasWorker = () =>
  Boolean(
    globalThis.Worker && globalThis.OffscreenCanvas?.prototype.convertToBlob && globalThis.createImageBitmap,
  );

function sizeWithin(video, side) {
  const { videoWidth: width, videoHeight: height } = video;
  const scale = Math.min(1, side / Math.max(width, height));
  return { width: Math.round(width * scale), height: Math.round(height * scale) };
}

export class Encoder {
  #worker = null;
  #waiting = new Map();
  #canvas = null;
  #next = 0;

  constructor(address) {
    if (!address || !hasWorker()) return;
    this.#worker = new Worker(address);
    this.#worker.addEventListener("message", ({ data }) => {
      const { resolve, reject } = this.#waiting.get(data.id) ?? {};
      if (!this.#waiting.delete(data.id)) return;
      if (data.fault) reject(new Error(data.fault));
      else resolve(data.bytes);
    });
    this.#worker.addEventListener("error", () => this.#withoutWorker());
  }

  #withoutWorker() {
    this.#worker?.terminate();
    this.#worker = null;
    for (const { reject } of this.#waiting.values()) reject(new Error("the worker stopped"));
    this.#waiting.clear();
  }

  /** Resolves to `{ bytes, width, height }`; rejects where the picture cannot be read just now. */
  async frame(video, { side, quality }) {
    const size = sizeWithin(video, side);
    if (!size.width || !size.height || video.readyState < HAS_PICTURE) throw new Error("no picture yet");
    return { bytes: await this.#bytes(video, size, quality), ...size };
  }

  /** By the worker; a browser in which that does not work after all (Safari's have differed) does it here from then on. */
  async #bytes(video, size, quality) {
    if (this.#worker) {
      try {
        return await this.#away(video, size, quality);
      } catch {
        this.#withoutWorker();
      }
    }
    return this.#here(video, size, quality);
  }

  async #away(video, size, quality) {
    const picture = await createImageBitmap(video);
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error("the worker does not answer")), PATIENCE);
      const settled = (settle) => (value) => {
        clearTimeout(late);
        settle(value);
      };
      this.#waiting.set(id, { resolve: settled(resolve), reject: settled(reject) });
      this.#worker.postMessage({ id, picture, quality, ...size }, [picture]);
    });
  }

  async #here(video, { width, height }, quality) {
    this.#canvas ??= document.createElement("canvas");
    Object.assign(this.#canvas, { width, height });
    this.#canvas.getContext("2d", { alpha: false }).drawImage(video, 0, 0, width, height);
    const blob = await new Promise((resolve) => this.#canvas.toBlob(resolve, "image/jpeg", quality));
    if (!blob) throw new Error("no picture yet");
    return blob.arrayBuffer();
  }
}
