// A user's choices on this device. Where the browser stores nothing (cookies blocked, some private windows, embedded
// pages) a choice lasts as long as the page.

/** @type {Map<string, string>} */
const ofThisPage = new Map();

/**
 * Return a stored choice, or null.
 *
 * @param {string} key
 */
export function readPreference(key) {
  try {
    return localStorage.getItem(key) ?? ofThisPage.get(key) ?? null;
  } catch {
    return ofThisPage.get(key) ?? null;
  }
}

/**
 * @param {string} key
 * @param {string} value
 */
export function writePreference(key, value) {
  ofThisPage.set(key, value);
  try {
    localStorage.setItem(key, value);
  } catch {
    // Kept above.
  }
}
