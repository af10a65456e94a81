"""The open-set rules: when a student is named, when a person is asked, and who is never named."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recognition.engine.identification.decision import (
    MANY_SAMPLES,
    MOST_SAMPLES,
    assign,
    decide,
    margin,
    propose,
    select,
    stranger,
    template_of,
    threshold,
    visitor,
)
from recognition.engine.types import Array, Decision, Match, Sample, State

NEAR, MIDDLE, FAR = 0.15, 0.335, 0.7
CLASS = 30


def templates(count: int, seed: int = 0) -> Array:
    rows = np.random.default_rng(seed).standard_normal((count, 128))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def samples(count: int, quality: float = 0.9) -> list[Sample]:
    return [Sample(template, quality, at * 0.5) for at, template in enumerate(templates(count))]


def three_photographs(_: str) -> int:
    return 3


def decide_at(count: int, first: float, second: float = FAR, **rules: frozenset[str]) -> Decision:
    matches = [Match("ann", first), Match("bob", second)]
    return decide(samples(count), matches, three_photographs, CLASS, **rules)  # type: ignore[arg-type]


@given(st.floats(0, 2), st.floats(0, 2))
def test_single_sample_never_gives_a_name(first: float, gap: float) -> None:
    decision = decide_at(1, first, first + gap)
    assert decision.state is State.CONFIRMING
    assert decision.id is None


def test_samples_of_one_moment_count_as_one() -> None:
    frozen = [Sample(templates(1)[0], 0.9, 0.01 * at) for at in range(15)]
    decision = decide(frozen, [Match("ann", 0.0), Match("bob", FAR)], three_photographs, CLASS)
    assert decision.samples == 1
    assert decision.state is State.CONFIRMING


def test_two_clear_samples_give_a_name() -> None:
    decision = decide_at(2, NEAR)
    assert (decision.state, decision.id, decision.samples) == (State.RECOGNISED, "ann", 2)
    assert decision.margin == pytest.approx(FAR - NEAR)
    assert decision.confidence is not None
    assert decision.confidence > 0.95


def test_doubtful_face_waits_and_then_becomes_uncertain() -> None:
    states = [decide_at(count, MIDDLE).state for count in range(1, MANY_SAMPLES + 1)]
    assert states[:-1] == [State.CONFIRMING] * (MANY_SAMPLES - 1)
    assert states[-1] is State.UNCERTAIN


def test_stranger_is_never_named_and_soon_unknown() -> None:
    assert decide_at(3, FAR, FAR + 0.2).state is State.UNKNOWN
    assert all(decide_at(count, FAR, FAR + 0.2).id is None for count in range(1, 12))


def test_empty_class_gives_unknown() -> None:
    decision = decide(samples(4), [], three_photographs, 0)
    assert (decision.state, decision.candidates) == (State.UNKNOWN, ())


def test_tie_is_uncertain_with_both_candidates() -> None:
    decision = decide_at(6, 0.20, 0.22)
    assert decision.state is State.UNCERTAIN
    assert [match.id for match in decision.candidates] == ["ann", "bob"]


def test_confusable_pair_needs_a_larger_margin() -> None:
    pair = frozenset({frozenset({"ann", "bob"})})
    assert decide_at(6, 0.15, 0.24).state is State.RECOGNISED
    assert decide_at(6, 0.15, 0.24, confusable=pair).state is State.UNCERTAIN  # type: ignore[arg-type]
    assert decide_at(2, 0.15, 0.24, confusable=pair).state is State.UNCERTAIN  # type: ignore[arg-type]
    assert decide_at(6, 0.15, 0.30, confusable=pair).id == "ann"  # type: ignore[arg-type]


@given(st.integers(1, 12), st.floats(0, 0.5), st.floats(0, 0.5))
def test_rejected_student_is_never_named(count: int, first: float, gap: float) -> None:
    assert decide_at(count, first, first + gap, rejected=frozenset({"ann"})).id != "ann"


def test_lookalike_of_a_rejected_student_is_uncertain() -> None:
    decision = decide_at(6, 0.18, 0.20, rejected=frozenset({"ann"}))
    assert decision.state is State.UNCERTAIN
    assert decision.candidates[0].id == "bob"


def test_only_student_of_a_class_is_named_without_a_second() -> None:
    assert decide(samples(3), [Match("ann", NEAR)], three_photographs, 1).id == "ann"


@given(st.integers(2, 12), st.integers(1, 6), st.integers(1, 5000))
def test_larger_gallery_never_has_a_higher_threshold(count: int, photographs: int, size: int) -> None:
    assert threshold(count, photographs, size + 1) <= threshold(count, photographs, size)


@pytest.mark.parametrize("photographs", [1, 2, 3, 5])
def test_threshold_is_higher_with_many_samples(photographs: int) -> None:
    assert threshold(MANY_SAMPLES, photographs, CLASS) > threshold(MANY_SAMPLES - 1, photographs, CLASS)


def test_margin_is_larger_with_few_samples_and_for_confusable_pairs() -> None:
    assert margin(2) > margin(5)
    assert margin(5, confusable=True) > margin(2)


def test_still_image_gives_a_proposal_and_never_a_name() -> None:
    states = [
        propose([Match("ann", first), Match("bob", FAR)], three_photographs, CLASS).state
        for first in (NEAR, 0.34, 0.6)
    ]
    assert states == [State.CONFIRMING, State.UNCERTAIN, State.UNKNOWN]
    assert propose([Match("ann", NEAR), Match("bob", FAR)], three_photographs, CLASS).id is None


def test_bad_samples_do_not_change_the_template() -> None:
    good = [Sample(templates(1)[0], 0.9, float(at)) for at in range(3)]
    bad = [Sample(-templates(1)[0], 0.2, 10.0 + at) for at in range(5)]
    assert np.allclose(template_of(good + bad), templates(1)[0], atol=1e-6)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 60)), min_size=1, max_size=40), st.integers(0, 50))
def test_selection_of_selected_samples_changes_nothing(raw: list[tuple[float, float]], seed: int) -> None:
    track = [Sample(row, *pair) for row, pair in zip(templates(len(raw), seed), raw, strict=True)]
    chosen = select(track)
    assert 1 <= len(chosen) <= MOST_SAMPLES
    assert select(chosen) == chosen
    assert np.linalg.norm(template_of(track)) == pytest.approx(1, abs=1e-5)
    assert (template_of(track) == template_of(chosen)).all()


def test_better_samples_have_more_weight() -> None:
    a, b = templates(2)
    mean = template_of([Sample(a, 1.0, 0.0), Sample(b, 0.6, 1.0)])
    assert mean @ a > mean @ b


def test_template_of_no_samples_is_an_error() -> None:
    with pytest.raises(ValueError, match="samples"):
        template_of([])


def recognised(name: str, distance: float) -> Decision:
    return Decision(State.RECOGNISED, name, distance, 0.3, 0.99, 4, (Match(name, distance),))


@settings(max_examples=150)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 30)), max_size=6))
def test_assignment_names_each_student_once_and_is_optimal(raw: list[tuple[str, int]]) -> None:
    faces = [recognised(name, distance / 100) for name, distance in raw]
    given_names = [decision.id for decision in assign(faces)]
    named = [name for name in given_names if name is not None]
    assert len(named) == len(set(named))
    # Without a tie, each student goes to the nearest of the faces that have them as best match.
    for name in {name for name, _ in raw}:
        distances = sorted(d for second, d in raw if second == name)
        if len(distances) == 1 or distances[1] - distances[0] > 2:
            assert raw[given_names.index(name)] == (name, distances[0])


def test_tie_of_two_faces_makes_both_uncertain() -> None:
    decisions = assign([recognised("ann", 0.20), recognised("ann", 0.21), recognised("bob", 0.2)])
    assert [decision.state for decision in decisions] == [State.UNCERTAIN, State.UNCERTAIN, State.RECOGNISED]


def test_farther_face_of_one_student_is_uncertain() -> None:
    decisions = assign([recognised("ann", 0.25), recognised("ann", 0.15)])
    assert [decision.id for decision in decisions] == [None, "ann"]
    assert decisions[0].state is State.UNCERTAIN


def test_proposals_of_a_still_image_are_one_to_one() -> None:
    first = propose([Match("ann", 0.15), Match("bob", FAR)], three_photographs, CLASS)
    second = propose([Match("ann", 0.22), Match("bob", FAR)], three_photographs, CLASS)
    decisions = assign([first, second], state=State.CONFIRMING)
    assert [decision.state for decision in decisions] == [State.CONFIRMING, State.UNCERTAIN]


SCHOOL = 1000


def visitor_at(
    count: int, first: float, second: float = FAR, excluded: frozenset[str] = frozenset()
) -> str | None:
    matches = [Match("ada", first), Match("bob", second)]
    return visitor(samples(count), matches, three_photographs, SCHOOL, excluded=excluded)


def test_visitor_needs_five_samples() -> None:
    assert [visitor_at(count, NEAR) for count in range(MANY_SAMPLES + 1)] == [None] * MANY_SAMPLES + ["ada"]
    assert [stranger(decide_at(count, FAR, FAR + 0.2)) for count in (MANY_SAMPLES - 1, MANY_SAMPLES)] == [
        False,
        True,
    ]
    assert not stranger(decide_at(MANY_SAMPLES, MIDDLE))
    assert not stranger(decide_at(MANY_SAMPLES, NEAR))


@given(st.floats(0, 0.6))
def test_visitor_is_near_enough_for_a_name_in_a_class(distance: float) -> None:
    if visitor_at(MANY_SAMPLES, distance) is not None:
        assert decide_at(MANY_SAMPLES, distance).state is State.RECOGNISED


def test_visitor_must_be_nearer_in_a_larger_school() -> None:
    limits = []
    for size in (100, 1000, 10_000):
        decisions = [
            at / 1000
            for at in range(400)
            if visitor(samples(MANY_SAMPLES), [Match("ada", at / 1000)], three_photographs, size) is not None
        ]
        limits.append(max(decisions))
    assert limits == sorted(limits, reverse=True)
    assert len(set(limits)) == 3
    assert max(limits) < threshold(MANY_SAMPLES, 3, CLASS)


def test_visitor_needs_the_margin_of_confusable_pairs() -> None:
    lead = margin(MANY_SAMPLES, confusable=True)
    assert visitor_at(MANY_SAMPLES, NEAR, NEAR + lead - 0.01) is None
    assert visitor_at(MANY_SAMPLES, NEAR, NEAR + lead + 0.01) == "ada"


def test_excluded_student_is_not_replaced_by_the_next() -> None:
    assert visitor_at(MANY_SAMPLES, NEAR, NEAR + 0.01, excluded=frozenset({"ada"})) is None
    assert visitor_at(MANY_SAMPLES, NEAR, excluded=frozenset({"bob"})) == "ada"
    assert visitor(samples(MANY_SAMPLES), [], three_photographs, SCHOOL) is None
