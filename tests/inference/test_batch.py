"""What a user loses if these fail: answers that cannot be traced, ids that change from run to run, or rows out of place."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mtl_models.config import text as config
from mtl_models.config.network import JointLstm
from mtl_models.config.text import TextOptions
from mtl_models.errors import CorpusError
from mtl_models.inference import batch
from mtl_models.inference.batch import Answerer, PredictionId, batch_key, read_input, write_answers
from mtl_models.inference.familiarity import UnfamiliarTexts
from mtl_models.inference.predictor import Predictor
from mtl_models.networks.build import build_network
from mtl_models.networks.model import Model
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import build_vocabulary

TASKS = (Task("films", "single_label", ("bad", "good")), Task("stars", "rating", ("stars",)))
ANSWERER = Answerer(model="polytask-made", version=3, run_id="r" * 32, fingerprint="f" * 64, tasks=("films", "stars"))
LINES = ["what a waste", "love, this phone", "", "waste of two hours", "ünï"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POLYTASK_HOME", str(tmp_path / "home"))
    (tmp_path / "texts.txt").write_text("".join(f"{line}\n" for line in LINES), encoding="utf-8")
    return tmp_path


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    words = build_vocabulary({"films": ["waste of two hours love this phone"]}, {"films": TextOptions()}, config.Vocabulary(min_count=1))
    torch.manual_seed(0)
    section = JointLstm(hidden=3)
    network = build_network(section, TASKS, {"shared": torch.randn(words.size, 4)})
    return Predictor(Model(network.eval(), TASKS, {"shared": words}, section, max_tokens=20))


def test_every_row_names_its_text_its_answer_and_what_gave_it(home: Path, predictor: Predictor) -> None:
    texts = read_input(home / "texts.txt", "text", "texts.txt")
    found = write_answers(predictor, texts, ANSWERER, home / "answers.parquet")
    rows = pq.read_table(home / "answers.parquet").to_pylist()
    assert found.rows == len(rows) == 2 * len(LINES)
    assert [row["text"] for row in rows[::2]] == LINES
    assert [(row["index"], row["task"]) for row in rows[:3]] == [(0, "films"), (0, "stars"), (1, "films")]
    with pytest.warns(UnfamiliarTexts):
        answers = predictor.predict(LINES)
    assert [row["label"] for row in rows] == [answer.label for answer in answers]
    assert [dict(row["probabilities"]) for row in rows] == [answer.probabilities for answer in answers]
    assert {(row["model"], row["model_version"], row["mlflow_run_id"], row["model_fingerprint"]) for row in rows} == {
        ("polytask-made", 3, "r" * 32, "f" * 64)
    }
    ids = [row["prediction_id"] for row in rows]
    assert len(set(ids)) == len(ids)
    assert PredictionId.parse(ids[3]) == PredictionId(batch_key(texts, ANSWERER), 1, "stars")


def test_parts_change_nothing(home: Path, predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = read_input(home / "texts.txt", "text", "texts.txt")
    write_answers(predictor, texts, ANSWERER, home / "one.parquet")
    monkeypatch.setattr(batch, "_PART", 2)
    again = read_input(home / "texts.txt", "text", "texts.txt")
    write_answers(predictor, again, ANSWERER, home / "three.parquet")
    assert pq.ParquetFile(home / "three.parquet").num_row_groups == 3
    one, three = (pq.read_table(home / name) for name in ("one.parquet", "three.parquet"))
    assert one.drop_columns(["confidence", "probabilities"]).equals(three.drop_columns(["confidence", "probabilities"]))
    for before, after in zip(one["probabilities"].to_pylist(), three["probabilities"].to_pylist(), strict=True):
        assert dict(after) == pytest.approx(dict(before), abs=1e-6)


def test_ids_stay_for_the_same_question_and_change_with_it(home: Path, predictor: Predictor) -> None:
    texts = read_input(home / "texts.txt", "text", "texts.txt")
    (home / "copy.txt").write_bytes((home / "texts.txt").read_bytes())
    assert batch_key(read_input(home / "copy.txt", "text", "elsewhere/copy.txt"), ANSWERER) == batch_key(texts, ANSWERER)
    (home / "copy.txt").write_text("another\n", encoding="utf-8")
    others = [
        batch_key(read_input(home / "copy.txt", "text", "copy.txt"), ANSWERER),
        batch_key(texts, ANSWERER.model_copy(update={"tasks": ("films",)})),
        batch_key(texts, ANSWERER.model_copy(update={"fingerprint": "0" * 64})),
        batch_key(texts, ANSWERER.model_copy(update={"version": 4})),
    ]
    assert len({batch_key(texts, ANSWERER), *others}) == 5
    one, two = (write_answers(predictor, texts, ANSWERER, home / name) for name in ("1.parquet", "2.parquet"))
    assert one.sha256 == two.sha256


def test_a_file_without_texts_is_told(home: Path) -> None:
    (home / "none.csv").write_text("text\n")
    with pytest.raises(CorpusError, match=r"none\.csv: no texts in it"):
        read_input(home / "none.csv", "text", "none.csv")


def test_nothing_is_left_of_answers_that_were_cut_off(home: Path, predictor: Predictor) -> None:
    texts = read_input(home / "texts.txt", "text", "texts.txt")
    with pytest.raises(Exception, match="task"):
        write_answers(predictor, texts, ANSWERER.model_copy(update={"tasks": ("films", "nothing")}), home / "cut.parquet")
    assert not [path for path in home.iterdir() if "cut" in path.name]


@given(st.text("0123456789abcdef", min_size=20, max_size=20), st.integers(0, 10**9), st.from_regex(r"[a-z][a-z0-9_]{0,31}", fullmatch=True))
def test_an_id_is_read_back_as_what_it_was(key: str, index: int, task: str) -> None:
    assert PredictionId.parse(str(PredictionId(key, index, task))) == PredictionId(key, index, task)


@pytest.mark.parametrize(
    "text", ["", "17", "movie", "0123456789abcdef0123-17", "0123456789abcdef0123--1-movie", "0123456789ABCDEF0123-1-movie"]
)
def test_what_is_no_id_is_told_what_one_looks_like(text: str) -> None:
    with pytest.raises(CorpusError, match="0123456789abcdef0123-17-movie"):
        PredictionId.parse(text)
