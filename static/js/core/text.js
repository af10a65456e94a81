// Words and times in the language of the page. The catalogue is loaded before any module.

export const _ = (text) => globalThis.gettext(text);
export const plural = (one, many, count) => globalThis.ngettext(one, many, count);

/** "%(name)s" in a translated sentence, filled in. */
export const fill = (text, values) => globalThis.interpolate(text, values, true);

const language = document.documentElement.lang || "en";
const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });
const moment = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
const day = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" });
const list = Intl.ListFormat && new Intl.ListFormat(language, { type: "conjunction" });

export const timeOf = (at) => clock.format(new Date(at));
/** A date without a time, as "2026-01-31", which is the same day in every zone. */
export const dayOf = (date) => day.format(new Date(`${date}T00:00:00Z`));
export const momentOf = (at) => moment.format(new Date(at));
export const joined = (names) => (list ? list.format(names) : names.join(", "));

export const statusWord = (status) =>
  ({ present: _("here"), late: _("late"), absent: _("absent"), excused: _("excused") })[status] ?? _("open");

export const statusIcon = (status) =>
  ({ present: "tick", late: "clock", absent: "cross", excused: "excused" })[status] ?? "dot";

export const sourceWord = (source) =>
  ({
    camera: _("camera"), group: _("group photograph"), teacher: _("by hand"), review: _("from the questions"),
    kiosk: _("kiosk"), close: _("when the register was signed"), api: _("another system"), admin: _("office"),
  })[source] ?? source;

/** Why what a camera or a picture showed was not written; after a student's name. */
export const refusalWord = (reason) =>
  ({
    contradicts: _("was seen by the camera, though marked otherwise by hand"),
    doubtful_clock: _("was marked by a device whose clock is wrong; set the mark again"),
    not_a_member: _("was claimed here, but is no member of this class"),
    no_consent: _("has no consent, so the camera's word does not count"),
    session_closed: _("was seen, but the register is signed by now"),
    blocked: _("was said not to be the one whom the camera sees"),
  })[reason] ?? reason;
