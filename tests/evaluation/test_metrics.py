"""The measures in the report are scikit-learn's, and the calibration error is the paper's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from mtl_models.evaluation.metrics import calibration_error, measure
from mtl_models.evaluation.predictions import Predictions
from mtl_models.tasks.scores.confusion import METRICS, confusion_counts


@st.composite
def judged(draw) -> tuple[int, np.ndarray, np.ndarray]:
    """Classes K, gold (N,) and found (N,), classes often missing on either side."""
    classes = draw(st.integers(2, 5))
    pairs = draw(st.lists(st.tuples(st.integers(0, classes - 1), st.integers(0, classes - 1)), min_size=1, max_size=40))
    return classes, np.array([gold for gold, _ in pairs]), np.array([found for _, found in pairs])


@given(judged())
@settings(deadline=None)
def test_metrics_are_scikit_learns(case) -> None:
    classes, gold, found = case
    counts = confusion_counts(gold, found, classes)
    np.testing.assert_array_equal(counts, sk.confusion_matrix(gold, found, labels=range(classes)))
    expected = {
        "accuracy": sk.accuracy_score(gold, found),
        "macro_f1": sk.f1_score(gold, found, labels=range(classes), average="macro", zero_division=0),
        "mcc": sk.matthews_corrcoef(gold, found),
    }
    assert {name: float(metric(counts)) for name, metric in METRICS.items()} == pytest.approx(expected, abs=1e-12)


@given(st.lists(judged(), min_size=1, max_size=5))
@settings(deadline=None, max_examples=30)
def test_a_stack_of_counts_is_judged_one_by_one(cases) -> None:
    counts = np.stack([confusion_counts(gold % 2, found % 2, 2) for _, gold, found in cases])
    for metric in METRICS.values():
        np.testing.assert_allclose(metric(counts), [metric(one) for one in counts], atol=1e-12)


@given(judged(), st.integers(0, 2**31))
@settings(deadline=None)
def test_measure_agrees_with_scikit_learns_table(case, seed) -> None:
    classes, gold, _ = case
    spread = np.random.default_rng(seed).dirichlet(np.ones(classes), size=len(gold))
    labels = tuple("abcde"[:classes])
    found = measure(Predictions("t", labels, tuple(map(str, range(len(gold)))), gold, spread))
    table = sk.classification_report(
        gold, spread.argmax(axis=1), labels=range(classes), target_names=labels, output_dict=True, zero_division=0
    )
    assert found.rows == len(gold)
    assert found.macro_f1 == pytest.approx(table["macro avg"]["f1-score"])
    for label, its in found.classes.items():
        theirs = table[label]
        assert (its.precision, its.recall, its.f1, its.support) == pytest.approx(
            (theirs["precision"], theirs["recall"], theirs["f1-score"], theirs["support"])
        )
    assert type(found).model_validate_json(found.model_dump_json()) == found


def slow_calibration_error(gold, probabilities, bins: int) -> float:
    total = 0.0
    for number in range(bins):
        low, high = number / bins, (number + 1) / bins
        inside = [n for n, row in enumerate(probabilities) if low < row.max() <= high or (number == 0 and row.max() == 0)]
        if inside:
            right = sum(probabilities[n].argmax() == gold[n] for n in inside) / len(inside)
            sure = sum(probabilities[n].max() for n in inside) / len(inside)
            total += len(inside) / len(gold) * abs(right - sure)
    return total


@given(judged(), st.integers(0, 2**31), st.integers(1, 20))
@settings(deadline=None)
def test_calibration_error_is_the_slow_loops(case, seed, bins) -> None:
    classes, gold, _ = case
    spread = np.random.default_rng(seed).dirichlet(np.ones(classes), size=len(gold))
    assert calibration_error(gold, spread, bins) == pytest.approx(slow_calibration_error(gold, spread, bins), abs=1e-12)


def test_calibration_error_of_known_cases() -> None:
    sure = np.array([[1.0, 0.0]] * 4)
    assert calibration_error(np.array([0, 0, 0, 0]), sure) == 0.0
    assert calibration_error(np.array([1, 1, 1, 1]), sure) == 1.0
    assert calibration_error(np.array([0, 0, 0, 1]), np.array([[0.75, 0.25]] * 4)) == pytest.approx(0.0)
