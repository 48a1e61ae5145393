"""Data sets in the layouts of `datasets`: local folders work without a network, and the hub's absence is explained."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import datasets
import pytest

from mtl_models.config.corpus import Corpus as CorpusConfig
from mtl_models.config.sources import DatasetSource
from mtl_models.corpora.corpus import SPLITS, Corpus
from mtl_models.corpora.ingest import ingest
from mtl_models.corpora.sources import fetch, fingerprint
from mtl_models.errors import CorpusError

FEATURES = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["neg", "pos"])})


def rows(name: str, count: int, label: int | None = None) -> datasets.Dataset:
    labels = [number % 2 if label is None else label for number in range(count)]
    return datasets.Dataset.from_dict({"text": [f"{name} {number}" for number in range(count)], "label": labels}, features=FEATURES)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Corpus]:
    return lambda **keys: ingest("a", CorpusConfig.model_validate({"source": {"dataset": str(tmp_path / "set")}, **keys}), 13)


def sizes(corpus: Corpus) -> list[int]:
    return [corpus.splits[split].num_rows for split in SPLITS]


def test_a_saved_data_set_with_its_own_splits(tmp_path: Path, run: Callable[..., Corpus]) -> None:
    parts = {"train": rows("train", 60), "validation": rows("dev", 10), "test": rows("test", 12)}
    datasets.DatasetDict(parts).save_to_disk(str(tmp_path / "set"))
    corpus = run()
    assert corpus.labels == ("neg", "pos"), "class numbers are read as class names"
    assert sizes(corpus) == [60, 10, 12]
    assert list(corpus.splits["test"]["text"]) == list(parts["test"]["text"])


def test_a_saved_data_set_of_one_split_is_dealt(tmp_path: Path, run: Callable[..., Corpus]) -> None:
    rows("text", 100).save_to_disk(str(tmp_path / "set"))
    assert sizes(run()) == [70, 10, 20]


@pytest.mark.parametrize("ids", [{}, {"id": "number"}], ids=["numbered", "given"])
def test_two_splits_dealt_by_a_column_have_ids_that_differ(ids: dict[str, str], tmp_path: Path, run: Callable[..., Corpus]) -> None:
    fold = ["train"] * 60 + ["dev"] * 10 + ["test"] * 30

    def part(name: str) -> datasets.Dataset:
        return rows(name, 100).add_column("fold", fold).add_column("number", [f"{name}{row}" for row in range(100)])

    datasets.DatasetDict({"a": part("a"), "b": part("b")}).save_to_disk(str(tmp_path / "set"))
    corpus = run(splits={"column": "fold"}, **ids)
    assert sizes(corpus) == [120, 20, 60]
    assert len({row for split in SPLITS for row in corpus.splits[split]["id"]}) == 200


def test_an_id_of_two_splits_dealt_by_a_column_is_refused(tmp_path: Path, run: Callable[..., Corpus]) -> None:
    parts = {name: rows(name, 100).add_column("fold", ["train"] * 70 + ["test"] * 30) for name in "ab"}
    parts = {name: part.add_column("number", list(range(100))) for name, part in parts.items()}
    datasets.DatasetDict(parts).save_to_disk(str(tmp_path / "set"))
    with pytest.raises(CorpusError, match="have the same id"):
        run(splits={"column": "fold"}, id="number")


def test_split_names_can_be_chosen(tmp_path: Path, run: Callable[..., Corpus]) -> None:
    datasets.DatasetDict({"labelled": rows("a", 60), "gold": rows("b", 12)}).save_to_disk(str(tmp_path / "set"))
    assert sizes(run(splits={"names": {"train": "labelled", "test": "gold"}})) == [54, 6, 12]
    with pytest.raises(CorpusError, match=r"no split named train; .* it has labelled, gold"):
        run()
    with pytest.raises(CorpusError, match=r"no split 'golden'; it has labelled, gold"):
        run(splits={"names": {"train": "labelled", "test": "golden"}})


def test_a_hidden_test_split_is_refused_with_its_row(tmp_path: Path, run: Callable[..., Corpus]) -> None:
    datasets.DatasetDict({"train": rows("a", 60), "test": rows("b", 12, label=-1)}).save_to_disk(str(tmp_path / "set"))
    with pytest.raises(CorpusError, match=r"set \(test\), row 1: the row has no label"):
        run()


def test_a_missing_column_is_named(tmp_path: Path, run: Callable[..., Corpus]) -> None:
    rows("a", 60).save_to_disk(str(tmp_path / "set"))
    with pytest.raises(CorpusError, match=r"no column 'sentence'; the columns are 'text', 'label'"):
        run(text="sentence")


def write_folder(folder: Path, word: str) -> None:
    folder.mkdir(exist_ok=True)
    for split, count in (("train", 60), ("test", 12)):
        lines = "".join(f"{split} {word} {number},{'xy'[number % 2]}\n" for number in range(count))
        (folder / f"{split}.csv").write_text("text,label\n" + lines)


def test_a_folder_of_data_files_and_an_edit_that_keeps_its_time(tmp_path: Path, run: Callable[..., Corpus], home: Path) -> None:
    folder = tmp_path / "set"
    write_folder(folder, "aa")
    before, times = run(), {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    write_folder(folder, "bb")
    for path, time in times.items():
        os.utime(path, ns=(time, time))
    after = run()
    assert sizes(before) == sizes(after) == [54, 6, 12]
    assert after.splits["test"][0]["text"] == "test bb 0"
    assert (home / "cache" / "datasets").is_dir()


def test_the_fingerprint_of_a_folder_sees_names_and_content(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    source = DatasetSource(dataset=str(folder))
    write_folder(folder, "aa")
    prints = [fingerprint(source)]
    write_folder(folder, "bb")
    prints.append(fingerprint(source))
    (folder / "test.csv").rename(folder / "validation.csv")
    prints.append(fingerprint(source))
    assert len(set(prints)) == 3


def test_a_pinned_commit_is_its_own_fingerprint() -> None:
    assert fingerprint(DatasetSource(dataset="user/name", revision="a" * 40)) == "a" * 40


@pytest.mark.parametrize("revision", [None, "a" * 40])
def test_the_hub_offline_says_what_else_to_do(revision: str | None) -> None:
    with pytest.raises(CorpusError, match=r"user/name: the Hugging Face hub does not give .* set `dataset` to a folder"):
        fetch(DatasetSource(dataset="user/name", revision=revision))


def test_a_folder_that_is_not_there_or_holds_nothing(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no such folder"):
        fetch(DatasetSource(dataset=str(tmp_path / "nothing")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match="`datasets` cannot read the folder"):
        fetch(DatasetSource(dataset=str(tmp_path / "empty")))
