// Joining by QR: the code stands in the fragment, is taken out of the address at once, and is used once.

import { apiErrorOf, post } from "../core/api.js";
import { byId, tagById, tagIn } from "../core/dom.js";

const codeInput = tagById("input", "code");
const labelInput = tagById("input", "label");

const code = decodeURIComponent(location.hash.slice(1));
if (code) {
  history.replaceState(null, "", location.pathname);
  codeInput.value = code;
  byId("code-field").hidden = true;
}
byId("pair").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    /** @type {{ session: string, kind: string }} */
    const { session, kind } = await post("/pair/", {
      code: codeInput.value.trim(),
      label: labelInput.value.trim(),
    });
    location.replace(`/sessions/${session}/${kind}/`);
  } catch (thrown) {
    byId("fault").hidden = false;
    tagIn(byId("fault"), "p").textContent = apiErrorOf(thrown).message;
    byId("code-field").hidden = false;
  }
});
