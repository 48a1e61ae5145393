"""Corpora with labels on words, from a file and a section of the configuration to splits that a model can train on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mtl_models.config.corpus import Corpus as CorpusConfig
from mtl_models.corpora.annotations import as_rows, tokens_of
from mtl_models.corpora.corpus import SPLITS, Corpus
from mtl_models.corpora.duplicates import HELD_OUT
from mtl_models.corpora.ingest import ingest
from mtl_models.errors import CorpusError

Config = Callable[..., CorpusConfig]

COLUMNS = {"format": "conll", "columns": ["text", "pos", "chunk", "ner"], "label": "ner"}


def sentence(number: int) -> str:
    """Five words: a person of two words, and a place in every second sentence."""
    place = "B-LOC" if number % 2 else "O"
    return f"Ann NNP B-NP B-PER\nLee{number} NNP I-NP I-PER\nsaw VBD B-VP O\nPlace{number} NNP B-NP {place}\n. . O O\n"


def conll(path: Path, documents: int, sentences: int = 4, first: int = 0) -> Path:
    """Documents of CoNLL-2003, every sentence another."""
    numbers = iter(range(first, first + documents * sentences))
    blocks = ["-DOCSTART- -X- -X- O\n\n" + "".join(sentence(next(numbers)) + "\n" for _ in range(sentences)) for _ in range(documents)]
    path.write_text("".join(blocks), encoding="utf-8")
    return path


def test_sentences_have_ids_groups_and_spans(tmp_path: Path, config: Config) -> None:
    corpus = ingest("ner", config(conll(tmp_path / "a.txt", 30), **COLUMNS), 1, "tagging")
    assert corpus.labels == ("LOC", "PER")
    assert sum(len(rows) for rows in corpus.splits.values()) == 120
    rows = {row["id"]: (row, gold) for split in SPLITS for row, gold in zip(corpus.splits[split], corpus.gold(split), strict=True)}
    row, gold = rows["1:2"]
    assert (row["text"], row["group"]) == ("Ann Lee1 saw Place1 .", "1")
    assert gold.tolist() == [[0, 2, 1], [3, 4, 0]]
    assert sum(corpus.class_counts(split) for split in SPLITS).tolist() == [60, 120]


def test_sentences_of_a_document_stay_on_one_side(tmp_path: Path, config: Config) -> None:
    corpus = ingest("ner", config(conll(tmp_path / "a.txt", 30), **COLUMNS), 1, "tagging")
    groups = [set(corpus.splits[split]["group"]) for split in SPLITS]
    assert all(groups)
    assert not groups[0] & groups[1]
    assert not groups[0] & groups[2]
    assert not groups[1] & groups[2]


def test_documents_join_their_sentences(tmp_path: Path, config: Config) -> None:
    corpus = ingest("ner", config(conll(tmp_path / "a.txt", 30), unit="document", **COLUMNS), 1, "mentions")
    rows = {row["id"]: (row, gold) for split in SPLITS for row, gold in zip(corpus.splits[split], corpus.gold(split), strict=True)}
    assert len(rows) == 30
    row, gold = rows["1"]
    assert len(tokens_of(row["text"])) == 20
    assert row["group"] == ""
    assert gold[:3].tolist() == [[0, 2, 1], [5, 7, 1], [8, 9, 0]]


def test_given_dev_and_test_stay_and_train_gives_way(tmp_path: Path, config: Config) -> None:
    dev, test = conll(tmp_path / "dev.txt", 2, first=36), conll(tmp_path / "test.txt", 2, first=1000)
    found = config(conll(tmp_path / "a.txt", 10), splits={"sources": {"dev": str(dev), "test": str(test)}}, **COLUMNS)
    corpus = ingest("ner", found, 1, "tagging")
    assert {split: len(rows) for split, rows in corpus.splits.items()} == {"train": 36, "dev": 8, "test": 8}
    assert corpus.report.dropped == {HELD_OUT: 4}
    assert corpus.splits["dev"]["id"][0] == "dev-1:1"


def test_repeated_sentences_stay_in_train(tmp_path: Path, config: Config) -> None:
    """ "he said ." is no mistake of the corpus, and may bear different labels."""
    path = tmp_path / "a.txt"
    path.write_text("he PRP B-NP O\nsaid VBD B-VP O\n\n" * 30 + "".join(sentence(number) + "\n" for number in range(30)))
    corpus = ingest("ner", config(path, splits={"dev": 0, "test": 0}, **COLUMNS), 1, "tagging")
    assert len(corpus.splits["train"]) == 60
    assert corpus.report.dropped == {}


def test_repeated_sentences_are_on_one_side_of_a_split_that_is_dealt(tmp_path: Path, config: Config) -> None:
    """Copies of one sentence stand in many documents, which are dealt whole: what is tested must not be trained on."""
    path = conll(tmp_path / "a.txt", 30)
    path.write_text(path.read_text().replace("-DOCSTART- -X- -X- O\n\n", "-DOCSTART- -X- -X- O\n\nhe PRP B-NP O\nsaid VBD B-VP O\n\n"))
    corpus = ingest("ner", config(path, **COLUMNS), 1, "tagging")
    copies = {split: corpus.splits[split]["text"][:].count("he said") for split in SPLITS}
    assert copies["test"] > 1
    assert (copies["train"], copies["dev"]) == (0, 0)
    assert corpus.report.dropped == {HELD_OUT: 30 - copies["test"]}


def test_a_saved_corpus_comes_back(tmp_path: Path, config: Config) -> None:
    corpus = ingest("ner", config(conll(tmp_path / "a.txt", 30), **COLUMNS), 1, "tagging")
    corpus.save(tmp_path / "saved")
    again = Corpus.load(tmp_path / "saved", tmp_path / "cache")
    assert again.fingerprint == corpus.fingerprint
    for split in SPLITS:
        assert [gold.tolist() for gold in again.gold(split)] == [gold.tolist() for gold in corpus.gold(split)]


def test_rows_and_train_rows_count_texts(tmp_path: Path, config: Config) -> None:
    path = conll(tmp_path / "a.txt", 30)
    corpus = ingest("ner", config(path, rows=[0, 60], splits={"train_rows": 20}, **COLUMNS), 1, "tagging")
    assert corpus.report.rows_read == 60
    assert len(corpus.splits["train"]) == 20


def test_types_may_be_merged_and_left_out(tmp_path: Path, config: Config) -> None:
    keys = {**COLUMNS, "label": {"column": "ner", "map": {"PER": "name", "LOC": None}}}
    corpus = ingest("ner", config(conll(tmp_path / "a.txt", 30), **keys), 1, "mentions")
    assert corpus.labels == ("name",)
    assert sum(corpus.class_counts(split)[0] for split in SPLITS) == 120


def test_a_type_that_is_in_no_train_text_is_named(tmp_path: Path, config: Config) -> None:
    path = conll(tmp_path / "a.txt", 10)
    path.write_text(path.read_text() + "\nRome NNP B-NP B-CITY\n")
    dev = conll(tmp_path / "dev.txt", 2, first=2000)
    dev.write_text(dev.read_text() + "\nRome NNP B-NP B-CITY\n")
    with pytest.raises(CorpusError, match="no text in train has a 'CITY'"):
        ingest("ner", config(path, splits={"sources": {"dev": str(dev)}}, **COLUMNS), 1, "tagging")


def test_rows_of_arrow_are_cut_where_texts_end(tmp_path: Path, config: Config) -> None:
    """A slice of a column still points into the whole: its texts must get their own spans."""
    corpus = ingest("ner", config(conll(tmp_path / "a.txt", 30), **COLUMNS), 1, "tagging")
    rows = corpus.splits["train"].with_format("arrow")
    column = rows.select_columns(["label"])[:]["label"]
    assert [gold.tolist() for gold in as_rows(column.slice(5, 7), "tagging")] == [gold.tolist() for gold in corpus.gold("train")[5:12]]
