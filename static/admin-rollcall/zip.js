// One member out of a ZIP that the person chose, so that a refused photograph can be sent again without all the others.
// Only the directory is read at once. What is unusual (encrypted, ZIP64, other packing, a name that comes twice) is not
// offered: then the person chooses the photograph itself.

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

/** @typedef {{ packing: number, length: number, start: number }} Member */

/** @param {File} file */
export const isZip = (file) => file.name.toLowerCase().endsWith(".zip");

/** @param {Blob} blob */
async function viewOf(blob) {
  return new DataView(await blob.arrayBuffer());
}

/**
 * Return the directory, and how many members it names; null where this is no ZIP.
 *
 * @param {File} file
 */
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

/**
 * Return the members that can be taken out, by name.
 *
 * @param {File} file
 * @returns {Promise<Map<string, Member>>}
 */
export async function membersOf(file) {
  /** @type {Map<string, Member>} */
  const members = new Map();
  if (typeof DecompressionStream !== "function") return members;
  const directory = await directoryOf(file);
  if (!directory) return members;
  const { count, bytes } = directory;
  /** @type {Set<string>} */
  const repeated = new Set();
  for (let at = 0, number = 0; number < count && at + MEMBER_BYTES <= bytes.byteLength; number += 1) {
    if (bytes.getUint32(at, true) !== MEMBER) return new Map();
    const flags = bytes.getUint16(at + 8, true);
    const packing = bytes.getUint16(at + 10, true);
    const length = bytes.getUint32(at + 20, true);
    const nameLength = bytes.getUint16(at + 28, true);
    const start = bytes.getUint32(at + 42, true);
    const raw = new Uint8Array(bytes.buffer, at + MEMBER_BYTES, nameLength);
    const name = new TextDecoder(flags & UTF8 ? "utf-8" : "latin1").decode(raw);
    if (members.has(name)) repeated.add(name);
    if (!(flags & ENCRYPTED) && [STORED, DEFLATED].includes(packing) && length !== ZIP64 && start !== ZIP64) {
      members.set(name, { packing, length, start });
    }
    at += MEMBER_BYTES + nameLength + bytes.getUint16(at + 30, true) + bytes.getUint16(at + 32, true);
  }
  for (const name of repeated) members.delete(name);
  return members;
}

/**
 * Return a member as a file of its own.
 *
 * @param {File} file
 * @param {string} name
 * @param {Member} member
 */
export async function takeOut(file, name, { packing, length, start }) {
  const header = await viewOf(file.slice(start, start + HEADER_BYTES));
  const from = start + HEADER_BYTES + header.getUint16(26, true) + header.getUint16(28, true);
  const packed = file.slice(from, from + length);
  const stream = packed.stream();
  const plain = packing === STORED ? stream : stream.pipeThrough(new DecompressionStream("deflate-raw"));
  return new File([await new Response(plain).blob()], name.split("/").pop() ?? name);
}
