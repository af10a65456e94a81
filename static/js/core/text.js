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

// English pages write 31 Jan 2026 and 14:30, as templates do; the browser's own English may not.
const pageLanguage = document.documentElement.lang || "en";
const language = pageLanguage === "en" ? "en-GB" : pageLanguage;
// Of the school, which need not be that of this device.
const timeZone = document.body.dataset.zone || "UTC";
const hourCycle = "h23";
const time = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle, timeZone });
const moment = new Intl.DateTimeFormat(language, {
  dateStyle: "medium",
  timeStyle: "short",
  hourCycle,
  timeZone,
});
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
  const labels = {
    present: _("present"),
    late: _("late"),
    absent: _("absent"),
    excused: _("excused"),
    not_expected: _("not expected"),
  };
  return (status && labels[status]) ?? _("unmarked");
}

const STATUS_ICONS = {
  present: "tick",
  late: "clock",
  absent: "cross",
  excused: "excused",
  not_expected: "dot",
};

/** @param {Status | null | undefined} status null where there is no mark */
export const statusIcon = (status) => (status && STATUS_ICONS[status]) ?? "dot";

/** @param {string} source */
export function sourceLabel(source) {
  /** @type {Record<string, string>} */
  const labels = {
    camera: _("camera"),
    group: _("group photo"),
    teacher: _("by hand"),
    review: _("decided by a person"),
    kiosk: _("kiosk"),
    signing: _("when the register was signed"),
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
    contradicts: _("was seen by the camera, but is marked otherwise by hand"),
    doubtful_clock: _("was marked by a device whose clock is wrong; mark the student again"),
    not_a_member: _("was to be marked, but is not in this class"),
    no_consent: _("was seen by the camera, but has no valid consent"),
    session_closed: _("was seen by the camera after the register was signed"),
    rejected: _("was seen by the camera, but a person said that this is somebody else"),
  };
  return texts[reason] ?? reason;
}
