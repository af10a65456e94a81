// Boxes over the video. They move smoothly from answer to answer; the state shows in shape and words, colour only helps.

import { contextOf } from "../core/dom.js";
import { _ } from "../core/text.js";
import { drawBox, drawCorners, drawTick, roundedPath } from "./shapes.js";
import { visitorQuestion } from "./visitors.js";

/**
 * @typedef {{ colour: string, dash: number[], mark: string, corners?: boolean }} Style
 * @typedef {Pick<DOMRect, "x" | "y" | "width" | "height">} Rectangle
 * @typedef {{ scale: number, width: number, height: number, left: number, top: number, mirrored: boolean }} Place
 */

/**
 * A face as it is drawn: where its box is now, where it moves to and how fast, and when it was seen (seconds).
 *
 * @typedef {RecognisedFace & { target: Box, speed: [number, number], seen: number, gone?: number }} Track
 */

/** @type {Record<Exclude<FaceState, "too_far">, Style>} */
const STYLES = {
  recognised: { colour: "#57d993", dash: [], mark: "✓" },
  confirming: { colour: "#9cc3ff", dash: [10, 7], mark: "…" },
  uncertain: { colour: "#ffc861", dash: [3, 5], mark: "?" },
  unknown: { colour: "#e6e8ec", corners: true, dash: [], mark: "" },
  visitor: { colour: "#d9b8ff", corners: true, dash: [], mark: "?" },
  unavailable: { colour: "#e6e8ec", dash: [2, 8], mark: "" },
};

/** @returns {Partial<Record<FaceState, string>>} */
const labelsOfStates = () => ({
  confirming: _("checking"),
  uncertain: _("needs your decision"),
  unknown: _("not recognised"),
  visitor: _("of another class?"),
  unavailable: _("names unavailable"),
});

// Seconds after which two thirds of the way to the new place are done.
const SMOOTHING = 0.09;
const FADE = 0.25;
// Seconds that a face has the large tick of a new mark; who was marked before only has the small one by the name.
const TICKED = 1.5;
// Without any answer for this long nobody knows where a face is: a name over the wrong head is worse than none.
const STALE = 1;
// Seconds by which a box may run ahead of the last answer, in the direction in which the face moves.
const LEAD = 0.3;
const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

export class Overlay {
  #canvas;
  #video;
  /** @type {Map<number, Track>} */
  #tracks = new Map();
  /** @type {Size} */
  #frame = { width: 16, height: 9 };
  #last = 0;
  #drawing = false;
  /**
   * When each student was marked, in seconds.
   *
   * @type {Map<string, number>}
   */
  #ticked = new Map();

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {HTMLVideoElement} video
   */
  constructor(canvas, video) {
    this.#canvas = canvas;
    this.#video = video;
    this.labels = labelsOfStates();
    this.family = getComputedStyle(document.body).fontFamily;
  }

