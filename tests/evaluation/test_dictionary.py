"""What a user loses if these fail: a reference on words that is weaker than what anybody could write, so that a network looks good."""

from __future__ import annotations

from collections.abc import Sequence

import datasets
import pytest

from mtl_models.config.judging import Reference
from mtl_models.corpora.corpus import SPLITS, Corpus, CorpusReport, features_of
from mtl_models.evaluation.dictionary import train_dictionary
from mtl_models.evaluation.metrics import measure
from mtl_models.evaluation.references import train_pooled_reference, train_single_reference

import marking

Row = tuple[str, list[int]]


def corpus(kind: str, labels: Sequence[str], train: Sequence[Row], test: Sequence[Row], task: str = "made") -> Corpus:
    splits = {
        split: datasets.Dataset.from_dict(
            {
                "id": [f"{split}-{number}" for number in range(len(rows))],
                "text": [text for text, _ in rows],
                "label": [label for _, label in rows],
                "group": [""] * len(rows),
            },
            features=features_of(kind),
        )
        for split, rows in zip(SPLITS, (train, [], test), strict=True)
    }
    return Corpus(CorpusReport(task=task, kind=kind, source="made", labels=tuple(labels), rows_read=len(train) + len(test)), splits)


def found_in(kind: str, labels: Sequence[str], train: Sequence[Row], text: str) -> list[list[int]]:
    return train_dictionary([corpus(kind, labels, train, [(text, [])])])["made"].found[0].tolist()


def test_the_longest_run_is_tagged_with_its_most_frequent_type() -> None:
    train = [
        ("New York is big", [0, 2, 0]),
        ("York is old", [0, 1, 0]),
        ("New York Times", [0, 3, 1]),
        ("read New York", [1, 3, 1]),
        ("see New York", [1, 3, 0]),
    ]
    found = found_in("tagging", ("LOC", "ORG"), train, "the New York Times and New York and York")
    assert found == [[1, 4, 1], [5, 7, 0]]  # York stands in longer spans more often than by itself


def test_a_word_left_alone_more_often_is_not_marked() -> None:
    train = [("May left", [0, 1, 0]), ("you May go", []), ("it May be", []), ("Ann left", [0, 1, 0]), ("Ann said so", [])]
    assert found_in("tagging", ("PER",), train, "May saw Ann") == [[2, 3, 0]]


def test_mentions_lie_within_each_other() -> None:
    train = [("the mayor of Rome spoke", [0, 4, 0, 3, 4, 1]), ("Rome spoke", [0, 1, 1])]
    assert sorted(found_in("mentions", ("PER", "LOC"), train, "the mayor of Rome left Rome")) == [[0, 4, 0], [3, 4, 1], [5, 6, 1]]


def test_pairs_are_related_that_were() -> None:
    train = [
        ("Ann lives in Rome", [0, 1, 3, 4, 0]),
        ("Rome is where Ann works", []),
        ("Bo lives in Oslo", [0, 1, 3, 4, 0]),
        ("Bo left Oslo", []),
        ("Bo hates Oslo", []),
    ]
    assert found_in("relations", ("lives in",), train, "in Rome sleeps Ann , in Oslo Bo") == [[3, 4, 1, 2, 0]]


def test_the_same_words_are_one_cluster() -> None:
    train = [("The king slept and the king woke he said he", [0, 2, 0, 4, 6, 0, 7, 8, 1, 9, 10, 1])]
    text = "the king saw he and The king"
    assert found_in("coreference", ("cluster",), train, text) == [[0, 2, 0], [5, 7, 0]]
    alone = [("The king slept", [0, 2, 0]), ("he said", [0, 1, 0])]
    assert found_in("coreference", ("cluster",), alone, text) == [[0, 2, 0], [5, 7, 0], [3, 4, 1]]


def test_tasks_with_the_same_types_share_a_dictionary_in_whatever_order_they_have_them() -> None:
    one = corpus("tagging", ("LOC", "PER"), [("Ann left", [0, 1, 1])], [("Ann saw Rome", [])], "one")
    other = corpus("tagging", ("PER", "LOC"), [("Rome fell", [0, 1, 1])], [("Ann saw Rome", [])], "other")
    pooled = train_pooled_reference([one, other], Reference(), 1)
    assert pooled["one"].found[0].tolist() == [[0, 1, 1], [2, 3, 0]]
    assert pooled["other"].found[0].tolist() == [[0, 1, 0], [2, 3, 1]]
    assert train_single_reference(one, Reference(), 1).found[0].tolist() == [[0, 1, 1]]


@pytest.mark.parametrize("kind", ["tagging", "mentions", "relations", "coreference"])
def test_train_rows_without_a_mark_find_nothing(kind: str) -> None:
    assert found_in(kind, ("x",), [("nothing here", [])], "nothing there") == []


@pytest.mark.parametrize("task", ["names", "phrases", "pairs"])
def test_it_does_well_where_words_decide(task: str) -> None:
    measured = measure(train_single_reference(marking.corpus(task), Reference(), 1))
    reached = measured.more["f1"]
    assert reached > (0.2 if task == "pairs" else 0.9)
