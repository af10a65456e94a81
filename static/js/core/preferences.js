// What a device remembers of its user's choices. Where the browser keeps nothing (cookies blocked, some private
// windows, embedded pages) a choice lasts as long as the page.

const meanwhile = new Map();

export function recall(key) {
  try {
    return localStorage.getItem(key) ?? meanwhile.get(key) ?? null;
  } catch {
    return meanwhile.get(key) ?? null;
  }
}

export function remember(key, value) {
  meanwhile.set(key, value);
  try {
    localStorage.setItem(key, value);
  } catch {
    // Kept above.
  }
}
