// How bright and how sharp the camera's picture is as a whole.

import { contextOf } from "../core/dom.js";

// Longer side in pixels to which the picture is scaled, so that the limits for faces apply to it too.
const SIDE = 320;

/**
 * Return the light of a video's picture, from 0 to 1, and its sharpness, the variance of its Laplacian.
 *
 * @param {HTMLVideoElement} video
 */
export function measure(video) {
  const canvas = document.createElement("canvas");
  const scale = SIDE / Math.max(video.videoWidth, video.videoHeight);
  canvas.width = Math.max(3, Math.round(video.videoWidth * scale));
  canvas.height = Math.max(3, Math.round(video.videoHeight * scale));
  const context = contextOf(canvas, { willReadFrequently: true });
  context.drawImage(video, 0, 0, canvas.width, canvas.height);
  const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height);
  const grey = new Float32Array(width * height);
  let sum = 0;
  for (let i = 0; i < grey.length; i++) {
    grey[i] = 0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2];
    sum += grey[i];
  }
  return { light: sum / grey.length / 255, sharpness: laplacianVariance(grey, width, height) };
}

/**
 * @param {Float32Array} grey
 * @param {number} width
 * @param {number} height
 */
function laplacianVariance(grey, width, height) {
  let [sum, squares, count] = [0, 0, 0];
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const i = y * width + x;
      const edge = 4 * grey[i] - grey[i - 1] - grey[i + 1] - grey[i - width] - grey[i + width];
      sum += edge;
      squares += edge * edge;
      count++;
    }
  }
  return squares / count - (sum / count) ** 2;
}
