// A worker that turns pictures into JPEG, so that the page's own thread never waits for it.

let canvas = null;

self.addEventListener("message", async ({ data: { id, picture, quality } }) => {
  try {
    canvas ??= new OffscreenCanvas(picture.width, picture.height);
    if (canvas.width !== picture.width) canvas.width = picture.width;
    if (canvas.height !== picture.height) canvas.height = picture.height;
    canvas.getContext("2d", { alpha: false }).drawImage(picture, 0, 0);
    picture.close();
    const blob = await canvas.convertToBlob({ type: "image/jpeg", quality });
    const bytes = await blob.arrayBuffer();
    self.postMessage({ id, bytes }, [bytes]);
  } catch (fault) {
    self.postMessage({ id, fault: String(fault) });
  }
});
