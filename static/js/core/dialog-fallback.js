// Native dialogs for browsers from before them (Safari until 15.3): enough of the element for how it is used here.
// The page behind stays as it is; Escape leaves, and the focus goes back to where it was.

function show() {
  this.returnFocus = document.activeElement;
  this.setAttribute("open", "");
  this.setAttribute("role", "dialog");
  this.setAttribute("aria-modal", "true");
  this.classList.add("stand-in");
  this.addEventListener("keydown", (this.onEscape ??= (event) => event.key === "Escape" && this.close()));
  this.addEventListener(
    "click",
    (this.onPress ??= (event) => (this.pressed = event.target.closest("button"))),
  );
  this.addEventListener("submit", (this.onSubmit ??= (event) => submitted(this, event)));
  this.tabIndex = -1;
  (
    this.querySelector("[autofocus], input:not([type=hidden]), select, textarea, button, a[href]") ?? this
  ).focus();
}

function submitted(dialog, event) {
  if (event.target.getAttribute("method") !== "dialog") return;
  event.preventDefault();
  dialog.close((event.submitter ?? dialog.pressed)?.value ?? "");
}

function close(value) {
  if (!this.hasAttribute("open")) return;
  if (value !== undefined) this.returnValue = value;
  this.removeAttribute("open");
  this.returnFocus?.focus();
  this.dispatchEvent(new Event("close"));
}

const made = document.createElement("dialog");
if (!made.showModal) {
  const open = {
    get() {
      return this.hasAttribute("open");
    },
    configurable: true,
  };
  Object.defineProperties(Object.getPrototypeOf(made), {
    open,
    showModal: { value: show },
    close: { value: close },
  });
}
