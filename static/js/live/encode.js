// A frame of the video as JPEG bytes, off the main thread where the browser can.

const hasWorker = () => Boolean(globalThis.OffscreenCanvas?.prototype.convertToBlob && globalThis.createImageBitmap);

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
      const { resolve, reject } = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if (data.fault) reject(new Error(data.fault));
      else resolve(data.bytes);
    });
    this.#worker.addEventListener("error", () => this.#withoutWorker());
  }

  #withoutWorker() {
    this.#worker = null;
    for (const { reject } of this.#waiting.values()) reject(new Error("the worker stopped"));
    this.#waiting.clear();
  }

  /** Resolves to `{ bytes, width, height }`; rejects where the picture cannot be read just now. */
  async frame(video, { side, quality }) {
    const size = sizeWithin(video, side);
    if (!size.width || !size.height) throw new Error("no picture yet");
    const bytes = this.#worker ? await this.#away(video, size, quality) : await this.#here(video, size, quality);
    return { bytes, ...size };
  }

  async #away(video, { width, height }, quality) {
    const picture = await createImageBitmap(video, { resizeWidth: width, resizeHeight: height, resizeQuality: "medium" });
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, picture, quality }, [picture]);
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
