"""Rows for a fair meeting of a trained model and a newer one: none that either has learned from, told by the keys of the texts."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from mtl_models.corpora.corpus import Corpus, CorpusReport, Split
from mtl_models.corpora.keys import EMPTY, Keys, scramble, split_keys
from mtl_models.corpora.leaks import without_rows
from mtl_models.errors import CorpusError

__all__ = ["KEPT_APART", "LEARNED", "held_keys", "hold_apart", "keep_test_rows", "known_keys", "learned_keys", "new_rows"]

LEARNED = "in test, but the champion learned from it"
KEPT_APART = "kept apart for the regression set"


def learned_keys(corpora: Iterable[Corpus]) -> Keys:
    """The texts of all train and dev rows: what was learned from, and what decided when to stop."""
    return _keys(corpora, ("train", "dev"))


def known_keys(corpora: Iterable[Corpus]) -> Keys:
    """The texts of all rows."""
    return _keys(corpora, ("train", "dev", "test"))


def held_keys(corpora: Iterable[Corpus]) -> Keys:
    """The texts of all test rows."""
    return _keys(corpora, ("test",))


def new_rows(corpus: Corpus, known: Keys) -> dict[Split, npt.NDArray[np.bool_]]:
    """Split -> which of its rows (N,) have a text that is not among `known`."""
    return {split: ~_among(split_keys(rows), known) for split, rows in corpus.splits.items()}


def hold_apart(corpus: Corpus, learned: Keys, regression: Keys, least: int) -> Corpus:
    """The corpus without test rows that are among `learned`, and without train and dev rows that are among `regression`.

    How many went is in `report.dropped`, as `LEARNED` and `KEPT_APART`. `CorpusError` where fewer than `least` test rows are left, or
    where a class has no train row left.
    """
    splits, dropped = dict(corpus.splits), dict(corpus.report.dropped)
    asked: tuple[tuple[Split, Keys, str], ...] = (
        ("test", learned, LEARNED),
        ("train", regression, KEPT_APART),
        ("dev", regression, KEPT_APART),
    )
    for split, keys, reason in asked:
        gone = _among(split_keys(corpus.splits[split]), keys)
        if gone.any():
            splits[split] = without_rows(corpus, split, gone)
            dropped[reason] = dropped.get(reason, 0) + int(gone.sum())
    fresh = Corpus(corpus.report.model_copy(update={"dropped": dropped}), splits)
    rows = len(fresh.splits["test"])
    if rows < least:
        raise CorpusError(
            f"{corpus.task}: {rows} fresh test rows are left, fewer than retraining.min_test_rows ({least}): the champion learned from "
            f"{dropped.get(LEARNED, 0)} of {len(corpus.splits['test'])}; add rows, or give the test rows by splits.sources or splits.column"
        )
    lost = np.flatnonzero((corpus.class_counts("train") > 0) & (fresh.class_counts("train") == 0))
    if lost.size:
        raise CorpusError(
            f"{corpus.task}: every train row of class '{corpus.labels[lost[0]]}' is in the regression set; lower retraining.regression_rows"
        )
    return fresh


def keep_test_rows(corpus: Corpus, most: int, seed: int) -> Corpus:
    """A corpus of `most` test rows, drawn by seed, or all where there are no more; nothing to train on."""
    keys = split_keys(corpus.splits["test"])
    drawn = np.argsort(scramble(keys, seed, 0), kind="stable")[:most]
    left = np.ones(len(keys), dtype=np.bool_)
    left[drawn] = False
    gone: dict[Split, npt.NDArray[np.bool_]] = {split: np.ones(len(rows), dtype=np.bool_) for split, rows in corpus.splits.items()}
    splits = {split: without_rows(corpus, split, left if split == "test" else all_of_it) for split, all_of_it in gone.items()}
    return Corpus(_account(corpus.report, len(drawn)), splits)


def _account(report: CorpusReport, rows: int) -> CorpusReport:
    return report.model_copy(update={"rows_read": rows, "dropped": {}, "leaks": {}})


def _keys(corpora: Iterable[Corpus], splits: tuple[Split, ...]) -> Keys:
    found = [split_keys(corpus.splits[split]) for corpus in corpora for split in splits]
    return np.unique(np.concatenate(found)) if found else np.empty(0, dtype=np.uint64)


def _among(keys: Keys, others: Keys) -> npt.NDArray[np.bool_]:
    return np.asarray(np.isin(keys, others) & (keys != EMPTY))
