"""The intervals that decide a promotion must be those of the paired bootstrap."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_models.evaluation import bootstrap
from mtl_models.evaluation.bootstrap import estimate, resample
from mtl_models.tasks.scores.classes import ClassScores
from mtl_models.tasks.scores.confusion import METRICS, confusion_counts

metrics = st.sampled_from(sorted(METRICS))


@st.composite
def contest(draw):
    """Classes, gold, and what two models found."""
    classes = draw(st.integers(2, 4))
    column = st.lists(st.integers(0, classes - 1), min_size=1, max_size=30)
    gold = np.array(draw(column))
    same_length = st.lists(st.integers(0, classes - 1), min_size=len(gold), max_size=len(gold)).map(np.array)
    return classes, gold, draw(same_length), draw(same_length)


def differences(gold, a, b, classes, metric, seed=0, resamples=200):
    found = resample(gold, {"a": a, "b": b}, ClassScores(classes), metric, resamples, np.random.default_rng(seed))
    return found["a"] - found["b"]


@given(contest(), metrics, st.integers(0, 2**31))
@settings(deadline=None, max_examples=50)
def test_equal_predictions_never_differ(case, metric, seed) -> None:
    classes, gold, a, _ = case
    assert not differences(gold, a, a.copy(), classes, metric, seed).any()


@given(contest(), metrics, st.integers(0, 2**31))
@settings(deadline=None, max_examples=50)
def test_order_of_the_candidates_does_not_matter(case, metric, seed) -> None:
    classes, gold, a, b = case
    one = resample(gold, {"x": a, "y": b}, ClassScores(classes), metric, 100, np.random.default_rng(seed))
    other = resample(gold, {"y": b, "x": a}, ClassScores(classes), metric, 100, np.random.default_rng(seed))
    np.testing.assert_array_equal(one["x"], other["x"])
    np.testing.assert_array_equal(one["x"] - one["y"], -(other["y"] - other["x"]))


@given(contest(), metrics)
@settings(deadline=None, max_examples=20)
def test_antisymmetric_in_distribution(case, metric) -> None:
    classes, gold, a, b = case
    forth = differences(gold, a, b, classes, metric, seed=1, resamples=2000)
    back = differences(gold, b, a, classes, metric, seed=2, resamples=2000)
    margin = 6 * np.hypot(forth.std(), back.std()) / np.sqrt(2000) + 1e-9
    assert forth.mean() == pytest.approx(-back.mean(), abs=margin)


@given(contest(), metrics)
@settings(deadline=None, max_examples=30)
def test_row_order_does_not_matter(case, metric) -> None:
    classes, gold, a, b = case
    order = np.random.default_rng(3).permutation(len(gold))
    np.testing.assert_array_equal(differences(gold, a, b, classes, metric), differences(gold[order], a[order], b[order], classes, metric))


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_cells_resample_as_rows_do(metric) -> None:
    """Mean, deviation and quantiles of the differences are those of a plain bootstrap over rows."""
    rng = np.random.default_rng(5)
    gold = rng.integers(3, size=60)
    a, b = (np.where(rng.random(60) < right, gold, rng.integers(3, size=60)) for right in (0.7, 0.5))
    rounds = 6000
    by_cells = differences(gold, a, b, 3, metric, seed=11, resamples=rounds)
    rows = np.random.default_rng(12).integers(60, size=(rounds, 60))
    by_rows = np.array(
        [float(METRICS[metric](confusion_counts(gold[r], a[r], 3)) - METRICS[metric](confusion_counts(gold[r], b[r], 3))) for r in rows]
    )
    noise = by_rows.std() / np.sqrt(rounds)
    assert by_cells.mean() == pytest.approx(by_rows.mean(), abs=5 * noise)
    assert by_cells.std() == pytest.approx(by_rows.std(), rel=0.06)
    np.testing.assert_allclose(np.quantile(by_cells, [0.025, 0.5, 0.975]), np.quantile(by_rows, [0.025, 0.5, 0.975]), atol=12 * noise)


def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """Two models of known accuracy .80 and .70, judged on 300 samples of 200 rows."""
    rng = np.random.default_rng(7)
    covered = 0
    for _ in range(300):
        gold = rng.integers(2, size=200)
        a = np.where(rng.random(200) < 0.8, gold, 1 - gold)
        b = np.where(rng.random(200) < 0.7, gold, 1 - gold)
        found = resample(gold, {"a": a, "b": b}, ClassScores(2), "accuracy", 400, rng)
        interval = estimate(0.0, found["a"] - found["b"], 0.9)
        covered += interval.low <= 0.1 <= interval.high
    assert 0.84 <= covered / 300 <= 0.95


def test_pairing_narrows_the_interval() -> None:
    rng = np.random.default_rng(8)
    gold = rng.integers(2, size=500)
    a = np.where(rng.random(500) < 0.8, gold, 1 - gold)
    b = a.copy()
    b[:10] = 1 - b[:10]
    paired = resample(gold, {"a": a, "b": b}, ClassScores(2), "accuracy", 1000, rng)
    assert (paired["a"] - paired["b"]).std() < 0.4 * np.hypot(paired["a"].std(), paired["b"].std())


def test_chunks_change_nothing_but_the_memory(monkeypatch) -> None:
    rng = np.random.default_rng(9)
    gold, a = rng.integers(3, size=100), rng.integers(3, size=100)
    whole = resample(gold, {"a": a}, ClassScores(3), "macro_f1", 500, np.random.default_rng(1))["a"]
    monkeypatch.setattr(bootstrap, "_NUMBERS_AT_ONCE", 100)
    assert whole.shape == (500,)
    np.testing.assert_array_equal(whole, resample(gold, {"a": a}, ClassScores(3), "macro_f1", 500, np.random.default_rng(1))["a"])


def test_a_hundred_thousand_rows_take_a_moment() -> None:
    rng = np.random.default_rng(10)
    gold, a, b = (rng.integers(5, size=100_000) for _ in range(3))
    began = time.perf_counter()
    differences(gold, a, b, 5, "macro_f1", resamples=2000)
    assert time.perf_counter() - began < 2.0


def test_estimate_takes_the_central_share() -> None:
    found = estimate(0.5, np.arange(101) / 100, 0.9)
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.05, 0.95))
