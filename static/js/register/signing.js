// Sign the register, and open it again.

import { apiErrorOf, post } from "../core/api.js";
import { confirmInDialog } from "../core/confirm.js";
import { make, tagIn } from "../core/dom.js";
import { _, fill, joined, plural } from "../core/text.js";
import { toast } from "../core/toast.js";
import { askReasonOfReopening } from "./reasons.js";

/**
 * Sign the register: only here do unmarked students get a code, if the person says which. The server is sent the
 * unmarked students that the dialog was about; where others are unmarked by then, the dialog asks again.
 *
 * @param {Store} store
 * @param {Actions} actions
 */
export async function signRegister(store, actions) {
  await actions.flush();
  if (store.pending.size) {
    toast(_("Some marks are not sent yet. Sign the register when the connection is back."));
    return;
  }
  for (let changes = ""; ; ) {
    const students = store.missing().map(({ id }) => id);
    const choice = students.length ? choiceForUnmarked(store) : null;
    const agreed = await confirmInDialog({
      title: _("Sign the register?"),
      text: [changes, questionOf(store, students.length)].filter(Boolean).join(" "),
      yes: _("Sign"),
      more: choice,
    });
    if (!agreed) return;
    const unmarked = (choice && tagIn(choice, "select").value) || null;
    const error = await send(store, { unmarked, students });
    await store.refresh();
    if (!error) return;
    if (error.code !== "conflict") return toast(error.message);
    changes = describeChanges(store, error.extra);
  }
}

/**
 * Send the signature. Resolves to null, or to what is wrong.
 *
 * @param {Store} store
 * @param {{ unmarked: string | null, students: string[] }} body
 */
async function send(store, body) {
  try {
    await post(`${store.path}/sign/`, body);
    return null;
  } catch (thrown) {
    return apiErrorOf(thrown);
  }
}

/**
 * Return what the dialog says: how many students are unmarked, and how many faces wait for a decision.
 *
 * @param {Store} store
 * @param {number} count
 */
function questionOf(store, count) {
  const unmarked = plural("One student is unmarked.", "%(count)s students are unmarked.", count);
  const waiting = plural(
    "One face still needs your decision; signing deletes it.",
    "%(count)s faces still need your decision; signing deletes them.",
    store.state.reviews,
  );
  return [
    count ? fill(unmarked, { count }) : _("Every student is marked."),
    store.state.reviews ? fill(waiting, { count: store.state.reviews }) : "",
    count ? "" : _("You can still change marks afterwards, with a reason."),
  ]
    .filter(Boolean)
    .join(" ");
}

/**
 * @param {Store} store
 * @param {{ added?: Named[], removed?: Named[] }} changes
 */
function describeChanges(store, { added = [], removed = [] }) {
  /** @param {Named[]} students */
  const names = (students) => joined(students.map((student) => store.labelOf(student)));
  return [
    _("The register has changed in the meantime."),
    added.length ? fill(_("Now unmarked as well: %(names)s."), { names: names(added) }) : "",
    removed.length ? fill(_("No longer unmarked: %(names)s."), { names: names(removed) }) : "",
  ]
    .filter(Boolean)
    .join(" ");
}

/** @param {Store} store */
function choiceForUnmarked(store) {
  const select = make("select", { id: "unmarked-code" });
  const chosen = store.chosenCode("not_seen");
  for (const { letter, name } of store.offeredCodes()) {
    select.append(make("option", { value: letter, selected: letter === chosen }, `${letter}  ${name}`));
  }
  select.append(make("option", { value: "" }, _("leave unmarked")));
  const label = make("label", { htmlFor: "unmarked-code" }, _("Mark them as"));
  return make("div", { className: "field" }, label, select);
}

/** Let the form that opens a signed register again ask for the reason first. */
export function askReasonToReopen() {
  /** @type {HTMLFormElement | null} */
  const form = document.querySelector("form[data-when=signed]");
  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const reason = await askReasonOfReopening();
    if (!reason) return;
    const field = make("input", { type: "hidden", value: reason });
    field.name = "reason";
    form.append(field);
    form.submit();
  });
}
