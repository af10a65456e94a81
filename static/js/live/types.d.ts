// The worker that encodes frames

interface EncodeRequest extends Size {
  id: number;
  picture: ImageBitmap;
  quality: number;
}

interface EncodeAnswer {
  id: number;
  bytes?: ArrayBuffer;
  fault?: string;
}

/** Of a dedicated worker's scope what is used here; the library's own type excludes that of pages. */
interface EncoderScope {
  addEventListener(name: "message", listener: (event: MessageEvent<EncodeRequest>) => void): void;
  postMessage(answer: EncodeAnswer, transfer?: Transferable[]): void;
}