  /**
   * Show the faces of one answer, in pixels of the frame that was sent.
   *
   * @param {RecognisedFace[]} faces
   * @param {Size | undefined} frame
   */
  show(faces, frame) {
    if (frame) this.#frame = frame;
    const now = performance.now() / 1000;
    for (const face of faces) {
      const old = this.#tracks.get(face.track);
      /** @type {Box} */
      const box = old && !reducedMotion.matches ? old.box : [...face.box];
      const speed = speedOf(old, face.box, now);
      this.#tracks.set(face.track, { ...face, target: face.box, speed, box, seen: now });
    }
    const present = new Set(faces.map((face) => face.track));
    for (const [id, track] of this.#tracks) if (!present.has(id)) track.gone ??= now;
    if (!this.#drawing) {
      this.#drawing = true;
      this.#last = now;
      requestAnimationFrame((time) => this.#draw(time / 1000));
    }
  }

  clear() {
    this.#tracks.clear();
    this.#ticked.clear();
  }

  /**
   * This student has just been marked.
   *
   * @param {string} studentId
   */
  tick(studentId) {
    this.#ticked.set(studentId, performance.now() / 1000);
  }

  /** @param {number} now seconds */
  #draw(now) {
    const share = 1 - Math.exp(-Math.max(0, now - this.#last) / SMOOTHING);
    this.#last = now;
    const context = this.#prepare();
    for (const [id, track] of this.#tracks) {
      if (now - track.seen > STALE) track.gone ??= now;
      if (track.gone && now - track.gone > FADE) this.#tracks.delete(id);
      move(track, now, share);
    }
    const place = this.#place();
    /** @type {Rectangle[]} */
    const labels = [];
    for (const track of this.#tracks.values()) this.#drawTrack(context, track, place, labels, now);
    if (this.#tracks.size) requestAnimationFrame((time) => this.#draw(time / 1000));
    else this.#drawing = false;
  }

  /** Return the context of the canvas, emptied and in the size of its element. */
  #prepare() {
    const ratio = Math.min(devicePixelRatio || 1, 2);
    const { clientWidth, clientHeight } = this.#canvas;
    const [width, height] = [Math.round(clientWidth * ratio), Math.round(clientHeight * ratio)];
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      Object.assign(this.#canvas, { width, height });
    }
    const context = contextOf(this.#canvas);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, clientWidth, clientHeight);
    return context;
  }

  /**
   * Return where the frame lies inside the element ("contain"), and how large it is drawn.
   *
   * @returns {Place}
   */
  #place() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const scale = Math.min(width / this.#frame.width, height / this.#frame.height);
    return {
      scale,
      width,
      height,
      left: (width - this.#frame.width * scale) / 2,
      top: (height - this.#frame.height * scale) / 2,
      mirrored: this.#video.classList.contains("mirrored"),
    };
  }

  /**
   * Return where a track's box lies on the canvas.
   *
   * @param {Track} track
   * @param {Place} place
   * @returns {Rectangle}
   */
  #rectangle(track, place) {
    let [left, top, right, bottom] = track.box;
    if (place.mirrored) [left, right] = [this.#frame.width - right, this.#frame.width - left];
    return {
      x: place.left + left * place.scale,
      y: place.top + top * place.scale,
      width: (right - left) * place.scale,
      height: (bottom - top) * place.scale,
    };
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Track} track
   * @param {Place} place
   * @param {Rectangle[]} labels those that are drawn already
   * @param {number} now seconds
   */
  #drawTrack(context, track, place, labels, now) {
    const rectangle = this.#rectangle(track, place);
    const style = track.state === "too_far" ? STYLES.unknown : (STYLES[track.state] ?? STYLES.unknown);
    context.globalAlpha = track.gone ? Math.max(0, 1 - (now - track.gone) / FADE) : 1;
    if (style.corners) drawCorners(context, rectangle, style);
    else drawBox(context, rectangle, style);
    const tickedAt = this.#ticked.get(track.student?.id ?? "");
    if (tickedAt !== undefined && now - tickedAt < TICKED) drawTick(context, rectangle, style.colour);
    this.#drawLabel(context, track, style, rectangle, place, labels);
    context.globalAlpha = 1;
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Track} track
   * @param {Style} style
   * @param {Rectangle} box
   * @param {Place} place
   * @param {Rectangle[]} labels
   */
  #drawLabel(context, track, style, box, place, labels) {
    const isRecognised = track.state === "recognised";
    const label = isRecognised
      ? track.student?.name
      : (visitorQuestion(track.visitor) ?? this.labels[track.state]);
    if (!label) return;
    const size = Math.max(15, Math.min(34, place.width / 34));
    context.font = `${isRecognised ? 700 : 550} ${size}px ${this.family}`;
    const text = style.mark ? `${style.mark} ${label}` : label;
    const width = Math.min(context.measureText(text).width + size, place.width - 4);
    const height = size * 1.6;
    const x = Math.max(2, Math.min(box.x + box.width / 2 - width / 2, place.width - width - 2));
    const y = freeHeight({ x, width, height }, box, place, labels, isRecognised);
    if (y === null) return;
    labels.push({ x, y, width, height });
    context.fillStyle = isRecognised ? style.colour : "rgb(11 14 19 / 82%)";
    context.beginPath();
    roundedPath(context, { x, y, width, height }, height / 4);
    context.fill();
    context.fillStyle = isRecognised ? "#06240f" : style.colour;
    context.textBaseline = "middle";
    context.textAlign = "center";
    context.fillText(text, x + width / 2, y + height / 2 + 1, width - size / 2);
  }
}

/**
 * Move a track's box a share of the way to where the face is by now.
 *
 * @param {Track} track
 * @param {number} now seconds
 * @param {number} share from 0 to 1
 */
function move(track, now, share) {
  const lead = Math.min(now - track.seen, LEAD);
  const [across, down] = track.speed;
  const { box, target } = track;
  /** @param {number} from @param {number} to */
  const between = (from, to) => from + (to - from) * share;
  track.box = [
    between(box[0], target[0] + across * lead),
    between(box[1], target[1] + down * lead),
    between(box[2], target[2] + across * lead),
    between(box[3], target[3] + down * lead),
  ];
}

/**
 * Return the height at which a label lies on no other, or null where it is left out: then its box shows the state by
 * shape. A name is never left out.
 *
 * @param {Omit<Rectangle, "y">} label
 * @param {Rectangle} box of the face
 * @param {Place} place
 * @param {Rectangle[]} labels those that are drawn already
 * @param {boolean} isName
 */
function freeHeight({ x, width, height }, box, place, labels, isName) {
  /** @param {Rectangle} other @param {number} y */
  const overlaps = (other, y) =>
    x < other.x + other.width && other.x < x + width && y < other.y + other.height && other.y < y + height;
  /** @param {number} y */
  const isFree = (y) =>
    y >= 2 && y + height <= place.height - 2 && !labels.some((other) => overlaps(other, y));
  const below = box.y + box.height + 6;
  const above = box.y - height - 6;
  const free = [below, below + height, above, above - height].find(isFree);
  if (free !== undefined) return free;
  return isName ? Math.max(2, Math.min(below, place.height - height - 2)) : null;
}

/**
 * Return the pixels per second of a box's middle, across and down; zeros where the face has just appeared.
 *
 * @param {Track | undefined} old
 * @param {Box} box
 * @param {number} now seconds
 * @returns {[number, number]}
 */
function speedOf(old, box, now) {
  if (!old || reducedMotion.matches) return [0, 0];
  const seconds = Math.max(0.05, now - old.seen);
  /** @param {number} moved @param {number} speed */
  const smoothed = (moved, speed) => 0.5 * speed + (0.5 * moved) / seconds;
  const [left, top, right, bottom] = box;
  const [oldLeft, oldTop, oldRight, oldBottom] = old.target;
  return [
    smoothed((left + right - oldLeft - oldRight) / 2, old.speed[0]),
    smoothed((top + bottom - oldTop - oldBottom) / 2, old.speed[1]),
  ];
}
