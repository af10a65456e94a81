// Marks made by hand while the network was away. They lie in IndexedDB, encrypted under a key that no script can
// read out, and are sent once each: the nonce makes a repetition harmless. Never a picture.

const NAME = "rollcall";
const canSeal = () => Boolean(globalThis.crypto?.subtle && globalThis.indexedDB);

const promised = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

export const nonce = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

export class Queue {
  #base = null;
  #memory = new Map();
  #scope;
  #seals = canSeal();

  /** `scope` is the person and the session: nobody sends another's marks. */
  constructor(scope) {
    this.#scope = scope;
  }

  /** Some browsers have the store and refuse it (private windows, no room): then this page's memory is all there is. */
  async #stored(work) {
    if (!this.#seals) return null;
    try {
      return await work();
    } catch {
      this.#seals = false;
      return null;
    }
  }

  async #store(kind, mode) {
    this.#base ??= (() => {
      const opening = indexedDB.open(NAME, 1);
      opening.onupgradeneeded = () => {
        opening.result.createObjectStore("keys");
        opening.result.createObjectStore("marks", { keyPath: "nonce" });
      };
      return promised(opening);
    })();
    return (await this.#base).transaction(kind, mode).objectStore(kind);
  }

  async #key() {
    const found = await promised((await this.#store("keys", "readonly")).get("marks"));
    if (found) return found;
    const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, [
      "encrypt",
      "decrypt",
    ]);
    await promised((await this.#store("keys", "readwrite")).put(key, "marks"));
    return key;
  }

  async add(entry) {
    this.#memory.set(entry.nonce, entry);
    await this.#stored(async () => {
      const iv = crypto.getRandomValues(new Uint8Array(12));
      const plain = new TextEncoder().encode(JSON.stringify(entry));
      const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await this.#key(), plain);
      const row = { nonce: entry.nonce, scope: this.#scope, at: Date.parse(entry.seen_at), iv, sealed };
      return promised((await this.#store("marks", "readwrite")).put(row));
    });
  }

  async drop(entry) {
    this.#memory.delete(entry.nonce);
    await this.#stored(async () => promised((await this.#store("marks", "readwrite")).delete(entry.nonce)));
  }

  /** Oldest first, those of an earlier visit to this page included. */
  async all() {
    return (await this.#stored(() => this.#opened())) ?? [...this.#memory.values()];
  }

  async #opened() {
    const rows = await promised((await this.#store("marks", "readonly")).getAll());
    const key = await this.#key();
    const mine = rows.filter((row) => row.scope === this.#scope).sort((a, b) => a.at - b.at);
    return Promise.all(
      mine.map(async ({ iv, sealed }) => {
        const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, sealed);
        return JSON.parse(new TextDecoder().decode(plain));
      }),
    );
  }
}
