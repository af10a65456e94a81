"""The open-set rules: who is named, when, and above all who never is."""

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

NEAR, MIDDLING, FAR = 0.15, 0.335, 0.7
CLASS = 30


def templates(count: int, seed: int = 0) -> Array:
    rows = np.random.default_rng(seed).standard_normal((count, 128))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def samples(count: int, quality: float = 0.9) -> list[Sample]:
    return [Sample(template, quality, at * 0.5) for at, template in enumerate(templates(count))]


def three(_: str) -> int:
    return 3


def seen(count: int, first: float, second: float = FAR, **rules: frozenset[str]) -> Decision:
    matches = [Match("ann", first), Match("bob", second)]
    return decide(samples(count), matches, three, CLASS, **rules)  # type: ignore[arg-type]


@given(st.floats(0, 2), st.floats(0, 2))
def test_a_single_look_never_names_anybody(first: float, gap: float) -> None:
    decision = seen(1, first, first + gap)
    assert decision.state is State.CONFIRMING
    assert decision.id is None


def test_many_frames_of_one_moment_are_a_single_look() -> None:
    frozen = [Sample(templates(1)[0], 0.9, 0.01 * at) for at in range(15)]
    decision = decide(frozen, [Match("ann", 0.0), Match("bob", FAR)], three, CLASS)
    assert decision.samples == 1
    assert decision.state is State.CONFIRMING


def test_two_clear_looks_are_enough_for_a_sure_name() -> None:
    decision = seen(2, NEAR)
    assert (decision.state, decision.id, decision.samples) == (State.RECOGNISED, "ann", 2)
    assert decision.margin == pytest.approx(FAR - NEAR)
    assert decision.confidence is not None
    assert decision.confidence > 0.95


def test_a_doubtful_face_is_waited_for_and_then_asked_about() -> None:
    states = [seen(count, MIDDLING).state for count in range(1, MANY_SAMPLES + 1)]
    assert states[:-1] == [State.CONFIRMING] * (MANY_SAMPLES - 1)
    assert states[-1] is State.UNCERTAIN


def test_a_stranger_is_never_named_and_soon_unknown() -> None:
    assert seen(3, FAR, FAR + 0.2).state is State.UNKNOWN
    assert all(seen(count, FAR, FAR + 0.2).id is None for count in range(1, 12))


def test_in_an_empty_class_everybody_is_unknown() -> None:
    decision = decide(samples(4), [], three, 0)
    assert (decision.state, decision.candidates) == (State.UNKNOWN, ())


def test_a_tie_is_asked_with_both_candidates() -> None:
    decision = seen(6, 0.20, 0.22)
    assert decision.state is State.UNCERTAIN
    assert [match.id for match in decision.candidates] == ["ann", "bob"]


def test_a_confusable_pair_needs_a_larger_margin() -> None:
    pair = frozenset({frozenset({"ann", "bob"})})
    assert seen(6, 0.15, 0.24).state is State.RECOGNISED
    assert seen(6, 0.15, 0.24, confusable=pair).state is State.UNCERTAIN  # type: ignore[arg-type]
    assert seen(2, 0.15, 0.24, confusable=pair).state is State.UNCERTAIN  # type: ignore[arg-type]
    assert seen(6, 0.15, 0.30, confusable=pair).id == "ann"  # type: ignore[arg-type]


@given(st.integers(1, 12), st.floats(0, 0.5), st.floats(0, 0.5))
def test_a_blocked_name_is_never_given(count: int, first: float, gap: float) -> None:
    assert seen(count, first, first + gap, rejected=frozenset({"ann"})).id != "ann"


def test_a_lookalike_of_somebody_blocked_is_asked_about_not_named() -> None:
    decision = seen(6, 0.18, 0.20, rejected=frozenset({"ann"}))
    assert decision.state is State.UNCERTAIN
    assert decision.candidates[0].id == "bob"


def test_the_only_student_of_a_class_is_named_without_a_second() -> None:
    assert decide(samples(3), [Match("ann", NEAR)], three, 1).id == "ann"


@given(st.integers(2, 12), st.integers(1, 6), st.integers(1, 5000))
def test_a_larger_gallery_is_never_laxer(count: int, photographs: int, size: int) -> None:
    assert threshold(count, photographs, size + 1) <= threshold(count, photographs, size)


@pytest.mark.parametrize("photographs", [1, 2, 3, 5])
def test_patience_is_rewarded(photographs: int) -> None:
    assert threshold(MANY_SAMPLES, photographs, CLASS) > threshold(MANY_SAMPLES - 1, photographs, CLASS)


def test_the_margin_is_largest_where_doubt_is() -> None:
    assert margin(2) > margin(5)
    assert margin(5, confusable=True) > margin(2)


def test_of_a_still_a_name_is_proposed_and_never_given() -> None:
    states = [
        propose([Match("ann", first), Match("bob", FAR)], three, CLASS).state for first in (NEAR, 0.34, 0.6)
    ]
    assert states == [State.CONFIRMING, State.UNCERTAIN, State.UNKNOWN]
    assert propose([Match("ann", NEAR), Match("bob", FAR)], three, CLASS).id is None


