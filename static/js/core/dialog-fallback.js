// Native dialogs for browsers without them (Safari before 15.4): enough of the element for how it is used here.
// The page behind stays as it is; Escape leaves, and the focus goes back to where it was.

/**
 * What is remembered of a dialog that this module opened.
 *
 * @typedef {{ focused: Element | null, pressed: HTMLButtonElement | null }} Opened
 */

/** @type {WeakMap<HTMLDialogElement, Opened>} */
const dialogs = new WeakMap();

const FOCUSABLE = "[autofocus], input:not([type=hidden]), select, textarea, button, a[href]";

/** @param {HTMLDialogElement} dialog */
function listenOnce(dialog) {
  const known = dialogs.get(dialog);
  if (known) return known;
  /** @type {Opened} */
  const opened = { focused: null, pressed: null };
  dialogs.set(dialog, opened);
  dialog.addEventListener("keydown", (event) => event.key === "Escape" && dialog.close());
  dialog.addEventListener("click", (event) => {
    opened.pressed = /** @type {Element} */ (event.target).closest("button");
  });
  dialog.addEventListener("submit", (event) => submitted(dialog, event));
  return opened;
}

/** @this {HTMLDialogElement} */
function show() {
  listenOnce(this).focused = document.activeElement;
  this.setAttribute("open", "");
  this.setAttribute("role", "dialog");
  this.setAttribute("aria-modal", "true");
  this.classList.add("stand-in");
  this.tabIndex = -1;
  /** @type {HTMLElement} */ (this.querySelector(FOCUSABLE) ?? this).focus();
}

/**
 * @param {HTMLDialogElement} dialog
 * @param {SubmitEvent} event
 */
function submitted(dialog, event) {
  if (/** @type {Element} */ (event.target).getAttribute("method") !== "dialog") return;
  event.preventDefault();
  const submitter = /** @type {HTMLButtonElement | null | undefined} */ (event.submitter);
  dialog.close((submitter ?? dialogs.get(dialog)?.pressed)?.value ?? "");
}

/**
 * @this {HTMLDialogElement}
 * @param {string} [value]
 */
function close(value) {
  if (!this.hasAttribute("open")) return;
  if (value !== undefined) this.returnValue = value;
  this.removeAttribute("open");
  /** @type {HTMLElement | null | undefined} */ (dialogs.get(this)?.focused)?.focus();
  this.dispatchEvent(new Event("close"));
}

const example = document.createElement("dialog");
if (!example.showModal) {
  Object.defineProperties(Object.getPrototypeOf(example), {
    open: {
      /** @this {HTMLDialogElement} */
      get() {
        return this.hasAttribute("open");
      },
      configurable: true,
    },
    showModal: { value: show },
    close: { value: close },
  });
}
