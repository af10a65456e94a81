// On every page: the menu closes by Escape and outside taps; the offline page is put by.

import "../core/dialogs.js";

const menu = document.querySelector(".me");
document.addEventListener(
  "click",
  (event) => menu?.open && !menu.contains(event.target) && (menu.open = false),
);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !menu?.open) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// The worker is a convenience: without one, browsers show their own offline page.
navigator.serviceWorker?.register(document.body.dataset.worker).catch(() => {});
