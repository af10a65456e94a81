// Why there is no camera, in plain words, and what helps.

import { _ } from "../core/text.js";

const TEXTS = {
  insecure: () => ({
    title: _("The camera needs a secure (https) page"),
    advice: _(
      "Browsers allow the camera only on https pages. Ask the office for the https address of Rollcall.",
    ),
  }),
  unsupported: () => ({
    title: _("This browser has no camera access"),
    advice: _("Use a current version of Chrome, Edge, Firefox or Safari, or mark by hand."),
  }),
  denied: () => ({
    title: _("The camera is not allowed"),
    advice: _(
      "Tap the camera or lock icon next to the address, allow the camera for this page, then try again.",
    ),
  }),
  withdrawn: () => ({
    title: _("The camera is no longer allowed"),
    advice: _("Allow the camera for this page again beside the address, then try again."),
  }),
  none: () => ({
    title: _("No camera found"),
    advice: _("Plug one in, or open the session on a phone with “Other screens”. You can also mark by hand."),
  }),
  busy: () => ({
    title: _("The camera is in use by another program"),
    advice: _("Close the other program or tab that uses it (a video call, perhaps), then try again."),
  }),
  gone: () => ({
    title: _("The camera was unplugged"),
    advice: _("Plug it in again, or choose another one. The register is not affected."),
  }),
  asleep: () => ({
    title: _("The camera has stopped"),
    advice: _("The device was asleep or its lid is closed. Open it, then try again."),
  }),
  broken: () => ({
    title: _("The camera does not start"),
    advice: _("Unplug it and plug it in again, or choose another one."),
  }),
};

/** @typedef {keyof typeof TEXTS} CameraErrorCode */

export class CameraError extends Error {
  /** @param {CameraErrorCode} code */
  constructor(code) {
    const { title, advice } = TEXTS[code]();
    super(title);
    this.code = code;
    this.advice = advice;
  }
}

/**
 * What browsers of today and of some years ago throw.
 *
 * @type {Record<string, CameraErrorCode>}
 */
const CODES = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  PermissionDeniedError: "denied",
  NotFoundError: "none",
  OverconstrainedError: "none",
  DevicesNotFoundError: "none",
  NotReadableError: "busy",
  TrackStartError: "busy",
  AbortError: "busy",
};

/**
 * Return the code of what a browser threw.
 *
 * @param {unknown} thrown
 */
export const codeOfThrown = (thrown) =>
  CODES[/** @type {{ name?: string }} */ (thrown)?.name ?? ""] ?? "broken";
