// Other screens: a code to scan, or this very device handed over.

import { post } from "../core/api.js";
import { byId, make } from "../core/dom.js";
import { _, fill, timeOf } from "../core/text.js";
import { toast } from "../core/toast.js";

export function openSharing(store) {
  const dialog = byId("share-dialog");
  const form = byId("hand-over");
  const kind = () => dialog.querySelector('[name="kind"]:checked').value;
  byId("share").addEventListener("click", () => dialog.showModal());
  dialog.addEventListener("close", () => forget());
  for (const choice of dialog.querySelectorAll('[type="radio"]')) {
    choice.addEventListener("change", () => {
      form.elements.kind.value = kind();
      forget();
    });
  }
  byId("pair-code").addEventListener("click", async () => {
    try {
      showCode(await post(`${store.path}/pair/`, { kind: kind() }));
    } catch (fault) {
      toast(fault.message);
    }
  });
}

function forget() {
  byId("qr").hidden = true;
  byId("qr").querySelector("img").removeAttribute("src");
}

function showCode({ svg, code, expires_at: until }) {
  const figure = byId("qr");
  figure.querySelector("img").src = `data:image/svg+xml,${encodeURIComponent(svg)}`;
  const words = fill(
    _("Scan it with the other device, or type this code there. It works once, until %(time)s."),
    { time: timeOf(until) },
  );
  figure.querySelector("figcaption").replaceChildren(words, make("code", {}, code));
  figure.hidden = false;
}
