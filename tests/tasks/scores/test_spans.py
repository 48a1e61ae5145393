"""What a user loses if these fail: an F1 that is not the one others report."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.scheme import IOB2

from mtl_models.corpora.annotations import annotations_of
from mtl_models.tasks.scores.scores import EVERY_KIND, scores_of, shown_metric, values

WORDS = 8


@st.composite
def spans(draw):
    """Spans of two types that do not overlap, as flat numbers."""
    borders = sorted(draw(st.sets(st.integers(0, WORDS), max_size=6)))
    return [number for low, high in itertools.pairwise(borders) if draw(st.booleans()) for number in (low, high, draw(st.integers(0, 1)))]


def tags(annotations: np.ndarray) -> list[str]:
    found = ["O"] * WORDS
    for start, end, label in annotations:
        found[start:end] = [f"B-{label}", *[f"I-{label}"] * (end - start - 1)]
    return found


@given(st.lists(st.tuples(spans(), spans()), min_size=1, max_size=6))
@settings(deadline=None, max_examples=60)
def test_span_scores_are_seqevals_strict_ones(texts) -> None:
    gold, found = (annotations_of(side, "tagging") for side in zip(*texts, strict=True))
    measured = values(scores_of("tagging", 2), gold, found)
    tagged = [tags(text) for text in gold], [tags(text) for text in found]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if any(tag != "O" for side in tagged for text in side for tag in text):
            for name, score in (("f1", f1_score), ("precision", precision_score), ("recall", recall_score)):
                assert measured[name] == pytest.approx(score(*tagged, mode="strict", scheme=IOB2, zero_division=0))
    assert {measured[name] for name in EVERY_KIND} == {measured["f1"]}


def test_a_span_found_twice_counts_once_and_nothing_anywhere_is_zero() -> None:
    scores = scores_of("mentions", 1)
    found = values(scores, annotations_of([[0, 2, 0]], "mentions"), annotations_of([[0, 2, 0, 0, 2, 0]], "mentions"))
    assert found["precision"] == found["recall"] == 1.0
    nothing = annotations_of([[], []], "mentions")
    assert values(scores, nothing, nothing)["f1"] == 0.0


def test_spans_of_different_texts_are_different() -> None:
    gold, found = (annotations_of(side, "tagging") for side in ([[0, 1, 0], []], [[], [0, 1, 0]]))
    assert values(scores_of("tagging", 1), gold, found)["f1"] == 0.0


def test_a_relation_needs_both_last_words_and_the_type() -> None:
    gold = annotations_of([[0, 2, 4, 6, 1, 8, 9, 0, 2, 0]], "relations")
    found = annotations_of([[1, 2, 5, 6, 1, 0, 2, 8, 9, 0, 1, 2, 5, 6, 0]], "relations")
    measured = values(scores_of("relations", 2), gold, found)
    assert measured["precision"] == pytest.approx(1 / 3)
    assert measured["recall"] == pytest.approx(1 / 2)
    assert measured["f1"] == pytest.approx(2 / 5)


def test_resampled_sums_are_those_of_resampled_texts() -> None:
    texts = [[0, 1, 0, 2, 3, 1], [1, 2, 1], []]
    gold, found = annotations_of(texts, "tagging"), annotations_of([[0, 1, 0], [1, 2, 0], [4, 5, 1]], "tagging")
    scores, drawn = scores_of("tagging", 2), np.array([0, 0, 2])
    sums = np.asarray(scores.parts(gold, found).todense())[drawn].sum(axis=0)
    assert float(scores.metrics["f1"](sums)) == values(scores, gold[drawn], found[drawn])["f1"]


def test_the_measure_that_stands_for_others_is_named() -> None:
    assert [shown_metric(kind, "macro_f1") for kind in ("tagging", "mentions", "relations", "coreference")] == ["f1"] * 3 + ["conll"]
    assert shown_metric("coreference", "muc") == "muc"
