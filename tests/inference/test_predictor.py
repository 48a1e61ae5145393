"""What a user loses if these fail: answers for the wrong line of a file, or a traceback instead of the line that is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mtl_models
from mtl_models.config import text as config
from mtl_models.config.network import JointLstm
from mtl_models.config.text import TextOptions
from mtl_models.errors import ConfigError, CorpusError, ModelFolderError
from mtl_models.inference.predictor import Predictor
from mtl_models.inference.text_files import read_texts
from mtl_models.networks.build import build_network
from mtl_models.networks.folder import save_model
from mtl_models.networks.model import Model
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import build_vocabulary

TEXTS = ["what a waste of two hours", "love this phone", ""]


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    tasks = (Task("tweets", "single_label", ("bad", "good")), Task("stars", "single_label", ("1", "2", "3")))
    vocabulary = build_vocabulary({"tweets": TEXTS}, {"tweets": TextOptions()}, config.Vocabulary(min_count=1))
    torch.manual_seed(0)
    network = build_network(JointLstm(hidden=6), tasks, {"shared": torch.randn(vocabulary.size, 4)})
    return Predictor(Model(network.eval(), tasks, {"shared": vocabulary}, JointLstm(hidden=6), 20))


def test_answers_come_text_by_text_and_agree_with_the_probabilities(predictor: Predictor) -> None:
    found = predictor.predict(TEXTS)
    assert [(answer.index, answer.text, answer.task) for answer in found] == [
        (index, text, task) for index, text in enumerate(TEXTS) for task in ("tweets", "stars")
    ]
    probabilities = predictor.model.probabilities(TEXTS)
    for answer in found:
        assert list(answer.probabilities.values()) == probabilities[answer.task][answer.index].tolist()
        assert answer.label == max(answer.probabilities, key=answer.probabilities.__getitem__)
        assert answer.confidence == answer.probabilities[answer.label]
        assert sum(answer.probabilities.values()) == pytest.approx(1.0, abs=1e-6)


def test_one_task_no_text_and_wrong_arguments(predictor: Predictor) -> None:
    assert {answer.task for answer in predictor.predict(TEXTS, ["stars"])} == {"stars"}
    assert predictor.predict([]) == []
    with pytest.raises(ConfigError, match=r"unknown task 'star'; did you mean 'stars'\? the model's tasks: tweets, stars"):
        predictor.predict(TEXTS, ["star"])
    assert predictor.predict("love this phone", "stars") == predictor.predict(["love this phone"], ["stars"])
    assert predictor.predict(iter(TEXTS)) == predictor.predict(TEXTS)
    with pytest.raises(CorpusError, match="text 1 is nan, not a string"):
        predictor.predict(["fine", float("nan")])  # type: ignore[list-item]


def test_the_documented_one_liner(predictor: Predictor, tmp_path: Path) -> None:
    save_model(predictor.model, tmp_path / "model")
    assert mtl_models.load_model(tmp_path / "model").predict(TEXTS) == predictor.predict(TEXTS)
    assert mtl_models.load_model(str(tmp_path / "model")).predict(TEXTS) == predictor.predict(TEXTS)
    with pytest.raises(ModelFolderError, match="not a model folder"):
        mtl_models.load_model(tmp_path)


def test_importing_the_package_is_light() -> None:
    script = "import sys, mtl_models; print([name for name in ('torch', 'numpy', 'sklearn') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert done.stdout.strip() == "[]"


def test_an_unsure_answer_has_no_label_but_its_confidence(predictor: Predictor) -> None:
    sure = predictor.predict(TEXTS)
    middle = sorted(answer.confidence for answer in sure)[len(sure) // 2]
    for answer, before in zip(predictor.predict(TEXTS, abstain_below=middle), sure, strict=True):
        assert answer.label == (None if before.confidence < middle else before.label)
        assert (answer.confidence, answer.probabilities) == (before.confidence, before.probabilities)
    with pytest.raises(ConfigError, match="abstain_below: 60"):
        predictor.predict(TEXTS, abstain_below=60)


def test_a_predictor_says_what_it_is(predictor: Predictor) -> None:
    assert list(predictor.tasks) == ["tweets", "stars"]
    assert predictor.tasks["stars"].labels == ("1", "2", "3")
    assert "joint_lstm" in repr(predictor)
    assert "  stars: single_label, 1, 2, 3" in repr(predictor)


@pytest.mark.parametrize("chunk", [1, 2, 100])
@pytest.mark.parametrize("name", ["texts.txt", "texts.csv", "texts.tsv", "texts.jsonl"])
def test_a_file_is_answered_like_a_list(predictor: Predictor, tmp_path: Path, name: str, chunk: int) -> None:
    bodies = {
        "texts.txt": "\ufeffwhat a waste of two hours\r\nlove this phone\r\n\r\n",
        "texts.csv": 'id,text\n1,"what a waste of two hours"\n2,love this phone\n3,\n',
        "texts.tsv": "text\tid\nwhat a waste of two hours\t1\nlove this phone\t2\n\t3\n",
        "texts.jsonl": "".join(json.dumps({"text": text}) + "\n" for text in TEXTS) + "\n",
    }
    (tmp_path / name).write_bytes(bodies[name].encode())
    chunks = list(predictor.predict_file(tmp_path / name, chunk=chunk))
    assert all(len(part) <= 2 * chunk for part in chunks)
    found = [answer for part in chunks for answer in part]
    expected = predictor.predict(TEXTS)
    assert [(answer.index, answer.text, answer.task, answer.label) for answer in found] == [
        (answer.index, answer.text, answer.task, answer.label) for answer in expected
    ]
    assert [answer.confidence for answer in found] == pytest.approx([answer.confidence for answer in expected], abs=1e-5)


def test_a_parquet_column_is_read_row_by_row(predictor: Predictor, tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"id": [1, 2, 3], "body": TEXTS}), path, row_group_size=2)
    assert list(read_texts(path, "body")) == TEXTS
    with pytest.raises(CorpusError, match="no column 'text'; the columns are id, body"):
        list(read_texts(path))
    with pytest.raises(CorpusError, match="row 1: 'id' is 1, not a text"):
        list(read_texts(path, "id"))


@given(st.lists(st.text(st.characters(codec="utf-8")), min_size=1))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_survives_json_lines(tmp_path: Path, texts: list[str]) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps({"body": text}, ensure_ascii=False) + "\n" for text in texts), encoding="utf-8", newline="")
    assert list(read_texts(path, "body")) == texts


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("t.xlsx", b"", r"t\.xlsx: cannot tell the format.*\.txt, \.csv.*\.parquet"),
        ("t.parquet", b"PAR", r"t\.parquet: not a sound Parquet file"),
        ("t.txt", b"good\nb\xe4d\n", r"t\.txt:2: byte 2 of the line \(0xe4\) is not UTF-8"),
        ("t.csv", b"", r"t\.csv:1: no column 'text'; the columns are none"),
        ("t.csv", b"a,b\n1,2\n", r"t\.csv:1: no column 'text'; the columns are a, b"),
        ("t.csv", b"id,text\n1,x\n2\n", r"t\.csv:3: 1 columns, but 'text' is column 2"),
        ("t.csv", b'text\n"open\n', r"t\.csv:2: not CSV"),
        ("t.jsonl", b'{"text": "a"}\n{"text": \n', r"t\.jsonl:2: not JSON"),
        ("t.jsonl", b'{"text": "a"}\n{"txt": "b"}\n', r"t\.jsonl:2: no text under 'text'"),
        ("t.jsonl", b'{"text": null}\n', r"t\.jsonl:1: no text under 'text'"),
        ("t.jsonl", b'["a"]\n', r"t\.jsonl:1: no text under 'text'"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(predictor: Predictor, tmp_path: Path, name: str, body: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(body)
    with pytest.raises(CorpusError, match=message):
        list(predictor.predict_file(tmp_path / name))


def test_a_file_that_is_not_there_is_said(predictor: Predictor, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"none\.txt: no such file"):
        list(predictor.predict_file(tmp_path / "none.txt"))


def test_a_cell_of_200_thousand_characters_is_a_text(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("text\n" + "x" * 200_000 + "\n")
    assert [len(text) for text in read_texts(path)] == [200_000]
