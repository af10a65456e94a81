// On every page: the menu closes by Escape and by taps outside; the offline page is stored.

import "../core/dialog-fallback.js";

/** @type {HTMLDetailsElement | null} */
const menu = document.querySelector("details.me");
document.addEventListener("click", (event) => {
  if (menu?.open && !menu.contains(/** @type {Node} */ (event.target))) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !menu?.open) return;
  menu.open = false;
  menu.querySelector("summary")?.focus();
});

// Without a service worker, browsers show an offline page of their own.
navigator.serviceWorker?.register(document.body.dataset.worker ?? "").catch(() => {});
