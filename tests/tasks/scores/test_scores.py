"""The scores of every kind are scikit-learn's and scipy's; a missing label counts nowhere."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from sklearn import metrics as sk

from mtl_models.tasks.missing import MISSING, present
from mtl_models.tasks.scores.scores import EVERY_KIND, scores_of, shown_metric, values

KINDS = ("single_label", "ordinal", "multi_label", "rating")


@st.composite
def ranked(draw):
    """Classes K, gold (N,), found (N,)."""
    classes = draw(st.integers(2, 5))
    number = st.integers(0, classes - 1)
    pairs = draw(st.lists(st.tuples(number, number), min_size=1, max_size=40))
    return classes, np.array([gold for gold, _ in pairs]), np.array([found for _, found in pairs])


@st.composite
def tagged(draw):
    """Gold (N, K) with missing labels, probabilities (N, K)."""
    shape = draw(st.integers(1, 20)), draw(st.integers(1, 4))
    gold = draw(hnp.arrays(np.int64, shape, elements=st.sampled_from([0, 1, MISSING])))
    return gold, draw(hnp.arrays(np.float64, shape, elements=st.floats(0, 1)))


@given(ranked())
@settings(deadline=None)
def test_ordered_scores_are_scikit_learns(case) -> None:
    classes, gold, found = case
    measured = values(scores_of("ordinal", classes), gold, np.eye(classes)[found])
    assert measured["rank_error"] == pytest.approx(sk.mean_absolute_error(gold, found))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kappa = sk.cohen_kappa_score(gold, found, labels=range(classes), weights="quadratic")
    assert measured["quadratic_kappa"] == pytest.approx(0.0 if np.isnan(kappa) else kappa)
    assert {name: measured[name] for name in EVERY_KIND} == pytest.approx(
        values(scores_of("single_label", classes), gold, np.eye(classes)[found])
    )


@given(tagged())
@settings(deadline=None)
def test_scores_of_label_sets_are_scikit_learns_label_by_label(case) -> None:
    gold, probabilities = case
    found = probabilities >= 0.5
    measured = values(scores_of("multi_label", gold.shape[1]), gold, probabilities)
    there = present(gold)
    if not there.any():
        assert all(np.isnan(value) for value in measured.values())
        return
    f1, mcc = [], []
    for k in range(gold.shape[1]):
        rows = there[:, k]
        f1.append(sk.f1_score(gold[rows, k], found[rows, k], zero_division=0) if rows.any() else 0.0)
        mcc.append(sk.matthews_corrcoef(gold[rows, k], found[rows, k]) if rows.any() else 0.0)
    right = [all(found[n, there[n]] == gold[n, there[n]]) for n in range(len(gold)) if there[n].any()]
    assert measured == pytest.approx(
        {
            "accuracy": np.mean(right),
            "macro_f1": np.mean(f1),
            "mcc": np.mean(mcc),
            "micro_f1": sk.f1_score(gold[there], found[there], zero_division=0),
        },
        abs=1e-12,
    )


@given(hnp.arrays(np.float64, (12, 2), elements=st.floats(-5, 5).map(lambda value: round(value, 2))), st.floats(-1e6, 1e6))
@settings(deadline=None)
def test_scores_of_ratings_are_scipys_wherever_zero_is(pairs, shift) -> None:
    gold, found = pairs[:, 0] + shift, pairs[:, 1] + shift
    measured = values(scores_of("rating", 1), gold, found[:, None])
    assert measured["mae"] == pytest.approx(sk.mean_absolute_error(gold, found), abs=1e-8)
    assert measured["rmse"] == pytest.approx(sk.root_mean_squared_error(gold, found), abs=1e-5)
    if pairs[:, 0].std() > 0.01 and pairs[:, 1].std() > 0.01:
        assert measured["pearson"] == pytest.approx(stats.pearsonr(pairs[:, 0], pairs[:, 1])[0], abs=1e-4)
    else:
        assert -1.0 <= measured["pearson"] <= 1.0


def test_equal_ratings_have_no_correlation() -> None:
    assert values(scores_of("rating", 1), np.full(9, 0.1), np.linspace(0, 1, 9)[:, None])["pearson"] == 0.0
    assert values(scores_of("rating", 1), np.linspace(0, 1, 9), np.full((9, 1), 0.1))["pearson"] == 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_what_stopping_and_comparisons_ask_for(kind: str) -> None:
    assert set(EVERY_KIND) <= set(scores_of(kind, 1).metrics)
    assert shown_metric(kind, "mcc") == ("pearson" if kind == "rating" else "mcc")
