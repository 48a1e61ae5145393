"""What a user loses if these fail: spans within spans, or mentions that stand alone, which no layer of the network can find."""

from __future__ import annotations

import datasets
import pytest

from mtl_models.config.experiment import TaskSettings
from mtl_models.corpora.corpus import SPLITS, Corpus, CorpusReport, features_of
from mtl_models.tasks.task import DEEPEST, Task


def task_of(kind: str, train: list[list[int]]) -> Task:
    """The task of a corpus with such annotations; the held-out splits have deeper ones and clusters of one."""
    held_out = [[0, 5, 0, 1, 4, 0, 2, 3, 0, 2, 4, 1]]
    splits = {}
    for split in SPLITS:
        rows = train if split == "train" else held_out
        columns = {"id": [str(row) for row in range(len(rows))], "text": ["a b c d e f g h i j"] * len(rows), "label": rows}
        splits[split] = datasets.Dataset.from_dict({**columns, "group": [""] * len(rows)}, features=features_of(kind))
    return Task.of(
        TaskSettings(kind=kind), Corpus(CorpusReport(task="one", kind=kind, source="made", labels=("a", "b"), rows_read=9), splits)
    )


@pytest.mark.parametrize(
    ("spans", "depth"),
    [
        ([[], []], 1),
        ([[0, 2, 0, 2, 4, 0]], 1),
        ([[0, 2, 0], [3, 5, 0, 0, 9, 1, 4, 5, 0]], 3),
        ([[0, 3, 0, 2, 5, 0]], 2),
        ([[number for end in range(1, 10) for number in (0, end, 0)]], DEEPEST),
    ],
)
def test_depth_is_the_most_spans_on_one_word_of_the_train_split(spans, depth: int) -> None:
    assert task_of("mentions", spans).depth == depth
    assert task_of("tagging", spans).depth == 1


def test_singletons_are_known_from_the_train_split() -> None:
    assert task_of("coreference", [[0, 1, 0, 2, 3, 0], [0, 1, 0, 2, 3, 1, 4, 5, 0]]).singletons
    assert not task_of("coreference", [[0, 1, 0, 2, 3, 0], []]).singletons
