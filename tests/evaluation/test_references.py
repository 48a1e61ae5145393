"""The references are what the joint model has to beat, so they must be real and repeatable."""

from __future__ import annotations

import numpy as np
import pytest

from mtl_models.config.judging import Reference
from mtl_models.errors import CorpusError
from mtl_models.evaluation.references import train_pooled_reference, train_single_reference

CONFIG = Reference(min_df=1)
GOOD, BAD = ["lovely plot", "lovely and bright", "bright start"], ["dull plot", "dull and grey", "grey start"]
FILMS = [(text, 1) for text in GOOD] + [(text, 0) for text in BAD]
PHONES = [("solid case", 1), ("solid and quick", 1), ("wobbly case", 0), ("wobbly and slow", 0)]


def test_learns_what_is_there(corpus) -> None:
    found = train_single_reference(corpus(FILMS, [("so lovely", 1), ("so grey", 0), ("dull", 0), ("bright", 1)]), CONFIG, 1)
    assert found.found.tolist() == [1, 0, 0, 1]
    assert found.ids == ("test-0", "test-1", "test-2", "test-3")
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1.0)


def test_equal_arguments_equal_predictions(corpus) -> None:
    rows = corpus(FILMS, [("lovely dull", 1), ("plot", 0)])
    assert train_single_reference(rows, CONFIG, 5).fingerprint == train_single_reference(rows, CONFIG, 5).fingerprint


def test_pooled_learns_from_the_other_tasks(corpus) -> None:
    films, phones = corpus(FILMS, [("wobbly", 0), ("solid", 1)], "films"), corpus(PHONES, [("grey", 0), ("lovely", 1)], "phones")
    alone = train_single_reference(films, CONFIG, 1)
    assert np.ptp(alone.probabilities[:, 1]) == 0
    pooled = train_pooled_reference([films, phones], CONFIG, 1)
    assert pooled["films"].found.tolist() == [0, 1]
    assert pooled["phones"].found.tolist() == [0, 1]


def test_pooling_goes_by_label_names_not_numbers(corpus) -> None:
    films = corpus(FILMS, [("wobbly", 0), ("solid", 1)], "films")
    phones = corpus([(text, 1 - label) for text, label in PHONES], [("grey", 1), ("lovely", 0)], "phones", labels=("good", "bad"))
    pooled = train_pooled_reference([films, phones], CONFIG, 1)
    assert pooled["films"].found.tolist() == [0, 1]
    assert pooled["phones"].found.tolist() == [1, 0]


def test_a_task_with_labels_of_its_own_is_not_pooled(corpus) -> None:
    films = corpus(FILMS, [("lovely", 1)], "films")
    places = corpus([("here now", 0), ("there then", 1)], [("here", 0)], "places", labels=("near", "far"))
    pooled = train_pooled_reference([films, places], CONFIG, 1)
    assert list(pooled) == ["films", "places"]
    assert pooled["films"].fingerprint == train_single_reference(films, CONFIG, 1).fingerprint


def test_a_class_that_train_never_shows_gets_no_probability(corpus) -> None:
    rows = corpus([(text, 2 * label) for text, label in FILMS], [("lovely", 2), ("meh", 1)], labels=("bad", "meh", "good"))
    found = train_single_reference(rows, CONFIG, 1)
    assert found.found[0] == 2
    assert (found.probabilities[:, 1] == 0).all()


def test_a_word_keeps_its_combining_vowel_signs(corpus) -> None:
    """`की` and `को` differ only in the vowel sign, which scikit-learn's own pattern cuts off."""
    found = train_single_reference(corpus([("की", 1), ("को", 0)], [("की", 1), ("को", 0)]), CONFIG, 1)
    assert found.found.tolist() == [1, 0]


def test_one_class_only_or_too_rare_words_are_a_clear_error(corpus) -> None:
    with pytest.raises(CorpusError, match=r"task mood.*labels \['good'\] only"):
        train_single_reference(corpus([("lovely", 1), ("bright", 1)], [("x", 0)]), CONFIG, 1)
    with pytest.raises(CorpusError, match=r"lower reference\.min_df"):
        train_single_reference(corpus([("lovely", 1), ("grey", 0)], [("x", 0)]), Reference(min_df=5), 1)
    with pytest.raises(CorpusError, match=r"lower reference\.min_df"):
        train_single_reference(corpus([("!!", 1), ("??", 0)], [("x", 0)]), CONFIG, 1)
