"""Texts that one task trains on and another holds out: found by key, and taken from the training side."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import datasets
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mtl_models.corpora.arrow import RowWriter, open_rows
from mtl_models.corpora.corpus import FEATURES, Corpus, Split, features_of
from mtl_models.corpora.keys import EMPTY, Keys, split_keys
from mtl_models.errors import CorpusError
from mtl_models.files import writing_file
from mtl_models.home import home_folder

__all__ = ["LEAKED", "separate", "without_rows"]

LEAKED = "held out by another task"

_HOLDING: dict[Split, tuple[Split, ...]] = {"train": ("dev", "test"), "dev": ("test",)}
"""A joint model must not train on another task's dev or test texts, nor be picked by another task's test texts."""


def separate(corpora: Sequence[Corpus], task: str) -> Corpus:
    """The corpus of `task` without the train rows whose text another task holds out for dev or test, and the dev rows another tests on.

    Texts are compared in normalised form (`keys.normalised`). `report.leaks` gets, for each other task, how many rows its held-out texts
    touch (a row may count for several tasks); `report.dropped` how many rows went in all. `corpora` holds every task's corpus as ingested:
    what is held out does not depend on the order of the tasks. Raises `CorpusError` when a class has no train or dev row left.
    """
    mine = next(corpus for corpus in corpora if corpus.task == task)
    held = {
        corpus.task: {split: split_keys(corpus.splits[split]) for split in ("dev", "test")} for corpus in corpora if corpus.task != task
    }
    splits, leaks, gone = dict(mine.splits), dict.fromkeys(held, 0), 0
    for split, holding in _HOLDING.items():
        keys = split_keys(mine.splits[split])
        leaked = np.zeros(len(keys), dtype=np.bool_)
        for other, of_split in held.items():
            touched = _in_any(keys, [of_split[name] for name in holding])
            leaks[other] += int(touched.sum())
            leaked |= touched
        if leaked.any():
            splits[split] = without_rows(mine, split, leaked)
            gone += int(leaked.sum())
    if not gone:
        return mine
    changed = mine.report.model_copy(
        update={"leaks": {other: count for other, count in leaks.items() if count}, "dropped": {**mine.report.dropped, LEAKED: gone}}
    )
    result = Corpus(changed, splits)
    _check_classes(mine, result)
    return result


def _in_any(keys: Keys, held: Sequence[Keys]) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = np.isin(keys, np.concatenate(held)) & (keys != EMPTY)
    return found


def without_rows(corpus: Corpus, split: Split, leaked: npt.NDArray[np.bool_]) -> datasets.Dataset:
    """The split less some rows, in a file of its own: picking rows through `select` is slow and heavy on large corpora."""
    name = hashlib.sha256(f"{corpus.fingerprint} {split} ".encode() + np.packbits(leaked).tobytes()).hexdigest()
    path = home_folder("cache", "separated") / f"{name}.arrow"
    if not path.is_file():
        with writing_file(path) as draft, RowWriter(draft, features_of(corpus.kind)) as writer:
            first = 0
            for batch in corpus.splits[split].with_format("arrow").iter(10_000):
                rows = batch.filter(pa.array(~leaked[first : first + batch.num_rows]))
                first += batch.num_rows
                writer.write({column: rows[column].combine_chunks() for column in FEATURES})
    return open_rows(path)


def _check_classes(before: Corpus, after: Corpus) -> None:
    for split in _HOLDING:
        for number in np.flatnonzero((before.class_counts(split) > 0) & (after.class_counts(split) == 0)):
            raise CorpusError(
                f"{after.task}: every {split} row of class '{after.labels[number]}' has a text that another task holds out "
                f"({', '.join(after.report.leaks)}); do the tasks share a file? Give them the same split, or leave one out"
            )
