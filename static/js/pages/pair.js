// Joining by QR: the code stands in the fragment, is taken out of the address at once, and is used once.

import { post } from "../core/api.js";
import { byId } from "../core/dom.js";

const code = decodeURIComponent(location.hash.slice(1));
if (code) {
  history.replaceState(null, "", location.pathname);
  byId("code").value = code;
  byId("code-field").hidden = true;
}
byId("pair").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const { session, kind } = await post("/pair/", {
      code: byId("code").value.trim(),
      label: byId("label").value.trim(),
    });
    location.replace(`/sessions/${session.id ?? session}/${kind}/`);
  } catch (fault) {
    byId("fault").hidden = false;
    byId("fault").querySelector("p").textContent = fault.message;
    byId("code-field").hidden = false;
  }
});
