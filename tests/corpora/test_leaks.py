"""A text trained on in one task and tested on in another makes the joint model look better than it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mtl_models.config.corpus import Corpus as CorpusConfig
from mtl_models.corpora.corpus import SPLITS, Corpus
from mtl_models.corpora.ingest import ingest
from mtl_models.corpora.keys import normalised
from mtl_models.corpora.leaks import separate
from mtl_models.errors import CorpusError

Make = Callable[[str, dict[str, list[str]]], Corpus]
HELD = {"dev": ["dev a", "dev b"], "test": ["test a", "test b"]}


@pytest.fixture
def make(tmp_path: Path, config: Callable[..., CorpusConfig]) -> Make:
    """A corpus with given splits; labels alternate."""

    def corpus(task: str, splits: dict[str, list[str]]) -> Corpus:
        path = tmp_path / f"{task}.csv"
        rows = [(split, "xy"[number % 2], text) for split in SPLITS for number, text in enumerate(splits[split])]
        path.write_text("fold,label,text\n" + "".join(",".join(row) + "\n" for row in rows), encoding="utf-8")
        return ingest(task, config(path, splits={"column": "fold"}), 13)

    return corpus


def own(task: str, **splits: list[str]) -> dict[str, list[str]]:
    return {split: [f"{task} {split} {number}" for number in range(4)] + splits.get(split, []) for split in SPLITS}


def texts(corpus: Corpus, split: str) -> set[str]:
    return set(corpus.splits[split]["text"])


def test_train_rows_that_another_task_holds_out_go(make: Make) -> None:
    one = make("one", own("one", train=["Two TEST 0!", "two dev 1", "two train 1"], dev=["two dev 2", "two test 3"]))
    two = make("two", own("two"))
    three = make("three", own("three", test=["two test 0"]))
    apart = separate([one, two, three], "one")
    assert texts(apart, "train") == {f"one train {number}" for number in range(4)} | {"two train 1"}
    assert texts(apart, "dev") == {f"one dev {number}" for number in range(4)} | {"two dev 2"}, "dev texts may be shared, but no test text"
    assert texts(apart, "test") == texts(one, "test")
    assert apart.report.leaks == {"two": 3, "three": 1}
    assert apart.report.dropped["held out by another task"] == 3
    assert apart.fingerprint != one.fingerprint
    assert separate([one, two, three], "two") is two


def test_nothing_that_is_trained_on_is_tested_on(make: Make) -> None:
    shared = [f"shared {number}" for number in range(12)]
    corpora = [
        make("one", own("one", train=shared[:4], dev=shared[4:8], test=shared[8:])),
        make("two", own("two", train=shared[8:], dev=shared[:4], test=shared[4:8])),
        make("three", own("three", train=shared[4:8], dev=shared[8:], test=shared[:4])),
    ]
    apart = [separate(corpora, corpus.task) for corpus in corpora]
    trained = {normalised(text) for corpus in apart for text in texts(corpus, "train")}
    held = {normalised(text) for corpus in apart for split in ("dev", "test") for text in texts(corpus, split)}
    tested = {normalised(text) for corpus in apart for text in texts(corpus, "test")}
    assert not trained & held
    assert not tested & {normalised(text) for corpus in apart for text in texts(corpus, "dev")}


def test_empty_texts_do_not_leak(make: Make) -> None:
    one, two = make("one", own("one", train=["", " "])), make("two", own("two", test=["", "  "]))
    assert separate([one, two], "one") is one


def test_the_separated_rows_keep_label_id_and_order(make: Make) -> None:
    one, two = make("one", own("one", train=["two test 0"])), make("two", own("two"))
    assert separate([one, two], "one").splits["train"][:] == one.splits["train"][:4]


def test_a_file_given_to_two_tasks_with_other_splits_is_refused(make: Make) -> None:
    one, two = make("one", own("one")), make("two", own("two", test=[f"one train {number}" for number in range(4)]))
    with pytest.raises(CorpusError, match=r"one: every train row of class '[xy]' .* another task holds out \(two\)"):
        separate([one, two], "one")
