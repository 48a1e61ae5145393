"""What a user loses if these fail: ids of a text that has changed since, a run that dies because another one writes the same cache."""

from __future__ import annotations

import multiprocessing
import resource
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_models.config.text import TextOptions
from mtl_models.corpora.corpus import FEATURES, Corpus, CorpusReport
from mtl_models.errors import PolytaskError
from mtl_models.tasks.task import Task
from mtl_models.training import encoding
from mtl_models.training.encoding import EncodedSplit, encode

TASK = Task("toy", "single_label", ("no", "yes"))


class Lengths:
    """A vocabulary whose ids are the lengths of the words; it counts the texts it encodes."""

    def __init__(self, fingerprint: str = "v1") -> None:
        self.fingerprint = fingerprint
        self.encoded = 0

    def encode(self, texts: Iterable[str], options: TextOptions, max_tokens: int | None) -> list[list[int]]:
        texts = list(texts)
        self.encoded += len(texts)
        return [[len(word) for word in text.split()][:max_tokens] or [1] for text in texts]


def corpus_of(train: list[str], dev: list[str] | None = None) -> Corpus:
    def rows(texts: list[str]) -> datasets.Dataset:
        columns: dict[str, list[Any]] = {
            "id": [str(number) for number in range(len(texts))],
            "text": texts,
            "label": [number % 2 for number in range(len(texts))],
            "group": [""] * len(texts),
        }
        return datasets.Dataset.from_dict(columns, features=FEATURES)

    report = CorpusReport(task="toy", source="made", labels=("no", "yes"), rows_read=len(train))
    return Corpus(report, {"train": rows(train), "dev": rows(dev or ["d dd"]), "test": rows([])})


def texts_of(split: EncodedSplit) -> list[list[int]]:
    return [split.ids(np.array([row])).tolist() for row in range(len(split))]


@settings(max_examples=25, deadline=None)
@given(texts=st.lists(st.text(alphabet="ab ", max_size=20), min_size=1, max_size=30), chunk=st.integers(1, 7), max_tokens=st.integers(1, 5))
def test_ids_and_labels_come_back(tmp_path_factory: pytest.TempPathFactory, texts: list[str], chunk: int, max_tokens: int) -> None:
    """Whatever the number of record batches in the file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "_ROWS", chunk)
        encoded = encode(corpus_of(texts), Lengths(), TASK, max_tokens, tmp_path_factory.mktemp("cache"))
    train = encoded.splits["train"]
    expected = Lengths().encode(texts, TASK.text, max_tokens)
    assert texts_of(train) == expected
    assert train.lengths.tolist() == [len(ids) for ids in expected]
    assert train.labels.tolist() == [number % 2 for number in range(len(texts))]
    backwards = np.arange(len(texts))[::-1]
    assert train.ids(backwards).tolist() == [token for ids in reversed(expected) for token in ids]
    assert len(encoded.splits["dev"]) == 1
    assert len(encoded.splits["test"]) == 0


def test_ids_lie_in_the_file_not_in_memory(tmp_path: Path) -> None:
    train = encode(corpus_of(["a bb"] * 50), Lengths(), TASK, 9, tmp_path).splits["train"]
    assert not train.tokens.flags.owndata
    assert not train.tokens.flags.writeable
    assert (train.tokens.dtype, train.lengths.dtype) == (np.int32, np.int32)


def test_the_second_time_nothing_is_encoded(tmp_path: Path) -> None:
    first, second = Lengths(), Lengths()
    once = encode(corpus_of(["a bb", "ccc"]), first, TASK, 9, tmp_path)
    again = encode(corpus_of(["a bb", "ccc"]), second, TASK, 9, tmp_path)
    assert (first.encoded, second.encoded) == (3, 0)
    assert once.fingerprint == again.fingerprint
    assert texts_of(once.splits["train"]) == texts_of(again.splits["train"])


@pytest.mark.parametrize(
    "change",
    [
        lambda cache: encode(corpus_of(["a bb", "cccc"]), Lengths(), TASK, 9, cache),
        lambda cache: encode(corpus_of(["a bb", "ccc"], ["e"]), Lengths(), TASK, 9, cache),
        lambda cache: encode(corpus_of(["a bb", "ccc"]), Lengths("v2"), TASK, 9, cache),
        lambda cache: encode(corpus_of(["a bb", "ccc"]), Lengths(), TASK, 1, cache),
        lambda cache: encode(
            corpus_of(["a bb", "ccc"]), Lengths(), Task("toy", "single_label", ("no", "yes"), text=TextOptions(lowercase=False)), 9, cache
        ),
    ],
    ids=["a text", "a dev text", "the vocabulary", "max_tokens", "the text options"],
)
def test_what_the_ids_depend_on_changes_the_fingerprint(change: Callable[[Path], Any], tmp_path: Path) -> None:
    before = encode(corpus_of(["a bb", "ccc"]), Lengths(), TASK, 9, tmp_path)
    assert change(tmp_path).fingerprint != before.fingerprint


def test_a_damaged_file_is_written_anew(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    corpus = corpus_of(["a bb", "ccc"])
    encode(corpus, Lengths(), TASK, 9, tmp_path)
    (path,) = tmp_path.glob("*/train.arrow")
    path.write_bytes(path.read_bytes()[:-20])
    assert texts_of(encode(corpus, Lengths(), TASK, 9, tmp_path).splits["train"]) == [[1, 2], [3]]
    assert f"{path}: not a whole file" in capfd.readouterr().err


def test_a_disk_that_takes_no_more_leaves_nothing_and_says_where(tmp_path: Path) -> None:
    """A limit on the size of files stands in for the full disk: writing fails in the same place."""
    corpus = corpus_of(["a bb"] * 50)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))
    try:
        with pytest.raises(PolytaskError, match=r"train\.arrow: token ids cannot be written: .*too large.*POLYTASK_HOME"):
            encode(corpus, Lengths(), TASK, 9, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def _encode_in_another_process(cache: Path, barrier: Any) -> None:
    barrier.wait()
    encoded = encode(corpus_of([f"w{'w' * n} x" for n in range(200)]), Lengths(), TASK, 9, cache)
    assert texts_of(encoded.splits["train"])[3] == [4, 1]


def test_processes_that_encode_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(4)
    others = [context.Process(target=_encode_in_another_process, args=(tmp_path, barrier)) for _ in range(4)]
    for other in others:
        other.start()
    for other in others:
        other.join(30)
    assert [other.exitcode for other in others] == [0] * 4
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["dev.arrow", "test.arrow", "train.arrow"]
