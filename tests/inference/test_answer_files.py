"""What a user loses if these fail: rows lost or doubled by an interruption, or hours of answers mixed with those of another model."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from filelock import FileLock

from mtl_models.config.network import JointLstm
from mtl_models.config.text import TextOptions, Vocabulary
from mtl_models.errors import ConfigError, CorpusError
from mtl_models.inference.answer_files import predict_to_file
from mtl_models.inference.predictor import Prediction, Predictor
from mtl_models.networks.build import build_network
from mtl_models.networks.model import Model
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import build_vocabulary

TEXTS = [f"text {number}, love\nthis phone" for number in range(23)]
FORMATS = ["answers.jsonl", "answers.csv", "answers.parquet"]


class _KilledError(BaseException):
    """As a kill: nothing between catches it."""


class _Mortal(Predictor):
    """Dies on text `dies_at`; counts the texts it answered."""

    def __init__(self, model: Model, dies_at: int | None = None) -> None:
        super().__init__(model)
        self.dies_at, self.answered = dies_at, 0

    def predict_file(self, *words: Any, **named: Any) -> Iterator[list[Prediction]]:
        for part in super().predict_file(*words, **named):
            if self.dies_at is not None and part[-1].index >= self.dies_at:
                raise _KilledError
            self.answered += len({answer.index for answer in part})
            yield part


@pytest.fixture(scope="module")
def model() -> Model:
    return _model(0)


def _model(seed: int) -> Model:
    tasks = (Task("movie", "single_label", ("bad", "good")), Task("stars", "rating", ("stars",), mean=3.0))
    words = build_vocabulary({"movie": TEXTS}, {"movie": TextOptions()}, Vocabulary(min_count=1))
    torch.manual_seed(seed)
    network = build_network(JointLstm(hidden=3), tasks, {"shared": torch.randn(words.size, 4)})
    return Model(network.eval(), tasks, {"shared": words}, JointLstm(hidden=3), 20)


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["body"], *([text] for text in TEXTS)])
    return path


def _rows(path: Path) -> list[tuple[int, str, str, str | None]]:
    if path.suffix == ".parquet":
        found = pq.read_table(path).to_pylist()
    elif path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            found = list(csv.DictReader(file))
    else:
        found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [(int(row["index"]), row["text"], row["task"], row["label"] or None) for row in found]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("chunk", [5, 23, 100])
def test_every_text_is_answered_once_for_every_task(model: Model, texts: Path, tmp_path: Path, name: str, chunk: int) -> None:
    out = tmp_path / "new" / name
    assert predict_to_file(Predictor(model), texts, out, "body", chunk=chunk) == 23
    expected = [(answer.index, answer.text, answer.task, answer.label) for answer in Predictor(model).predict(TEXTS)]
    assert _rows(out) == expected
    assert [path.name for path in out.parent.iterdir()] == [name]


@pytest.mark.parametrize("name", FORMATS)
def test_a_killed_run_goes_on_where_it_stopped(
    model: Model, texts: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / name
    with pytest.raises(_KilledError):
        predict_to_file(_Mortal(model, dies_at=12), texts, out, "body", chunk=5)
    assert not out.exists()
    again = _Mortal(model)
    predict_to_file(again, texts, out, "body", chunk=5)
    assert again.answered == 13
    assert "goes on after 10 of 23 texts" in capsys.readouterr().err
    whole = tmp_path / f"whole{out.suffix}"
    predict_to_file(Predictor(model), texts, whole, "body", chunk=5)
    assert _rows(out) == _rows(whole)


def test_a_run_killed_before_the_parts_were_joined_only_joins_them(
    model: Model, texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "answers.jsonl"
    with monkeypatch.context() as patched, pytest.raises(_KilledError):
        patched.setattr("mtl_models.inference.answer_files._join", _raise_killed)
        predict_to_file(Predictor(model), texts, out, "body", chunk=5)
    again = _Mortal(model)
    predict_to_file(again, texts, out, "body", chunk=5)
    assert again.answered == 0
    assert len(_rows(out)) == 46


def _raise_killed(*_: object) -> None:
    raise _KilledError


def test_parts_of_other_answers_are_not_gone_on_with(model: Model, texts: Path, tmp_path: Path) -> None:
    out = tmp_path / "answers.jsonl"
    with pytest.raises(_KilledError):
        predict_to_file(_Mortal(model, dies_at=12), texts, out, "body", chunk=5)
    with pytest.raises(ConfigError, match=r"answers\.jsonl\.parts: holds the beginning of answers of another model; remove the folder"):
        predict_to_file(Predictor(_model(1)), texts, out, "body", chunk=5)
    with pytest.raises(ConfigError, match="of another tasks and another abstain_below"):
        predict_to_file(Predictor(model), texts, out, "body", ["movie"], 0.5, chunk=5)
    texts.write_text("body\nanother\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="of another file"):
        predict_to_file(Predictor(model), texts, out, "body", chunk=5)


def test_probabilities_carry_the_names_of_the_classes(model: Model, texts: Path, tmp_path: Path) -> None:
    predict_to_file(Predictor(model), texts, tmp_path / "a.jsonl", "body", abstain_below=1.0)
    row = json.loads((tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert (set(row["probabilities"]), row["label"]) == ({"bad", "good"}, None)
    assert row["confidence"] == max(row["probabilities"].values())
    predict_to_file(Predictor(model), texts, tmp_path / "a.parquet", "body")
    table = pq.read_table(tmp_path / "a.parquet")
    assert dict(table["probabilities"][0].as_py()) == row["probabilities"]


def test_no_texts_are_an_empty_file_with_its_columns(model: Model, tmp_path: Path) -> None:
    (tmp_path / "none.csv").write_text("text\n", encoding="utf-8")
    for name in FORMATS:
        assert predict_to_file(Predictor(model), tmp_path / "none.csv", tmp_path / name) == 0
        assert _rows(tmp_path / name) == []
    assert (tmp_path / "answers.csv").read_text(encoding="utf-8").strip() == "index,text,task,label,confidence"


def test_what_cannot_be_written_is_told_before_anything_is_answered(model: Model, texts: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"answers\.xlsx: cannot tell the format"):
        predict_to_file(Predictor(model), texts, tmp_path / "answers.xlsx", "body")
    with pytest.raises(ConfigError, match="would take the place of the texts"):
        predict_to_file(Predictor(model), texts, texts, "body")
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"text": "a"}\n' * 30 + '{"txt": "b"}\n', encoding="utf-8")
    with pytest.raises(CorpusError, match=r"broken\.jsonl:31"):
        predict_to_file(Predictor(model), broken, tmp_path / "answers.csv", chunk=5)
    (tmp_path / "answers.csv.parts").mkdir()
    with FileLock(tmp_path / "answers.csv.parts" / "lock"), pytest.raises(ConfigError, match="another process is writing"):
        predict_to_file(Predictor(model), texts, tmp_path / "answers.csv", "body")
