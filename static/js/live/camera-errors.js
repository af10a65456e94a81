// Why there is no camera, in plain words, and what helps.

import { _ } from "../core/text.js";

const TEXTS = {
  insecure: () => ({
    title: _("No camera on an unprotected page"),
    advice: _(
      "Browsers give the camera only to https pages, or on this computer itself. Ask the office for the https address of Rollcall.",
    ),
  }),
  unsupported: () => ({
    title: _("This browser has no camera access"),
    advice: _("Use a present version of Chrome, Edge, Firefox or Safari, or mark by hand."),
  }),
  denied: () => ({
    title: _("The camera is not allowed"),
    advice: _(
      "Tap the camera or lock sign beside the address, allow the camera for this page, then try again.",
    ),
  }),
  none: () => ({
    title: _("No camera found"),
    advice: _(
      "Plug one in, or open the session on a phone with “Other screens”. Marking by hand works as always.",
    ),
  }),
  busy: () => ({
    title: _("The camera is in use elsewhere"),
    advice: _("Close the other program or tab that uses it (a video call, perhaps), then try again."),
  }),
  gone: () => ({
    title: _("The camera was unplugged"),
    advice: _("Plug it in again, or choose another one. The register stays as it is."),
  }),
  asleep: () => ({
    title: _("The camera has stopped sending pictures"),
    advice: _("The device was asleep or its lid is closed. Wake it, then try again."),
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
