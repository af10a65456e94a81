// Faces that the camera could not decide: the crop beside the two nearest students, one tap each.

import { get, post } from "../core/api.js";
import { announce } from "../core/announce.js";
import { button, byId, make, portrait } from "../core/dom.js";
import { play } from "../core/sound.js";
import { _, fill, plural } from "../core/text.js";
import { toast } from "../core/toast.js";

/** Events tell of new questions at once; this is for the ones that got lost. */
const EVERY = 15000;

export class Reviews {
  #known = new Set();
  #timer = 0;

  constructor(store) {
    this.store = store;
    store.addEventListener(
      "change",
      ({ detail }) => ["all", "session", "reviews"].includes(detail.what) && this.look(),
    );
    document.addEventListener("visibilitychange", () => this.look());
    this.look();
  }

  async look() {
    clearTimeout(this.#timer);
    if (document.hidden) return;
    try {
      const said = await get(`${this.store.path}/reviews/`);
      this.#show(said.results ?? said);
    } catch (fault) {
      if (!fault.passing) return;
    }
    if (this.store.isOpen) this.#timer = setTimeout(() => this.look(), EVERY);
  }

  #show(waiting) {
    const fresh = waiting.filter((review) => !this.#known.has(review.id));
    if (fresh.length) {
      play("question");
      announce(plural("A face waits for your decision.", "Faces wait for your decision.", waiting.length));
    }
    const list = byId("reviews-list");
    const stay = new Set(waiting.map((review) => review.id));
    for (const shown of [...list.children]) if (!stay.has(shown.dataset.review)) shown.remove();
    for (const review of fresh) list.append(this.#card(review));
    this.#known = stay;
    byId("reviews").hidden = waiting.length === 0;
    byId("reviews-count").textContent = waiting.length;
  }

  #card(review) {
    const decide = (verdict, student) => this.#decide(review, verdict, student);
    const candidates = (review.candidates ?? [review.first, review.second]).filter(Boolean);
    return make(
      "article",
      { className: "review", data: { review: review.id } },
      make(
        "div",
        { className: "review-faces" },
        make(
          "figure",
          {},
          make("img", {
            src: review.image ?? `/api/v1/reviews/${review.id}/image/`,
            alt: _("The face in question"),
            width: 120,
            height: 120,
          }),
          make("figcaption", {}, _("in the picture")),
        ),
        ...candidates.map((candidate) => this.#candidate(candidate, decide)),
      ),
      make(
        "div",
        { className: "row" },
        button(candidates.length > 1 ? _("Neither of them") : _("Somebody else"), {
          name: "cross",
          press: () => decide("neither"),
        }),
        button(_("Ignore"), { className: "button quiet", press: () => decide("ignored") }),
      ),
    );
  }

  #candidate(candidate, decide) {
    const student =
      this.store.students.get(candidate.student?.id ?? candidate.id) ?? candidate.student ?? candidate;
    const distance =
      typeof candidate.distance === "number"
        ? make("small", { className: "num" }, fill(_("distance %(d)s"), { d: candidate.distance.toFixed(2) }))
        : null;
    return make(
      "button",
      { type: "button", on: { click: () => decide("student", student.id) } },
      portrait({ ...student, portrait: student.portrait ?? candidate.portrait ?? null }),
      make("span", {}, student.name),
      distance,
    );
  }

  async #decide(review, verdict, student) {
    try {
      await post(`/reviews/${review.id}/decide/`, student ? { verdict, student } : { verdict });
    } catch (fault) {
      toast(fault.message);
    }
    await this.look();
    if (!byId("reviews").hidden) byId("reviews-title").focus();
  }
}
