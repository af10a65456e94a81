// One member out of a ZIP that the person chose, so that a picture held back can be sent again without all the others.
// Only the directory is read at once. What is unusual (encrypted, ZIP64, other packing, a name that comes twice) is not
// offered: then the person chooses the picture itself.

const END = 0x06054b50;
const MEMBER = 0x02014b50;
const END_BYTES = 22;
const MEMBER_BYTES = 46;
const HEADER_BYTES = 30;
const LONGEST_COMMENT = 65535;
const ENCRYPTED = 1;
const UTF8 = 1 << 11;
const STORED = 0;
const DEFLATED = 8;
const ZIP64 = 0xffffffff;

export const isZip = (file) => file.name.toLowerCase().endsWith(".zip");

async function viewOf(blob) {
  return new DataView(await blob.arrayBuffer());
}

/** Where the directory lies, and how many members it names; null where this is no ZIP. */
async function directoryOf(file) {
  const tail = await viewOf(file.slice(Math.max(0, file.size - END_BYTES - LONGEST_COMMENT)));
  for (let at = tail.byteLength - END_BYTES; at >= 0; at -= 1) {
    if (tail.getUint32(at, true) !== END) continue;
    const start = tail.getUint32(at + 16, true);
    const length = tail.getUint32(at + 12, true);
    return { count: tail.getUint16(at + 10, true), bytes: await viewOf(file.slice(start, start + length)) };
  }
  return null;
}

/** The members that can be taken out, by name. */
export async function membersOf(file) {
  const found = new Map();
  if (typeof DecompressionStream !== "function") return found;
  const directory = await directoryOf(file);
  if (!directory) return found;
  const { count, bytes } = directory;
  const twice = new Set();
  for (let at = 0, number = 0; number < count && at + MEMBER_BYTES <= bytes.byteLength; number += 1) {
    if (bytes.getUint32(at, true) !== MEMBER) return new Map();
    const flags = bytes.getUint16(at + 8, true);
    const packing = bytes.getUint16(at + 10, true);
    const length = bytes.getUint32(at + 20, true);
    const named = bytes.getUint16(at + 28, true);
    const start = bytes.getUint32(at + 42, true);
    const raw = new Uint8Array(bytes.buffer, at + MEMBER_BYTES, named);
    const name = new TextDecoder(flags & UTF8 ? "utf-8" : "latin1").decode(raw);
    if (found.has(name)) twice.add(name);
    if (!(flags & ENCRYPTED) && [STORED, DEFLATED].includes(packing) && length !== ZIP64 && start !== ZIP64) {
      found.set(name, { packing, length, start });
    }
    at += MEMBER_BYTES + named + bytes.getUint16(at + 30, true) + bytes.getUint16(at + 32, true);
  }
  for (const name of twice) found.delete(name);
  return found;
}

/** The picture itself, as a file of its own. */
export async function takeOut(file, name, { packing, length, start }) {
  const header = await viewOf(file.slice(start, start + HEADER_BYTES));
  const from = start + HEADER_BYTES + header.getUint16(26, true) + header.getUint16(28, true);
  const packed = file.slice(from, from + length);
  const stream = packed.stream();
  const plain = packing === STORED ? stream : stream.pipeThrough(new DecompressionStream("deflate-raw"));
  return new File([await new Response(plain).blob()], name.split("/").pop());
}
