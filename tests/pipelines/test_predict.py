"""What a user loses if these fail: answers that are not printed or written as asked, and warnings lost in other lines."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import torch

from mtl_models.config.network import JointLstm
from mtl_models.config.text import TextOptions, Vocabulary
from mtl_models.errors import ConfigError, CorpusError
from mtl_models.inference.predictor import load_model
from mtl_models.networks.build import build_network
from mtl_models.networks.folder import save_model
from mtl_models.networks.model import Model
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import build_vocabulary
from pipelines.predict import predict_texts

TEXTS = ["what a waste", "love this phone"]


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A model folder, in a home of its own."""
    monkeypatch.setenv("POLYTASK_HOME", str(tmp_path / "home"))
    words = build_vocabulary({"movie": TEXTS}, {"movie": TextOptions()}, Vocabulary(min_count=1))
    tasks = (Task("movie", "single_label", ("bad", "good")), Task("stars", "rating", ("stars",), mean=3.0))
    torch.manual_seed(0)
    network = build_network(JointLstm(hidden=4), tasks, {"shared": torch.randn(words.size, 6)}).eval()
    save_model(Model(network, tasks, {"shared": words}, JointLstm(hidden=4), 20), tmp_path / "model")
    return str(tmp_path / "model")


def _predict(model: str, **changed: Any) -> None:
    predict_texts(**{"texts": TEXTS, "file": None, "model": model, "tasks": None, "form": "table"} | changed)


def test_each_form_prints_every_task_of_every_text(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    expected = [(answer.index, answer.task, answer.label) for answer in load_model(model).predict(TEXTS)]
    _predict(model, form="json")
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["index"], row["task"], row["label"]) for row in rows] == expected
    assert set(rows[0]["probabilities"]) == {"bad", "good"}
    _predict(model, form="csv")
    cells = list(csv.DictReader(StringIO(capsys.readouterr().out)))
    assert [(int(row["index"]), row["task"], row["label"]) for row in cells] == expected
    _predict(model, tasks=["movie"])
    table = capsys.readouterr().out
    assert "love this phone" in table
    assert "stars" not in table


def test_an_unsure_answer_is_shown_as_one(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    _predict(model, abstain_below=1.0)
    table = capsys.readouterr().out
    assert table.count("(unsure)") == 2  # ratings answer
    _predict(model, abstain_below=1.0, form="csv", tasks=["movie"])
    assert [row["label"] for row in csv.DictReader(StringIO(capsys.readouterr().out))] == ["", ""]


def test_answers_of_a_file_go_where_asked(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "texts.csv").write_text("body\n" + "\n".join(TEXTS) + "\n", encoding="utf-8")
    out = tmp_path / "answers.jsonl"
    _predict(model, texts=[], file=tmp_path / "texts.csv", column="body", out=out)
    assert f"written: {out} (2 texts, 2 tasks)" in capsys.readouterr().out
    assert len(out.read_text(encoding="utf-8").splitlines()) == 4


def test_texts_it_cannot_read_are_told_in_one_plain_line(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _predict(model, texts=["यह फ़िल्म अच्छी है", "यह भी"])
    said = capsys.readouterr()
    assert said.err.count("warning: movie, stars: texts in Devanagari script") == 1
    assert "UnfamiliarTexts" not in said.err
    assert "movie" in said.out  # it answers all the same


def test_what_cannot_be_answered_is_told(model: str, tmp_path: Path) -> None:
    (tmp_path / "texts.csv").write_text("body\nx\n", encoding="utf-8")
    faults: list[tuple[type[Exception], str, dict[str, Any]]] = [
        (ConfigError, "give texts, or a file", {"texts": []}),
        (ConfigError, "--out wants a --file", {"out": tmp_path / "a.csv"}),
        (ConfigError, "unknown task 'movies'; did you mean 'movie'", {"tasks": ["movies"]}),
        (CorpusError, "no column 'text'; the columns are body", {"texts": [], "file": tmp_path / "texts.csv"}),
    ]
    for kind, message, changed in faults:
        with pytest.raises(kind, match=message):
            _predict(model, **changed)
