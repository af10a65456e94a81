// Shapes that are drawn over the video.

/** @typedef {Pick<DOMRect, "x" | "y" | "width" | "height">} Rectangle */

// Under each line lies a wider dark one, so that it shows on any picture.
const SHADOW = "rgb(0 0 0 / 55%)";
const LINE_WIDTH = 3;
const RADIUS = 10;

/**
 * Draw a rounded box.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Rectangle} rectangle
 * @param {{ colour: string, dash: number[] }} style
 */
export function drawBox(context, rectangle, style) {
  stroke(context, style, () => roundedPath(context, rectangle, RADIUS));
}

/**
 * Draw the four corners of a box.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Rectangle} rectangle
 * @param {{ colour: string, dash: number[] }} style
 */
export function drawCorners(context, rectangle, style) {
  stroke(context, style, () => cornersPath(context, rectangle));
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {{ colour: string, dash: number[] }} style
 * @param {() => void} path
 */
function stroke(context, { colour, dash }, path) {
  context.setLineDash(dash);
  for (const [shade, width] of /** @type {const} */ ([
    [SHADOW, 2 * LINE_WIDTH],
    [colour, LINE_WIDTH],
  ])) {
    context.strokeStyle = shade;
    context.lineWidth = width;
    context.beginPath();
    path();
    context.stroke();
  }
  context.setLineDash([]);
}

/**
 * Draw a large tick in the middle of a box.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Rectangle} rectangle
 * @param {string} colour
 */
export function drawTick(context, { x, y, width, height }, colour) {
  const size = Math.min(width, height) * 0.5;
  const [left, top] = [x + (width - size) / 2, y + (height - size) / 2];
  for (const [shade, thickness] of /** @type {const} */ ([
    [SHADOW, size / 4],
    [colour, size / 6],
  ])) {
    context.strokeStyle = shade;
    context.lineWidth = thickness;
    context.beginPath();
    context.moveTo(left, top + size * 0.55);
    context.lineTo(left + size * 0.37, top + size * 0.9);
    context.lineTo(left + size, top + size * 0.15);
    context.stroke();
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Rectangle} rectangle
 */
function cornersPath(context, { x, y, width, height }) {
  const arm = Math.min(width, height) * 0.25;
  for (const [cornerX, cornerY, across, down] of /** @type {const} */ ([
    [x, y, 1, 1],
    [x + width, y, -1, 1],
    [x, y + height, 1, -1],
    [x + width, y + height, -1, -1],
  ])) {
    context.moveTo(cornerX + across * arm, cornerY);
    context.lineTo(cornerX, cornerY);
    context.lineTo(cornerX, cornerY + down * arm);
  }
}

/**
 * Add a rounded rectangle to the path; a plain one where the browser has none.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Rectangle} rectangle
 * @param {number} radius
 */
export function roundedPath(context, { x, y, width, height }, radius) {
  if (typeof context.roundRect === "function") context.roundRect(x, y, width, height, radius);
  else context.rect(x, y, width, height);
}
