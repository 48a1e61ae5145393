"""Rows of two models can only be paired if every prediction knows its row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtl_models.corpora.annotations import renumbered
from mtl_models.errors import CorpusError
from mtl_models.evaluation.predictions import Predictions, predict_split
from mtl_models.tasks.task import Task


class Parrot:
    """A model that is sure of the class whose number the text ends with; its labels are in an order of its own."""

    def __init__(self, labels: tuple[str, ...] = ("good", "bad"), task: str = "mood") -> None:
        self.tasks = (Task(task, "single_label", labels),)
        self.labels = labels
        self.task = task

    def probabilities(self, texts, tasks, batch_size):
        assert tasks == [self.task]
        found = np.zeros((len(texts), len(self.labels)), dtype=np.float32)
        for row, text in enumerate(texts):
            found[row, self.labels.index(text.split()[-1])] = 1.0
        return {self.task: found}


def test_come_back_from_a_file_bit_for_bit(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    spread = rng.dirichlet(np.ones(3), size=50)
    before = Predictions("été", ("a", "b", "ç"), tuple(f"id {n}" for n in range(50)), rng.integers(3, size=50), spread)
    before.save(tmp_path / "p.parquet")
    after = Predictions.load(tmp_path / "p.parquet")
    assert (after.task, after.labels, after.ids) == (before.task, before.labels, before.ids)
    np.testing.assert_array_equal(after.gold, before.gold)
    np.testing.assert_array_equal(after.probabilities, before.probabilities)
    assert after.fingerprint == before.fingerprint


def test_single_precision_keeps_its_winner() -> None:
    spread = np.array([[0.5, 0.5], [0.49999997, 0.50000003]], dtype=np.float32)
    assert Predictions("t", ("a", "b"), ("1", "2"), np.array([0, 1]), spread).found.tolist() == spread.argmax(axis=1).tolist()


def test_fingerprint_follows_every_part(predictions) -> None:
    prints = {
        predictions([0, 1], [0, 1]).fingerprint,
        predictions([1, 1], [0, 1]).fingerprint,
        predictions([0, 1], [1, 1]).fingerprint,
        predictions([0, 1], [0, 1], task="other").fingerprint,
        predictions([0, 1], [0, 1], labels=("x", "y")).fingerprint,
    }
    assert len(prints) == 5


@pytest.mark.parametrize(
    ("ids", "gold", "spread", "message"),
    [
        ((), [], np.empty((0, 2)), "no rows"),
        (("a", "a"), [0, 1], np.full((2, 2), 0.5), "repeated"),
        (("a", "b"), [0, 2], np.full((2, 2), 0.5), "row 'b': label 2"),
        (("a", "b"), [0, -100], np.full((2, 2), 0.5), "row 'b': label -100"),
        (("a", "b"), [0, 1], np.array([[0.5, 0.5], [np.nan, 0.5]]), "row 'b'.*diverged"),
    ],
)
def test_refuses_what_cannot_be_judged(ids, gold, spread, message) -> None:
    with pytest.raises(CorpusError, match=message):
        Predictions("mood", ("bad", "good"), ids, np.array(gold, dtype=int), spread)


def test_shapes_must_fit() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        Predictions("mood", ("bad", "good"), ("a", "b"), np.array([0, 1]), np.full((2, 3), 0.3))


def test_another_parquet_file_is_named(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [1]}), tmp_path / "other.parquet")
    with pytest.raises(CorpusError, match=r"other\.parquet.*not of predictions"):
        Predictions.load(tmp_path / "other.parquet")


def test_columns_follow_the_corpus_not_the_model(corpus) -> None:
    found = predict_split(Parrot(), corpus([("x", 0)], [("so bad", 0), ("so good", 1), ("not bad", 1)]))
    assert found.ids == ("test-0", "test-1", "test-2")
    assert found.labels == ("bad", "good")
    assert found.gold.tolist() == [0, 1, 1]
    assert found.found.tolist() == [0, 1, 0]


def test_types_of_words_follow_the_corpus_not_the_model() -> None:
    rows = np.array([[0, 1, 0], [2, 4, 1]], dtype=np.int32)
    assert renumbered(rows, "tagging", ("PER", "LOC"), ("LOC", "PER")).tolist() == [[0, 1, 1], [2, 4, 0]]
    assert renumbered(rows, "coreference", ("cluster",), ("cluster",)).tolist() == rows.tolist()
    assert renumbered(rows[:0], "tagging", ("PER", "LOC"), ("LOC", "PER")).shape == (0, 3)


def test_a_model_without_the_task_or_with_other_labels_is_refused(corpus) -> None:
    rows = corpus([("x", 0)], [("so bad", 0)])
    with pytest.raises(CorpusError, match="does not know the task 'mood'; it knows weather"):
        predict_split(Parrot(task="weather"), rows)
    with pytest.raises(CorpusError, match="the model's labels are good, bad, meh, but the corpus has bad, good"):
        predict_split(Parrot(labels=("good", "bad", "meh")), rows)


def test_an_empty_split_is_refused(corpus) -> None:
    with pytest.raises(CorpusError, match="no rows"):
        predict_split(Parrot(), corpus([("x", 0)], []))