def test_bad_looks_do_not_spoil_a_good_track() -> None:
    good = [Sample(templates(1)[0], 0.9, float(at)) for at in range(3)]
    bad = [Sample(-templates(1)[0], 0.2, 10.0 + at) for at in range(5)]
    assert np.allclose(template_of(good + bad), templates(1)[0], atol=1e-6)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 60)), min_size=1, max_size=40), st.integers(0, 50))
def test_selecting_twice_changes_nothing(raw: list[tuple[float, float]], seed: int) -> None:
    track = [Sample(row, *pair) for row, pair in zip(templates(len(raw), seed), raw, strict=True)]
    chosen = select(track)
    assert 1 <= len(chosen) <= MOST_SAMPLES
    assert select(chosen) == chosen
    assert np.linalg.norm(template_of(track)) == pytest.approx(1, abs=1e-5)
    assert (template_of(track) == template_of(chosen)).all()


def test_better_looks_weigh_more() -> None:
    a, b = templates(2)
    mean = template_of([Sample(a, 1.0, 0.0), Sample(b, 0.6, 1.0)])
    assert mean @ a > mean @ b


def test_no_looks_have_no_template() -> None:
    with pytest.raises(ValueError, match="samples"):
        template_of([])


def claim(name: str, distance: float) -> Decision:
    return Decision(State.RECOGNISED, name, distance, 0.3, 0.99, 4, (Match(name, distance),))


@settings(max_examples=150)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 30)), max_size=6))
def test_a_frame_names_each_student_once_and_no_better_way_exists(raw: list[tuple[str, int]]) -> None:
    faces = [claim(name, distance / 100) for name, distance in raw]
    given_names = [decision.id for decision in assign(faces)]
    named = [name for name in given_names if name is not None]
    assert len(named) == len(set(named))
    # Where nobody lies within a tie, each student goes to the nearest of the faces that claim it.
    for name in {name for name, _ in raw}:
        claims = sorted(d for other, d in raw if other == name)
        if len(claims) == 1 or claims[1] - claims[0] > 2:
            assert raw[given_names.index(name)] == (name, claims[0])


def test_two_faces_equally_like_one_student_are_both_asked_about() -> None:
    found = assign([claim("ann", 0.20), claim("ann", 0.21), claim("bob", 0.2)])
    assert [decision.state for decision in found] == [State.UNCERTAIN, State.UNCERTAIN, State.RECOGNISED]


def test_the_loser_of_a_frame_is_asked_about() -> None:
    found = assign([claim("ann", 0.25), claim("ann", 0.15)])
    assert [decision.id for decision in found] == [None, "ann"]
    assert found[0].state is State.UNCERTAIN


def test_proposals_of_a_still_are_one_to_one_too() -> None:
    one = propose([Match("ann", 0.15), Match("bob", FAR)], three, CLASS)
    other = propose([Match("ann", 0.22), Match("bob", FAR)], three, CLASS)
    found = assign([one, other], state=State.CONFIRMING)
    assert [decision.state for decision in found] == [State.CONFIRMING, State.UNCERTAIN]


SCHOOL = 1000


def asked_about(
    count: int, first: float, second: float = FAR, excluded: frozenset[str] = frozenset()
) -> str | None:
    matches = [Match("ada", first), Match("bob", second)]
    return visitor(samples(count), matches, three, SCHOOL, excluded=excluded)


def test_a_visitor_is_asked_about_after_five_looks_only() -> None:
    assert [asked_about(count, NEAR) for count in range(MANY_SAMPLES + 1)] == [None] * MANY_SAMPLES + ["ada"]
    assert [stranger(seen(count, FAR, FAR + 0.2)) for count in (MANY_SAMPLES - 1, MANY_SAMPLES)] == [
        False,
        True,
    ]
    assert not stranger(seen(MANY_SAMPLES, MIDDLING))
    assert not stranger(seen(MANY_SAMPLES, NEAR))


@given(st.floats(0, 0.6))
def test_whoever_may_be_a_visitor_would_have_had_a_name_in_a_class(distance: float) -> None:
    if asked_about(MANY_SAMPLES, distance) is not None:
        assert seen(MANY_SAMPLES, distance).state is State.RECOGNISED


def test_the_larger_the_school_the_nearer_a_visitor_must_be() -> None:
    limits = []
    for size in (100, 1000, 10_000):
        found = [
            at / 1000
            for at in range(400)
            if visitor(samples(MANY_SAMPLES), [Match("ada", at / 1000)], three, size) is not None
        ]
        limits.append(max(found))
    assert limits == sorted(limits, reverse=True)
    assert len(set(limits)) == 3
    assert max(limits) < threshold(MANY_SAMPLES, 3, CLASS)


def test_a_visitor_needs_the_lead_of_twins() -> None:
    lead = margin(MANY_SAMPLES, confusable=True)
    assert asked_about(MANY_SAMPLES, NEAR, NEAR + lead - 0.01) is None
    assert asked_about(MANY_SAMPLES, NEAR, NEAR + lead + 0.01) == "ada"


def test_nobody_else_takes_the_place_of_whom_a_person_ruled_out() -> None:
    assert asked_about(MANY_SAMPLES, NEAR, NEAR + 0.01, excluded=frozenset({"ada"})) is None
    assert asked_about(MANY_SAMPLES, NEAR, excluded=frozenset({"bob"})) == "ada"
    assert visitor(samples(MANY_SAMPLES), [], three, SCHOOL) is None
