// Marks made by hand while the network was away. They lie in IndexedDB, encrypted under a key that no script can
// read, and are sent once each: the nonce makes a repetition harmless. Never a photograph.

const NAME = "rollcall";
const canEncrypt = () => Boolean(globalThis.crypto?.subtle && globalThis.indexedDB);

/**
 * @template Result
 * @param {IDBRequest<Result>} request
 * @returns {Promise<Result>}
 */
const promiseOf = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

export const newNonce = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

export class Queue {
  /** @type {Promise<IDBDatabase> | null} */
  #database = null;
  /** @type {Map<string, QueueEntry>} */
  #memory = new Map();
  #scope;
  #usesDatabase = canEncrypt();

  /** @param {string} scope the person and the session: nobody sends another's marks */
  constructor(scope) {
    this.#scope = scope;
  }

  /**
   * Do something with the database, or return null where the browser has one and refuses it (private windows, no
   * space left): then this page's memory is all there is.
   *
   * @template Result
   * @param {() => Promise<Result>} work
   */
  async #withDatabase(work) {
    if (!this.#usesDatabase) return null;
    try {
      return await work();
    } catch {
      this.#usesDatabase = false;
      return null;
    }
  }

  #open() {
    const opening = indexedDB.open(NAME, 1);
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore("keys");
      opening.result.createObjectStore("marks", { keyPath: "nonce" });
    };
    return promiseOf(opening);
  }

  /**
   * @param {"keys" | "marks"} name
   * @param {IDBTransactionMode} mode
   */
  async #objects(name, mode) {
    this.#database ??= this.#open();
    return (await this.#database).transaction(name, mode).objectStore(name);
  }

  /** @returns {Promise<CryptoKey>} */
  async #key() {
    const stored = await promiseOf((await this.#objects("keys", "readonly")).get("marks"));
    if (stored) return stored;
    const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, [
      "encrypt",
      "decrypt",
    ]);
    await promiseOf((await this.#objects("keys", "readwrite")).put(key, "marks"));
    return key;
  }

  /** @param {QueueEntry} entry */
  async add(entry) {
    this.#memory.set(entry.nonce, entry);
    await this.#withDatabase(async () => {
      const iv = crypto.getRandomValues(new Uint8Array(12));
      const plain = new TextEncoder().encode(JSON.stringify(entry));
      const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await this.#key(), plain);
      /** @type {SealedEntry} */
      const row = { nonce: entry.nonce, scope: this.#scope, at: Date.parse(entry.seen_at), iv, sealed };
      return promiseOf((await this.#objects("marks", "readwrite")).put(row));
    });
  }

  /** @param {QueueEntry} entry */
  async drop(entry) {
    this.#memory.delete(entry.nonce);
    await this.#withDatabase(async () => {
      await promiseOf((await this.#objects("marks", "readwrite")).delete(entry.nonce));
    });
  }

  /** Return every entry, oldest first, those of an earlier visit to this page included. */
  async all() {
    return (await this.#withDatabase(() => this.#decrypted())) ?? [...this.#memory.values()];
  }

  /** @returns {Promise<QueueEntry[]>} */
  async #decrypted() {
    /** @type {SealedEntry[]} */
    const rows = await promiseOf((await this.#objects("marks", "readonly")).getAll());
    const key = await this.#key();
    const own = rows.filter((row) => row.scope === this.#scope).sort((a, b) => a.at - b.at);
    return Promise.all(
      own.map(async ({ iv, sealed }) => {
        const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, sealed);
        return JSON.parse(new TextDecoder().decode(plain));
      }),
    );
  }
}
