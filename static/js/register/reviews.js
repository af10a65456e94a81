// Faces that the camera could not decide: the crop beside the two nearest students, one tap each.

import { announce } from "../core/announce.js";
import { apiErrorOf, get, post } from "../core/api.js";
import { button, byId, make, portrait } from "../core/dom.js";
import { nameElement } from "../core/names.js";
import { play } from "../core/sound.js";
import { _, fill, plural } from "../core/text.js";
import { toast } from "../core/toast.js";

// New questions come as events; this finds those whose event was lost.
const POLL_MS = 15000;

/**
 * @typedef {"student" | "neither" | "ignored"} Verdict
 * @typedef {(verdict: Verdict, student?: string) => void} Decide
 */

export class Reviews {
  /** @type {Set<string>} */
  #known = new Set();
  #timer = 0;

  /** @param {Store} store */
  constructor(store) {
    this.store = store;
    store.on("change", ({ what }) => ["all", "session", "reviews"].includes(what) && this.refresh());
    document.addEventListener("visibilitychange", () => this.refresh());
    this.refresh();
  }

  async refresh() {
    clearTimeout(this.#timer);
    if (document.hidden) return;
    try {
      /** @type {Page<Review>} */
      const { results } = await get(`${this.store.path}/reviews/`);
      this.#show(results);
    } catch (thrown) {
      if (!apiErrorOf(thrown).isTemporary) return;
    }
    if (this.store.isOpen) this.#timer = setTimeout(() => this.refresh(), POLL_MS);
  }

  /** @param {Review[]} waiting */
  #show(waiting) {
    const added = waiting.filter((review) => !this.#known.has(review.id));
    if (added.length) {
      play("question");
      announce(plural("A face needs your decision.", "Faces need your decision.", waiting.length));
    }
    const list = byId("reviews-list");
    const ids = new Set(waiting.map((review) => review.id));
    for (const card of /** @type {HTMLElement[]} */ ([...list.children])) {
      if (!ids.has(card.dataset.review ?? "")) card.remove();
    }
    for (const review of added) list.append(this.#card(review));
    this.#known = ids;
    byId("reviews").hidden = waiting.length === 0;
    byId("reviews-count").textContent = String(waiting.length);
  }

  /** @param {Review} review */
  #card(review) {
    /** @type {Decide} */
    const decide = (verdict, student) => this.#decide(review, verdict, student);
    const { candidates } = review;
    const image = make("img", { src: review.image, alt: _("Face to decide on"), width: 120, height: 120 });
    const nobody = candidates.length > 1 ? _("Neither") : _("Somebody else");
    return make(
      "article",
      { className: "review", data: { review: review.id } },
      make(
        "div",
        { className: "review-faces" },
        make("figure", {}, image, make("figcaption", {}, _("seen by the camera"))),
        ...candidates.map((candidate) => this.#candidate(candidate, decide)),
      ),
      make(
        "div",
        { className: "row" },
        button(nobody, { name: "cross", press: () => decide("neither") }),
        button(_("Ignore"), { className: "button quiet", press: () => decide("ignored") }),
      ),
    );
  }

  /**
   * @param {ReviewCandidate} candidate
   * @param {Decide} decide
   */
  #candidate(candidate, decide) {
    const student = this.store.students.get(candidate.student.id);
    const { id } = candidate.student;
    const name = this.store.labelOf(candidate.student);
    const distance =
      typeof candidate.distance === "number"
        ? fill(_("distance %(d)s"), { d: candidate.distance.toFixed(2) })
        : null;
    return make(
      "button",
      { type: "button", on: { click: () => decide("student", id) } },
      portrait({ name: candidate.student.name, portrait: student?.portrait ?? candidate.portrait }),
      make("span", {}, nameElement(name)),
      distance && make("small", { className: "num" }, distance),
    );
  }

  /**
   * @param {Review} review
   * @param {Verdict} verdict
   * @param {string} [student]
   */
  async #decide(review, verdict, student) {
    try {
      await post(`/reviews/${review.id}/decide/`, student ? { verdict, student } : { verdict });
    } catch (thrown) {
      toast(apiErrorOf(thrown).message);
    }
    await this.refresh();
    if (!byId("reviews").hidden) byId("reviews-title").focus();
  }
}
