// A worker that turns pictures into JPEG, so that the page's own thread never waits for it.

const scope = /** @type {EncoderScope} */ (/** @type {unknown} */ (self));

/** @type {OffscreenCanvas | null} */
let canvas = null;

scope.addEventListener("message", async ({ data: { id, picture, quality, width, height } }) => {
  try {
    canvas ??= new OffscreenCanvas(width, height);
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    canvas.getContext("2d", { alpha: false })?.drawImage(picture, 0, 0, width, height);
    picture.close();
    const blob = await canvas.convertToBlob({ type: "image/jpeg", quality });
    const bytes = await blob.arrayBuffer();
    scope.postMessage({ id, bytes }, [bytes]);
  } catch (error) {
    scope.postMessage({ id, fault: String(error) });
  }
});
