// Texts and times in the language of the page. The catalogue is loaded before any module.

/** @param {string} text */
export const _ = (text) => globalThis.gettext(text);

/**
 * @param {string} one
 * @param {string} many
 * @param {number} count
 */
export const plural = (one, many, count) => globalThis.ngettext(one, many, count);

/**
 * Fill in "%(name)s" in a translated sentence.
 *
 * @param {string} text
 * @param {Record<string, string | number>} values
 */
export const fill = (text, values) => globalThis.interpolate(text, values, true);

const language = document.documentElement.lang || "en";
const time = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });
const moment = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
const day = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" });
const list = Intl.ListFormat && new Intl.ListFormat(language, { type: "conjunction" });

/** @param {string} at */
export const timeOf = (at) => time.format(new Date(at));

/**
 * Return a date without a time, given as "2026-01-31": the same day in every zone.
 *
 * @param {string} date
 */
export const dayOf = (date) => day.format(new Date(`${date}T00:00:00Z`));

/** @param {string} at */
export const momentOf = (at) => moment.format(new Date(at));

/** @param {string[]} names */
export const joined = (names) => (list ? list.format(names) : names.join(", "));

/** @param {Status | null | undefined} status null where there is no mark */
export function statusLabel(status) {
  const labels = { present: _("here"), late: _("late"), absent: _("absent"), excused: _("excused") };
  return (status && labels[status]) ?? _("open");
}

const STATUS_ICONS = { present: "tick", late: "clock", absent: "cross", excused: "excused" };

/** @param {Status | null | undefined} status null where there is no mark */
export const statusIcon = (status) => (status && STATUS_ICONS[status]) ?? "dot";

/** @param {string} source */
export function sourceLabel(source) {
  /** @type {Record<string, string>} */
  const labels = {
    camera: _("camera"),
    group: _("group photograph"),
    teacher: _("by hand"),
    review: _("from the questions"),
    kiosk: _("kiosk"),
    close: _("when the register was signed"),
    api: _("another system"),
    admin: _("office"),
  };
  return labels[source] ?? source;
}

/**
 * Return why what a camera or a photograph showed was not written; it follows a student's name.
 *
 * @param {string} reason
 */
export function refusalText(reason) {
  /** @type {Record<string, string>} */
  const texts = {
    contradicts: _("was seen by the camera, though marked otherwise by hand"),
    doubtful_clock: _("was marked by a device whose clock is wrong; set the mark again"),
    not_a_member: _("was claimed here, but is no member of this class"),
    no_consent: _("has no consent, so the camera's word does not count"),
    session_closed: _("was seen, but the register is signed by now"),
    blocked: _("was said not to be the one whom the camera sees"),
  };
  return texts[reason] ?? reason;
}
