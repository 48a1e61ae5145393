"""What a user loses if these fail: a champion judged on rows that it was trained on, or a successor trained on those it is judged on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mtl_models.config.corpus import Corpus as CorpusConfig
from mtl_models.corpora.corpus import SPLITS, Corpus
from mtl_models.corpora.fresh import KEPT_APART, LEARNED, held_keys, hold_apart, keep_test_rows, known_keys, learned_keys, new_rows
from mtl_models.corpora.ingest import ingest
from mtl_models.errors import CorpusError

Make = Callable[..., Corpus]
NOTHING = np.empty(0, dtype=np.uint64)


@pytest.fixture
def make(tmp_path: Path, config: Callable[..., CorpusConfig]) -> Make:
    """A corpus with given splits, of which each begins with four rows of its own; labels alternate."""

    def corpus(name: str, **more: list[str]) -> Corpus:
        path = tmp_path / f"{name}.csv"
        splits = {split: [f"{name} {split} {number}" for number in range(4)] + more.get(split, []) for split in SPLITS}
        rows = [(split, "xy"[number % 2], text) for split in SPLITS for number, text in enumerate(splits[split])]
        path.write_text("fold,label,text\n" + "".join(",".join(row) + "\n" for row in rows), encoding="utf-8")
        return ingest("mood", config(path, splits={"column": "fold"}), 13)

    return corpus


def texts(corpus: Corpus, split: str) -> list[str]:
    return list(corpus.splits[split]["text"])


def test_rows_that_the_champion_learned_from_do_not_test(make: Make) -> None:
    before = make("old", train=["seen in train"], dev=["seen in dev"], test=["held out"])
    now = make("new", test=["Seen; in TRAIN!", "seen in dev", "held out"])
    fresh = hold_apart(now, learned_keys([before]), NOTHING, 1)
    assert texts(fresh, "test") == [*texts(now, "test")[:4], "held out"]
    assert texts(fresh, "train") == texts(now, "train")
    assert fresh.report.dropped[LEARNED] == 2
    assert fresh.fingerprint != now.fingerprint


def test_rows_kept_for_the_regression_set_are_not_learned_from(make: Make) -> None:
    before = make("old", test=["held out", "held out too"])
    now = make("new", train=["held out"], dev=["Held out too."], test=["held out"][:0])
    fresh = hold_apart(now, NOTHING, held_keys([before]), 1)
    assert "held out" not in texts(fresh, "train")
    assert "Held out too." not in texts(fresh, "dev")
    assert fresh.report.dropped[KEPT_APART] == 2


def test_nothing_to_take_out_changes_nothing(make: Make) -> None:
    now = make("new")
    assert hold_apart(now, learned_keys([make("old")]), NOTHING, 1).fingerprint == now.fingerprint


def test_too_few_fresh_rows_are_no_test(make: Make) -> None:
    now = make("new")
    with pytest.raises(CorpusError, match=r"0 fresh test rows are left, fewer than retraining.min_test_rows \(3\).*learned from 4 of 4"):
        hold_apart(now, held_keys([now]), NOTHING, 3)


def test_a_class_that_the_regression_set_swallows_is_told_of(make: Make) -> None:
    now = make("new")
    swallowed = make("old", test=["new train 0", "new train 2"])
    with pytest.raises(CorpusError, match="every train row of class 'x' is in the regression set"):
        hold_apart(now, NOTHING, held_keys([swallowed]), 1)


def test_new_rows_are_those_whose_text_no_split_held(make: Make) -> None:
    before = make("old", train=["one"], dev=["two"], test=["three"])
    now = make("new", train=["ONE", "four"], test=["two", "three"])
    new = new_rows(now, known_keys([before]))
    assert new["train"].tolist() == [True] * 4 + [False, True]
    assert new["test"].tolist() == [True] * 4 + [False, False]


def test_kept_rows_are_a_fixed_draw_of_test_rows_alone(make: Make) -> None:
    corpus = make("old", test=[f"more {number}" for number in range(30)])
    kept = keep_test_rows(corpus, 10, 13)
    assert len(kept.splits["train"]) == len(kept.splits["dev"]) == 0
    assert len(kept.splits["test"]) == 10
    assert set(texts(kept, "test")) <= set(texts(corpus, "test"))
    assert keep_test_rows(corpus, 10, 13).fingerprint == kept.fingerprint
    assert len(keep_test_rows(corpus, 100, 13).splits["test"]) == 34
    assert len(keep_test_rows(corpus, 0, 13).splits["test"]) == 0
