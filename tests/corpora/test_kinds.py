"""Labels of every kind from a user's table: what a cell means, what is left out, and that no text is on both sides of a split."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtl_models.config import Experiment
from mtl_models.config.corpus import Corpus as CorpusConfig
from mtl_models.config.corpus import Validation
from mtl_models.config.experiment import TaskSettings
from mtl_models.corpora.corpus import SPLITS, Corpus
from mtl_models.corpora.ingest import ingest
from mtl_models.corpora.labels import NO_LABEL
from mtl_models.corpora.validation.validate import raise_if_critical, validate
from mtl_models.errors import ConfigError, CorpusError
from mtl_models.tasks.task import Task

from tables import put_csv

Config = Callable[..., CorpusConfig]


def numbered(count: int = 60) -> list[str]:
    return [f"word{number % 7} thing number {number}" for number in range(count)]


def gold_by_text(corpus: Corpus) -> dict[str, Any]:
    return {text: gold.tolist() for split in SPLITS for text, gold in zip(corpus.splits[split]["text"], corpus.gold(split), strict=True)}


def test_a_separator_gives_a_list_per_row(tmp_path: Path, config: Config) -> None:
    lines = [f"{'a|b' if number % 3 == 0 else 'b' if number % 3 == 1 else ''},{text}" for number, text in enumerate(numbered())]
    corpus = ingest(
        "tags", config(put_csv(tmp_path / "t.csv", lines, "tags,text"), label={"column": "tags", "separator": "|"}), 1, "multi_label"
    )
    assert (corpus.labels, corpus.kind) == (("a", "b"), "multi_label")
    expected = {text: [[1, 1], [0, 1], [0, 0]][number % 3] for number, text in enumerate(numbered())}
    assert gold_by_text(corpus) == expected
    assert sum(corpus.class_counts(split) for split in SPLITS).tolist() == [20, 40]
    for split, share in (("dev", 0.1), ("test", 0.2)):
        assert corpus.class_counts(split) == pytest.approx(np.array([20, 40]) * share, abs=1)
    assert Corpus.load(saved(corpus, tmp_path), tmp_path / "cache").fingerprint == corpus.fingerprint


def saved(corpus: Corpus, folder: Path) -> Path:
    corpus.save(folder / "saved")
    return folder / "saved"


def test_a_column_per_label_keeps_what_nobody_knows(tmp_path: Path, config: Config) -> None:
    cells = ["1,0", "0,true", ",1", "NA,"]
    lines = [f"{text},{cells[number % 4]}" for number, text in enumerate(numbered())]
    label = {"columns": ["rude", "long"], "missing": ["NA"]}
    corpus = ingest("tags", config(put_csv(tmp_path / "t.csv", lines, "text,rude,long"), label=label), 1, "multi_label")
    assert corpus.labels == ("rude", "long")
    assert corpus.report.dropped == {NO_LABEL: 15}
    expected = {text: [[1, 0], [0, 1], [-100, 1]][number % 4] for number, text in enumerate(numbered()) if number % 4 < 3}
    assert gold_by_text(corpus) == expected
    report = validate(corpus, Validation(min_rows=5))
    raise_if_critical(report)
    assert sum(report.classes["rude"].values()) == 15


def test_lists_of_json_need_no_separator(tmp_path: Path, config: Config) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(
        "\n".join(json.dumps({"text": text, "label": ["x"] if number % 2 else ["x", "y"]}) for number, text in enumerate(numbered()))
    )
    corpus = ingest("tags", config(path), 1, "multi_label")
    assert corpus.labels == ("x", "y")
    assert gold_by_text(corpus)[numbered()[0]] == [1, 1]


def test_ratings_stay_numbers_and_are_dealt_evenly(tmp_path: Path, config: Config) -> None:
    lines = [f"{number / 8},{text}" for number, text in enumerate(numbered(100))]
    corpus = ingest("stars", config(put_csv(tmp_path / "t.csv", lines, "stars,text"), label="stars"), 1, "rating")
    assert corpus.labels == ("stars",)
    assert gold_by_text(corpus) == {text: number / 8 for number, text in enumerate(numbered(100))}
    assert [len(corpus.splits[split]) for split in SPLITS] == [70, 10, 20]
    assert corpus.gold("test").mean() == pytest.approx(corpus.gold("train").mean(), abs=1.5)
    raise_if_critical(validate(corpus, Validation()))
    assert Corpus.load(saved(corpus, tmp_path), tmp_path / "cache").fingerprint == corpus.fingerprint


@pytest.mark.parametrize(
    ("cells", "label", "order"),
    [
        (["10", "9", "2"], {}, ("2", "9", "10")),
        (["low", "mid", "top"], {"names": ["low", "mid", "top"]}, ("low", "mid", "top")),
        (["3", "2", "1"], {"map": {"1": "z", "2": "y", "3": "x"}}, ("z", "y", "x")),
        (["3", "2", "1"], {"bands": {"low": {"below": 2}, "high": {"at_least": 2}}}, ("low", "high")),
    ],
)
def test_ordered_classes_keep_their_order(
    tmp_path: Path, config: Config, cells: list[str], label: dict[str, Any], order: tuple[str, ...]
) -> None:
    lines = [f"{cells[number % 3]},{text}" for number, text in enumerate(numbered())]
    assert ingest("stars", config(put_csv(tmp_path / "t.csv", lines, "label,text"), label=label), 1, "ordinal").labels == order


@pytest.mark.parametrize(
    ("kind", "lines", "label", "message"),
    [
        (
            "ordinal",
            ["low,x y", "top,y z"],
            {},
            "classes low, top are not numbers, and kind ordinal needs their order; list it in label.names",
        ),
        ("rating", ["1,x", "high,y"], {}, r"t\.csv, line 3: rating 'high' is not a number \(column 'label'\)"),
        ("rating", ["1,x", "1.0,y"], {}, "all rows have the rating 1.0"),
        ("rating", ["1,x", ",y"], {}, r"t\.csv, line 3: the row has no rating; give it one, or set label\.missing: \[''\].*column 'label'"),
        ("single_label", ["a,x", ",y"], {}, r"t\.csv, line 3: the row has no label; .*label\.missing"),
        ("multi_label", [",x", ",y"], {"separator": "|"}, "no row has any label; look at label.separator"),
        ("multi_label", ["a,x", "b,y"], {"separator": "|", "names": ["a", "b", "c"]}, "no row has the label 'c', which label.names lists"),
        ("multi_label", ["2,x", "1,y"], {"columns": ["label"]}, r"t\.csv, line 2: '2' \(column 'label'\) is neither 1 nor 0"),
        ("single_label", ["NA,x", "NA,y"], {"missing": ["NA"]}, f"none is left; dropped: 2 for '{NO_LABEL}'"),
    ],
)
def test_faults_name_file_row_and_column(
    tmp_path: Path, config: Config, kind: Any, lines: list[str], label: dict[str, Any], message: str
) -> None:
    with pytest.raises(CorpusError, match=message):
        ingest("t", config(put_csv(tmp_path / "t.csv", lines, "label,text"), label=label), 1, kind)


def test_one_text_with_two_sets_of_labels_goes(tmp_path: Path, config: Config) -> None:
    lines = [f"{'a' if number % 2 else 'a|b'},{text}" for number, text in enumerate(numbered())] + [
        "b,word0 thing number 0",
        "b|a,word2 thing number 2",
    ]
    corpus = ingest("tags", config(put_csv(tmp_path / "t.csv", lines, "label,text"), label={"separator": "|"}), 1, "multi_label")
    assert corpus.report.dropped == {"same text with different labels": 2, "duplicate": 1}


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (
            {"kind": "single_label", "corpus": {"source": "x.csv", "label": {"separator": "|"}}},
            "columns and separator are for kind multi_label",
        ),
        ({"kind": "multi_label", "corpus": {"source": "x.csv", "label": {"bands": {"a": {"below": 0}}}}}, "bands give one class per text"),
        ({"kind": "rating", "corpus": {"source": "x.csv", "label": {"names": ["a"]}}}, "takes the number as it stands"),
        ({"kind": "rating", "class_weights": "balanced", "corpus": "x.csv"}, "a rating has none"),
        (
            {"kind": "multi_label", "corpus": {"source": "x.csv", "label": {"columns": ["a"], "separator": "|"}}},
            "columns are the labels themselves",
        ),
        ({"kind": "multi_label", "corpus": {"source": "x.csv", "label": {"columns": ["a", "a"]}}}, "each column once"),
    ],
)
def test_a_label_must_fit_its_kind(task: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Experiment.model_validate({"name": "e", "tasks": {"t": task}})


def test_weights_follow_the_train_split_and_refuse_unknown_labels(tmp_path: Path, config: Config) -> None:
    lines = [f"{'rare' if number % 4 == 0 else 'usual'},{text}" for number, text in enumerate(numbered(80))]
    corpus = ingest("t", config(put_csv(tmp_path / "t.csv", lines, "label,text")), 1)
    counts = corpus.class_counts("train")
    balanced = Task.of(TaskSettings(class_weights="balanced"), corpus).class_weights
    assert balanced == pytest.approx([counts.sum() / (2 * count) for count in counts])
    assert Task.of(TaskSettings(class_weights={"rare": 3.0}), corpus).class_weights == (3.0, 1.0)
    assert Task.of(TaskSettings(), corpus).class_weights is None
    with pytest.raises(ConfigError, match=r"tasks\.t\.class_weights: there is no label 'odd'; the labels are rare, usual"):
        Task.of(TaskSettings(class_weights={"odd": 3.0}), corpus)


def test_a_rating_knows_the_moments_of_its_train_split_and_labels_their_odds(tmp_path: Path, config: Config) -> None:
    lines = [f"{number % 5},{'a' if number % 3 else ''},{text}" for number, text in enumerate(numbered(90))]
    path = put_csv(tmp_path / "t.csv", lines, "stars,tags,text")
    stars = ingest("stars", config(path, label="stars"), 1, "rating")
    task = Task.of(TaskSettings(kind="rating"), stars)
    assert (task.mean, task.deviation) == pytest.approx((stars.gold("train").mean(), stars.gold("train").std()))
    tags = ingest("tags", config(path, label={"column": "tags", "separator": "|"}), 1, "multi_label")
    has = tags.class_counts("train")[0]
    weights = Task.of(TaskSettings(kind="multi_label", class_weights="balanced"), tags).class_weights
    assert weights == pytest.approx([(len(tags.splits["train"]) - has) / has])


def test_lists_of_a_data_sets_classes_are_read_by_name(tmp_path: Path, config: Config) -> None:
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.List(datasets.ClassLabel(names=["joy", "anger"]))})
    rows = {"text": numbered(), "label": [[0] if number % 2 else [0, 1] for number in range(60)]}
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(str(tmp_path / "set"))
    corpus = ingest("moods", config({"dataset": str(tmp_path / "set")}), 1, "multi_label")
    assert corpus.labels == ("anger", "joy")
    assert gold_by_text(corpus)[numbered()[0]] == [1, 1]


def test_lists_of_parquet_need_no_separator(tmp_path: Path, config: Config) -> None:
    pq.write_table(pa.table({"text": numbered(), "label": [["x"] if number % 2 else [] for number in range(60)]}), tmp_path / "t.parquet")
    corpus = ingest("tags", config(tmp_path / "t.parquet"), 1, "multi_label")
    assert gold_by_text(corpus) == {text: [number % 2] for number, text in enumerate(numbered())}
