// Other screens: a code to scan, or this very device handed over.

import { apiErrorOf, post } from "../core/api.js";
import { byId, make, tagById, tagIn } from "../core/dom.js";
import { _, fill, timeOf } from "../core/text.js";
import { toast } from "../core/toast.js";

/** @param {Store} store */
export function openSharing(store) {
  const dialog = tagById("dialog", "share-dialog");
  /** @type {NodeListOf<HTMLInputElement>} */
  const choices = dialog.querySelectorAll('[type="radio"]');
  const kind = () => [...choices].find((choice) => choice.checked)?.value ?? "";
  const handOver = tagById("form", "hand-over");
  const handOverKind = /** @type {HTMLInputElement} */ (handOver.elements.namedItem("kind"));
  byId("share").addEventListener("click", () => dialog.showModal());
  dialog.addEventListener("close", () => hideCode());
  for (const choice of choices) {
    choice.addEventListener("change", () => {
      handOverKind.value = kind();
      hideCode();
    });
  }
  byId("pair-code").addEventListener("click", async () => {
    try {
      showCode(await post(`${store.path}/pair/`, { kind: kind() }));
    } catch (thrown) {
      toast(apiErrorOf(thrown).message);
    }
  });
}

function hideCode() {
  byId("qr").hidden = true;
  tagIn(byId("qr"), "img").removeAttribute("src");
}

/** @param {PairingCode} pairing */
function showCode({ svg, code, expires_at: until }) {
  const figure = byId("qr");
  tagIn(figure, "img").src = `data:image/svg+xml,${encodeURIComponent(svg)}`;
  const text = _("Scan it with the other device, or type this code there. It works once, until %(time)s.");
  const caption = fill(text, { time: timeOf(until) });
  tagIn(figure, "figcaption").replaceChildren(caption, make("code", {}, code));
  figure.hidden = false;
}
