// Boxes over the video. They glide from answer to answer; state is told by shape and words, colour only helps.

import { _ } from "../core/text.js";
import { visitorWords } from "./visitors.js";

const STYLES = {
  recognised: { colour: "#57d993", dash: [], mark: "✓" },
  confirming: { colour: "#9cc3ff", dash: [10, 7], mark: "…" },
  uncertain: { colour: "#ffc861", dash: [3, 5], mark: "?" },
  unknown: { colour: "#e6e8ec", corners: true, dash: [], mark: "" },
  visitor: { colour: "#d9b8ff", corners: true, dash: [], mark: "?" },
  unavailable: { colour: "#e6e8ec", dash: [2, 8], mark: "" },
};
const WORDS = () => ({
  confirming: _("one moment"),
  uncertain: _("please decide"),
  unknown: _("not recognised"),
  visitor: _("of another class?"),
  unavailable: _("names away"),
});
const GLIDE = 0.09; // seconds after which two thirds of the way to the new place are done
const FADE = 0.25;
/** Seconds that a face wears the large tick of a new mark; who was marked before only has the small one by the name. */
const TICKED = 1.5;
/** Without any answer for this long nobody knows where a face is: a name over the wrong head is worse than none. */
const STALE = 1;
/** Seconds by which a box may run ahead of the last answer, in the direction in which the face moves. */
const LEAD = 0.3;
const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Overlay {
  #canvas;
  #video;
  #tracks = new Map();
  #frame = { width: 16, height: 9 };
  #last = 0;
  #drawing = false;
  #ticked = new Map();

  constructor(canvas, video) {
    this.#canvas = canvas;
    this.#video = video;
    this.words = WORDS();
    this.family = getComputedStyle(document.body).fontFamily;
  }

  /** The faces of one answer, in pixels of the frame that was sent. */
  show(faces, frame) {
    if (frame) this.#frame = frame;
    const now = performance.now() / 1000;
    for (const face of faces) {
      const old = this.#tracks.get(face.track);
      const box = old && !still.matches ? old.box : [...face.box];
      this.#tracks.set(face.track, {
        ...face,
        target: face.box,
        speed: speedOf(old, face.box, now),
        box,
        seen: now,
      });
    }
    const there = new Set(faces.map((face) => face.track));
    for (const [id, track] of this.#tracks) if (!there.has(id)) track.gone ??= now;
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

  /** This student has just been marked. */
  tick(studentId) {
    this.#ticked.set(studentId, performance.now() / 1000);
  }

  #draw(now) {
    const share = 1 - Math.exp(-Math.max(0, now - this.#last) / GLIDE);
    this.#last = now;
    const pen = this.#fit();
    for (const [id, track] of this.#tracks) {
      if (now - track.seen > STALE) track.gone ??= now;
      if (track.gone && now - track.gone > FADE) this.#tracks.delete(id);
      const lead = Math.min(now - track.seen, LEAD);
      track.box = track.box.map(
        (from, side) => from + (track.target[side] + track.speed[side % 2] * lead - from) * share,
      );
    }
    const place = this.#place();
    const placed = [];
    for (const track of this.#tracks.values()) this.#one(pen, track, place, placed, now);
    if (this.#tracks.size) requestAnimationFrame((time) => this.#draw(time / 1000));
    else this.#drawing = false;
  }

  #fit() {
    const ratio = Math.min(devicePixelRatio || 1, 2);
    const { clientWidth, clientHeight } = this.#canvas;
    const [width, height] = [Math.round(clientWidth * ratio), Math.round(clientHeight * ratio)];
    if (this.#canvas.width !== width || this.#canvas.height !== height)
      Object.assign(this.#canvas, { width, height });
    const pen = this.#canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, clientWidth, clientHeight);
    return pen;
  }

  /** Where the picture lies inside the element ("contain"), and how large it is drawn. */
  #place() {
    const { clientWidth, clientHeight } = this.#canvas;
    const scale = Math.min(clientWidth / this.#frame.width, clientHeight / this.#frame.height);
    return {
      scale,
      width: clientWidth,
      height: clientHeight,
      left: (clientWidth - this.#frame.width * scale) / 2,
      top: (clientHeight - this.#frame.height * scale) / 2,
      mirrored: this.#video.classList.contains("mirrored"),
    };
  }

  #one(pen, track, place, placed, now) {
    let [left, top, right, bottom] = track.box;
    if (place.mirrored) [left, right] = [this.#frame.width - right, this.#frame.width - left];
    const x = place.left + left * place.scale;
    const y = place.top + top * place.scale;
    const width = (right - left) * place.scale;
    const height = (bottom - top) * place.scale;
    const style = STYLES[track.state] ?? STYLES.unknown;
    pen.globalAlpha = track.gone ? Math.max(0, 1 - (now - track.gone) / FADE) : 1;
    for (const [colour, thick] of [
      ["rgb(0 0 0 / 55%)", 6],
      [style.colour, 3],
    ]) {
      pen.strokeStyle = colour;
      pen.lineWidth = thick;
      pen.setLineDash(style.dash);
      pen.beginPath();
      if (style.corners) corners(pen, x, y, width, height);
      else rounded(pen, x, y, width, height, 10);
      pen.stroke();
    }
    pen.setLineDash([]);
    if (now - (this.#ticked.get(track.student?.id) ?? -Infinity) < TICKED)
      tick(pen, x, y, width, height, style.colour);
    this.#label(pen, track, style, { x, y, width, height }, place, placed);
    pen.globalAlpha = 1;
  }

  #label(pen, track, style, box, place, placed) {
    const words =
      track.state === "recognised"
        ? track.student?.name
        : (visitorWords(track.visitor) ?? this.words[track.state]);
    if (!words) return;
    const size = Math.max(15, Math.min(34, place.width / 34));
    const weight = track.state === "recognised" ? 700 : 550;
    pen.font = `${weight} ${size}px ${this.family}`;
    const text = style.mark ? `${style.mark} ${words}` : words;
    const width = Math.min(pen.measureText(text).width + size, place.width - 4);
    const height = size * 1.6;
    const x = Math.max(2, Math.min(box.x + box.width / 2 - width / 2, place.width - width - 2));
    const isFree = (y) =>
      y >= 2 &&
      y + height <= place.height - 2 &&
      !placed.some((p) => x < p.x + p.width && p.x < x + width && y < p.y + p.height && p.y < y + height);
    const below = box.y + box.height + 6;
    const above = box.y - height - 6;
    // Without room near its face a label would lie on another's; a name is never left out, and a box tells its state by shape.
    const y =
      [below, below + height, above, above - height].find(isFree) ??
      (track.state === "recognised" ? Math.max(2, Math.min(below, place.height - height - 2)) : null);
    if (y === null) return;
    placed.push({ x, y, width, height });
    pen.fillStyle = track.state === "recognised" ? style.colour : "rgb(11 14 19 / 82%)";
    pen.beginPath();
    rounded(pen, x, y, width, height, height / 4);
    pen.fill();
    pen.fillStyle = track.state === "recognised" ? "#06240f" : style.colour;
    pen.textBaseline = "middle";
    pen.textAlign = "center";
    pen.fillText(text, x + width / 2, y + height / 2 + 1, width - size / 2);
  }
}

/** Pixels per second of a box's middle, across and down; nothing where the face has just appeared. */
function speedOf(old, box, now) {
  if (!old || still.matches) return [0, 0];
  const seconds = Math.max(0.05, now - old.seen);
  return [0, 1].map((axis) => {
    const moved = (box[axis] + box[axis + 2] - old.target[axis] - old.target[axis + 2]) / 2;
    return 0.5 * old.speed[axis] + (0.5 * moved) / seconds;
  });
}

function tick(pen, x, y, width, height, colour) {
  const size = Math.min(width, height) * 0.5;
  const [left, top] = [x + (width - size) / 2, y + (height - size) / 2];
  for (const [shade, thick] of [
    ["rgb(0 0 0 / 55%)", size / 4],
    [colour, size / 6],
  ]) {
    pen.strokeStyle = shade;
    pen.lineWidth = thick;
    pen.beginPath();
    pen.moveTo(left, top + size * 0.55);
    pen.lineTo(left + size * 0.37, top + size * 0.9);
    pen.lineTo(left + size, top + size * 0.15);
    pen.stroke();
  }
}

function corners(pen, x, y, width, height) {
  const arm = Math.min(width, height) * 0.25;
  for (const [px, py, dx, dy] of [
    [x, y, 1, 1],
    [x + width, y, -1, 1],
    [x, y + height, 1, -1],
    [x + width, y + height, -1, -1],
  ]) {
    pen.moveTo(px + dx * arm, py);
    pen.lineTo(px, py);
    pen.lineTo(px, py + dy * arm);
  }
}

function rounded(pen, x, y, width, height, radius) {
  if (pen.roundRect) pen.roundRect(x, y, width, height, radius);
  else pen.rect(x, y, width, height);
}
