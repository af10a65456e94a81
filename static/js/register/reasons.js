// Reasons, which each change of a register needs once it was signed.

import { confirmInDialog } from "../core/confirm.js";
import { make } from "../core/dom.js";
import { _ } from "../core/text.js";

/** Return a field for a reason, to be shown in a dialog. */
export function reasonField() {
  const input = make("input", { id: "reason", maxLength: 300, required: true });
  const label = make("label", { htmlFor: "reason" }, _("Reason"));
  return make("div", { className: "field" }, label, input);
}

/**
 * Ask for a reason. Resolves to "" where the person does not want to give one.
 *
 * @param {{ title: string, text: string, yes: string }} question
 */
async function ask(question) {
  const field = reasonField();
  const agreed = await confirmInDialog({ ...question, more: field });
  return agreed ? (field.querySelector("input")?.value.trim() ?? "") : "";
}

/** Ask for the reason of an amendment. Resolves to "" where the person does not want it. */
export const askReason = () =>
  ask({
    title: _("Change a register that was signed?"),
    text: _("The earlier entry stays in the history. Your name and the reason are added."),
    yes: _("Change it"),
  });

/** Ask for the reason of opening a register again. Resolves to "" where the person does not want it. */
export const askReasonOfReopening = () =>
  ask({
    title: _("Open the register again?"),
    text: _("The signature is kept. Every change still needs a reason."),
    yes: _("Open again"),
  });
