"""Thresholds and confidence from distances, and fits to a school, which are never less strict."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognition.engine.identification.calibration import COUNTS, fit_confidence, fit_tail, fitted_to
from recognition.engine.identification.defaults import DEFAULT

distance = st.floats(0.05, 0.8)
count = st.integers(1, 20)
size = st.integers(1, 5000)


@given(count, count, size, st.floats(1e-6, 0.5))
def test_threshold_is_the_inverse_of_fpir(samples: int, photographs: int, n: int, fpir: float) -> None:
    limit = DEFAULT.threshold(samples, photographs, n, fpir)
    if limit > 0:
        assert DEFAULT.fpir(limit, samples, photographs, n) == pytest.approx(fpir, rel=1e-3)


@given(distance, distance, count, count, size)
def test_smaller_distance_is_never_less_likely(
    first: float, second: float, samples: int, photographs: int, n: int
) -> None:
    near, far = sorted((first, second))
    assert DEFAULT.confidence(near, samples, photographs, n) >= DEFAULT.confidence(
        far, samples, photographs, n
    )
    assert DEFAULT.fpir(near, samples, photographs, n) <= DEFAULT.fpir(far, samples, photographs, n)


@given(distance, count, count, size)
def test_confidence_falls_with_the_gallery_size(d: float, samples: int, photographs: int, n: int) -> None:
    assert DEFAULT.confidence(d, samples, photographs, n + 1) <= DEFAULT.confidence(
        d, samples, photographs, n
    )


def test_threshold_is_interpolated_between_counts() -> None:
    limits = [DEFAULT.threshold(3, photographs, 30, 1e-3) for photographs in (3, 4, 5, 50)]
    assert min(limits[0], limits[2]) <= limits[1] <= max(limits[0], limits[2])
    assert limits[2] == limits[3]


def test_default_agrees_with_other_people_of_lfw() -> None:
    """Thresholds measured once on other people of LFW: the default may be slightly stricter, never less strict."""
    measured = {(1, 1): 0.327, (2, 1): 0.314, (3, 1): 0.309, (1, 3): 0.308, (3, 3): 0.289, (1, 2): 0.312}
    for (samples, photographs), wanted in measured.items():
        limit = DEFAULT.threshold(samples, photographs, 30, 1e-3)
        assert wanted - 0.045 <= limit <= wanted + 0.002
    assert len(DEFAULT.cells) == len(COUNTS)


def test_fit_tail_finds_a_known_distribution() -> None:
    drawn = np.random.default_rng(1).normal(0.55, 0.06, 400_000)
    mean, spread = fit_tail(drawn)
    assert mean == pytest.approx(0.55, abs=0.02)
    assert spread == pytest.approx(0.06, abs=0.006)


def test_confidence_is_calibrated_on_its_own_data() -> None:
    rng = np.random.default_rng(2)
    genuine, impostor = rng.normal(0.25, 0.05, 20_000), rng.normal(0.43, 0.04, 20_000)
    offset, slope = fit_confidence(genuine, impostor)
    both = np.concatenate([genuine, impostor])
    right = np.arange(len(both)) < len(genuine)
    confidence = 1 / (1 + np.exp(-(offset - slope * both)))
    for low, high in ((0.1, 0.4), (0.4, 0.6), (0.6, 0.9)):
        among = (confidence >= low) & (confidence < high)
        assert right[among].mean() == pytest.approx(confidence[among].mean(), abs=0.08)


def test_fit_is_stricter_for_a_school_of_lookalikes() -> None:
    children = np.random.default_rng(3).normal(0.48, 0.06, 20_000)
    fitted = fitted_to(DEFAULT, children.tolist(), photographs=3)
    assert fitted.threshold(3, 3, 30, 1e-3) < DEFAULT.threshold(3, 3, 30, 1e-3) - 0.02
    assert fitted.confidence(0.25, 3, 3, 30) < DEFAULT.confidence(0.25, 3, 3, 30)
    assert "school" in fitted.source


def test_fit_is_never_less_strict() -> None:
    far = np.random.default_rng(4).normal(0.7, 0.05, 20_000)
    assert fitted_to(DEFAULT, far.tolist()).threshold(2, 1, 30, 1e-3) == DEFAULT.threshold(2, 1, 30, 1e-3)


def test_fit_of_too_few_pairs_is_an_error() -> None:
    with pytest.raises(ValueError, match="too few"):
        fitted_to(DEFAULT, [0.5] * 999)


@pytest.mark.parametrize("fpir", [0.0, 1.0, -1.0])
def test_impossible_fpir_is_an_error(fpir: float) -> None:
    with pytest.raises(ValueError, match="FPIR"):
        DEFAULT.threshold(1, 1, 30, fpir)
