"""From a file to a corpus: the right rows, in the right splits, accounted for; bad input ends with its file and row."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtl_models.config.corpus import Corpus as CorpusConfig
from mtl_models.corpora import staging
from mtl_models.corpora.corpus import FEATURES, SPLITS, Corpus
from mtl_models.corpora.ingest import content_key, ingest
from mtl_models.corpora.keys import normalised
from mtl_models.errors import CorpusError

from tables import put_csv

Config = Callable[..., CorpusConfig]
Reviews = list[tuple[str, str]]


def texts(corpus: Corpus, split: str) -> list[str]:
    return list(corpus.splits[split]["text"])


def sizes(corpus: Corpus) -> list[int]:
    return [corpus.splits[split].num_rows for split in SPLITS]


def test_a_file_with_text_and_label_needs_no_more(reviews_csv: Path, reviews: Reviews, config: Config) -> None:
    corpus = ingest("opinions", config(reviews_csv), seed=13)
    assert corpus.labels == ("neg", "pos")
    assert sizes(corpus) == [84, 12, 24]
    assert corpus.report.rows_read == 120
    assert corpus.report.dropped == {}
    found = {(corpus.labels[row["label"]], row["text"]) for split in SPLITS for row in corpus.splits[split]}
    assert found == set(reviews)
    assert corpus.splits["train"].features == FEATURES
    assert Counter(corpus.splits["test"]["label"]) == {0: 8, 1: 16}
    row = corpus.splits["train"][0]
    assert reviews[int(row["id"]) - 1][1] == row["text"], "the id is the row's number in the file"


def test_splits_are_memory_mapped_below_the_home_folder(reviews_csv: Path, config: Config, home: Path) -> None:
    corpus = ingest("opinions", config(reviews_csv), seed=13)
    for split in SPLITS:
        (file,) = corpus.splits[split].cache_files
        assert Path(file["filename"]).is_relative_to(home)


def test_the_seed_decides_the_splits(reviews_csv: Path, config: Config) -> None:
    one, same, other = (ingest("opinions", config(reviews_csv), seed=seed) for seed in (1, 1, 2))
    assert one.fingerprint == same.fingerprint
    assert set(texts(one, "test")) != set(texts(other, "test"))


def test_row_order_does_not_move_rows_between_splits(reviews: Reviews, tmp_path: Path, config: Config) -> None:
    one = ingest("a", config(put_csv(tmp_path / "a.csv", reviews)), seed=1)
    other = ingest("a", config(put_csv(tmp_path / "b.csv", reviews[::-1])), seed=1)
    assert [set(texts(one, split)) for split in SPLITS] == [set(texts(other, split)) for split in SPLITS]


def test_an_edit_that_keeps_time_and_size_is_seen(reviews_csv: Path, config: Config) -> None:
    before, times = ingest("opinions", config(reviews_csv), 13), reviews_csv.stat()
    reviews_csv.write_text(reviews_csv.read_text().replace("thing number 77", "place number 77"))
    os.utime(reviews_csv, ns=(times.st_atime_ns, times.st_mtime_ns))
    after = ingest("opinions", config(reviews_csv), 13)
    assert reviews_csv.stat().st_size == times.st_size
    assert before.fingerprint != after.fingerprint
    assert before.report.source_sha256 != after.report.source_sha256
    assert any("place number 77" in text for split in SPLITS for text in texts(after, split))


def test_content_key_follows_configuration_and_seed(reviews_csv: Path, config: Config) -> None:
    plain, split = config(reviews_csv), config(reviews_csv, splits={"dev": 0.2})
    told = [("a", plain, 1, "0"), ("a", plain, 2, "0"), ("b", plain, 1, "0"), ("a", split, 1, "0"), ("a", plain, 1, "1")]
    assert len({content_key(task, corpus, seed, "single_label", [found]) for task, corpus, seed, found in told}) == 5


def test_an_interrupted_reading_leaves_nothing(tmp_path: Path, config: Config, home: Path) -> None:
    path = put_csv(tmp_path / "a.csv", [("x", "one"), ("y", "two,three")])
    with pytest.raises(CorpusError):
        ingest("a", config(path), 1)
    assert list((home / "cache" / "corpora").iterdir()) == []


def test_a_file_edited_while_it_is_read_is_not_kept_under_its_old_name(
    reviews_csv: Path, config: Config, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_then_edit(*arguments: Any) -> Any:
        found = staging.stage(*arguments)
        reviews_csv.write_text(reviews_csv.read_text() + "pos,one more\n")
        return found

    monkeypatch.setattr("mtl_models.corpora.ingest.stage", read_then_edit)
    with pytest.raises(CorpusError, match="changed while it was read; run again"):
        ingest("a", config(reviews_csv), 13)


def test_processes_that_ingest_at_once_agree(reviews_csv: Path, home: Path) -> None:
    code = (
        "import sys; from mtl_models.config.corpus import Corpus; from mtl_models.corpora.ingest import ingest;"
        "print(ingest('a', Corpus.model_validate({'source': sys.argv[1]}), 13).fingerprint)"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(reviews_csv)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
        for _ in range(3)
    ]
    prints = [process.communicate(timeout=120)[0] for process in started]
    assert len(set(prints)) == 1
    assert prints[0].strip()
    assert len(list((home / "cache" / "corpora").iterdir())) == 1


def test_groups_by_pattern_stay_on_one_side(tmp_path: Path, config: Config) -> None:
    rows = [(f"{number // 5}_{number % 5}", "pos" if (number // 5) % 2 else "neg", f"sentence {number}") for number in range(400)]
    path = put_csv(tmp_path / "a.csv", rows, "id,label,text")
    corpus = ingest("a", config(path, id="id", group={"column": "id", "pattern": r"^(\d+)_"}), 13)
    groups = {split: set(corpus.splits[split]["group"]) for split in SPLITS}
    assert not groups["train"] & groups["dev"] | groups["train"] & groups["test"] | groups["dev"] & groups["test"]
    assert len(set.union(*groups.values())) == 80
    assert sizes(corpus) == [280, 40, 80]


def test_ratings_become_classes_and_the_rest_is_counted(tmp_path: Path, config: Config) -> None:
    path = put_csv(tmp_path / "a.csv", [((number % 5) - 2, f"text {number}") for number in range(100)], "rating,text")
    bands = {"positive": {"above": 0}, "negative": {"below": 0}}
    corpus = ingest("a", config(path, label={"column": "rating", "bands": bands, "names": ["positive", "negative"]}), 13)
    assert corpus.labels == ("positive", "negative")
    assert corpus.report.dropped == {"rating outside every band": 20}
    assert sum(sizes(corpus)) == 80


def test_rows_are_dropped_by_value_by_map_and_by_slice(tmp_path: Path, config: Config) -> None:
    rows = [("en" if number % 4 else "fr", "abc?"[number % 3 if number % 10 else 3], f"text {number}") for number in range(100)]
    path = put_csv(tmp_path / "a.csv", rows, "lang,label,text")
    drop = [{"column": "lang", "values": ["fr"]}]
    corpus = ingest(
        "a", config(path, drop=drop, rows=[-80, -1], label={"column": "label", "map": {"a": "A", "b": "B", "c": "B", "?": None}}), 13
    )
    taken = [row for row in rows[-80:-1] if row[0] == "en"]
    assert corpus.report.rows_read == 79
    assert corpus.report.dropped == {"lang = fr": 20, "label mapped to null": sum(row[1] == "?" for row in taken)}
    assert corpus.labels == ("A", "B")
    assert {text for split in SPLITS for text in texts(corpus, split)} == {row[2] for row in taken if row[1] != "?"}


def test_duplicates_never_straddle_splits(tmp_path: Path, config: Config, reviews: Reviews) -> None:
    shouted = [(label, text.upper() + "!!!") for label, text in reviews[:30]]
    contrary = [("pos" if label == "neg" else "neg", text) for label, text in reviews[-2:]]
    corpus = ingest("a", config(put_csv(tmp_path / "a.csv", reviews + reviews[:10] + shouted + contrary)), 13)
    seen = Counter(normalised(text) for split in SPLITS for text in texts(corpus, split))
    assert set(seen.values()) == {1}
    assert len(seen) == 118
    assert corpus.report.dropped == {
        "duplicate": 10,
        "duplicate but for case, spacing or punctuation": 30,
        "same text with different labels": 4,
    }


def test_empty_texts_reach_validation(tmp_path: Path, config: Config, reviews: Reviews) -> None:
    corpus = ingest("a", config(put_csv(tmp_path / "a.csv", [*reviews, ("pos", ""), ("neg", "  ")])), 13)
    assert sum(not text.strip() for split in SPLITS for text in texts(corpus, split)) == 2


def test_train_rows_caps_the_train_split_only(reviews_csv: Path, config: Config) -> None:
    whole = ingest("a", config(reviews_csv), 13)
    capped = ingest("a", config(reviews_csv, splits={"train_rows": 21}), 13)
    assert sizes(capped) == [21, 12, 24]
    assert texts(capped, "test") == texts(whole, "test")
    assert Counter(capped.splits["train"]["label"]) == {0: 7, 1: 14}
    assert capped.report.dropped == {"beyond train_rows": 63}


def test_splits_given_by_a_column(tmp_path: Path, config: Config, reviews: Reviews) -> None:
    names = ["train", "Validation", "test"]
    rows = [(label, text, names[number // 3 % 3]) for number, (label, text) in enumerate(reviews)]
    corpus = ingest("a", config(put_csv(tmp_path / "a.csv", rows, "label,text,fold"), splits={"column": "fold"}), 13)
    for split, name in zip(SPLITS, names, strict=True):
        assert texts(corpus, split) == [text for _, text, fold in rows if fold == name]


def test_splits_given_by_sources_keep_test_as_it_is_and_carve_dev_from_train(tmp_path: Path, config: Config, reviews: Reviews) -> None:
    test_rows = [*reviews[:20], reviews[0]]
    train = put_csv(tmp_path / "train.csv", [*reviews[10:], ("pos", reviews[3][1].upper())])
    test = put_csv(tmp_path / "test.csv", test_rows)
    corpus = ingest("a", config(train, splits={"sources": {"test": str(test)}}), 13)
    assert texts(corpus, "test") == [text for _, text in test_rows], "a given test split stays comparable, repeated rows and all"
    assert sizes(corpus) == [90, 10, 21]
    assert corpus.report.dropped == {"duplicate across splits": 11}
    assert set(corpus.splits["test"]["id"]) == {f"test-{number}" for number in range(1, 22)}
    assert "test.csv" in corpus.report.source


def test_an_edited_test_file_changes_the_fingerprint(tmp_path: Path, config: Config, reviews: Reviews) -> None:
    test = put_csv(tmp_path / "test.csv", reviews[:20])
    made = config(put_csv(tmp_path / "train.csv", reviews[20:]), splits={"sources": {"test": str(test)}})
    before = ingest("a", made, 13)
    put_csv(test, [*reviews[:19], ("pos", "quite another text")])
    assert ingest("a", made, 13).fingerprint != before.fingerprint


def test_dev_may_be_left_out(reviews_csv: Path, config: Config) -> None:
    assert sizes(ingest("a", config(reviews_csv, splits={"dev": 0.0}), 13)) == [96, 0, 24]


def test_rows_whose_text_is_missing_can_be_dropped(tmp_path: Path, config: Config, reviews: Reviews) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for label, text in [*reviews, ("pos", None)]))
    corpus = ingest("a", config(path, drop=[{"column": "text", "values": [""]}]), 13)
    assert sum(sizes(corpus)) == 120


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), min_size=60, max_size=90, unique_by=normalised),
    st.integers(0, 9),
)
def test_any_texts_come_through_whole_and_disjoint(tmp_path: Path, config: Config, some: list[str], seed: int) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"text": text, "label": "xy"[number % 2]}) + "\n" for number, text in enumerate(some)))
    corpus = ingest("a", config(path), seed)
    found = [text for split in SPLITS for text in texts(corpus, split)]
    assert sorted(found) == sorted(some)


def test_a_saved_corpus_comes_back(reviews_csv: Path, config: Config, tmp_path: Path, home: Path) -> None:
    corpus = ingest("a", config(reviews_csv, splits={"dev": 0.0}), 13)
    corpus.save(tmp_path / "saved")
    back = Corpus.load(tmp_path / "saved", home / "cache" / "loaded")
    assert back.fingerprint == corpus.fingerprint
    assert back.report == corpus.report
    assert sizes(back) == sizes(corpus)


def test_the_fingerprint_sees_where_one_text_ends_and_the_next_begins(tmp_path: Path, config: Config, reviews: Reviews) -> None:
    prints = set()
    for tail in ([("pos", "ab"), ("pos", "c")], [("pos", "a"), ("pos", "bc")], [("neg", "a"), ("pos", "bc")]):
        prints.add(ingest("a", config(put_csv(tmp_path / "a.csv", [*reviews, *tail]), splits={"dev": 0.0, "test": 0.05}), 13).fingerprint)
    assert len(prints) == 3
