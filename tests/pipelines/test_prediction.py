"""Answers for a file, as a user asks for them: checked, compared with training, written, and traced back to the rows behind them."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import typer
from mlflow import MlflowClient

from mtl_models.errors import ConfigError
from mtl_models.files import sha256_of
from pipelines.cli import app

from commands import Told, told_by

pytestmark = pytest.mark.pipeline


def together(folder: Path, *commands: list[str]) -> list[Told]:
    return told_by([(folder, words) for words in commands], folder / "home")[0]


def write_inputs(folder: Path, made) -> None:
    """Reviews like those of training; texts of another sort; texts of which one is empty."""
    made.write_csv(folder / "new.csv", made.made_rows(9, 120))
    finance = [f"quarterly revenue rose by {number} per cent while margins in segment {number % 7} fell" for number in range(120)]
    (folder / "finance.txt").write_text("\n".join(finance) + "\n", encoding="utf-8")
    (folder / "holes.jsonl").write_text('{"text": "a good film"}\n{"text": "   "}\n', encoding="utf-8")


@pytest.fixture(scope="module")
def batches(finished_once, made):
    """The project, and what the terminal said of each batch."""
    finished, lock = finished_once
    first = ["--model", "models:/polytask-made/1", "--task", "films"]
    with lock:
        write_inputs(finished.folder, made)
        told = together(
            finished.folder,
            ["batch", "new.csv", "--model", "models:/polytask-made/2", "--task", "hotels", "--task", "films", "--out", "out/new.parquet"],
            ["batch", "finance.txt", *first, "--out", "refused.parquet", "--on-drift", "refuse"],
            ["batch", "finance.txt", *first, "--out", "warned.parquet"],
            ["batch", "holes.jsonl", "--model", "models:/polytask-made/1", "--out", "holes.parquet"],
        )
    return finished.folder, dict(zip(("new", "refused", "warned", "holes"), told, strict=True))


@pytest.fixture(scope="module")
def traces(finished_once, batches):
    """An answer for the new task, one for an old task, and one that nobody gave, with what `trace` said of each."""
    folder, _ = batches
    rows = pq.read_table(folder / "out" / "new.parquet").to_pylist()
    nobody = {"prediction_id": f"{'0' * 20}-1-films"}
    asked = [rows[8], rows[9], nobody]
    with finished_once[1]:
        told = together(folder, *(["trace", row["prediction_id"]] for row in asked))
    return dict(zip(("new task", "old task", "nobody"), zip(asked, told, strict=True), strict=True))


def test_the_answers_are_a_table_of_text_task_and_model(batches, made):
    folder, told = batches
    code, out, err = told["new"]
    assert code == 0, err
    rows = pq.read_table(folder / "out" / "new.parquet").to_pylist()
    assert [(row["index"], row["task"]) for row in rows[:3]] == [(0, "hotels"), (0, "films"), (1, "hotels")]
    assert [row["text"] for row in rows[::2]] == [text for text, _ in made.made_rows(9, 120)]
    assert {(row["model"], row["model_version"]) for row in rows} == {("polytask-made", 2)}
    assert "drift against the training rows" in out
    assert "240 answers" in out
    assert f"polytask trace {rows[0]['prediction_id']}" in out


def test_the_batch_is_in_mlflow_with_model_input_and_page(batches):
    folder, told = batches
    client = MlflowClient(f"sqlite:///{folder / 'home' / 'mlflow.db'}")
    run = client.get_run(re.search("batch +MLflow run ([0-9a-f]+)", told["new"][1])[1])
    assert client.get_experiment(run.info.experiment_id).name == "polytask-made-batch"
    tags = run.data.tags
    assert tags["polytask.input_sha256"] == sha256_of(folder / "new.csv")
    assert tags["polytask.answers_sha256"] == sha256_of(folder / "out" / "new.parquet")
    assert tags["polytask.model_run_id"] == pq.read_table(folder / "out" / "new.parquet")["mlflow_run_id"][0].as_py()
    assert client.get_model_version("polytask-made", "2").source.split("/models/")[1].split("/")[0] == run.inputs.model_inputs[0].model_id
    assert 0.0 <= run.data.metrics["films/drift/domain"] <= 1.0
    assert {file.path for file in client.list_artifacts(run.info.run_id)} == {"batch.html", "checks.json", "drift.json"}


def test_texts_of_another_sort_are_warned_of(batches):
    folder, told = batches
    code, out, _ = told["warned"]
    assert code == 0
    assert "warning: task 'films', domain 1.000, limit 0.8" in out
    assert (folder / "warned.parquet").exists()
    assert "unlike those that films was trained on" in (folder / "home" / "reports" / "polytask-made" / "batch.html").read_text("utf-8")


def test_on_request_they_are_refused_and_nothing_is_written(batches):
    folder, told = batches
    code, _, err = told["refused"]
    assert code == 2
    assert "drift is to be refused" in err
    assert "domain 1.000, limit 0.8" in err
    assert not (folder / "refused.parquet").exists()
    assert "Refused. " in (folder / "home" / "reports" / "polytask-made" / "drift.html").read_text("utf-8")


def test_a_row_without_a_text_ends_it_before_anything_is_answered(batches):
    folder, told = batches
    code, _, err = told["holes"]
    assert code == 2
    assert "holes.jsonl: 1 critical check failed that the corpus of 'films, phones' passed" in err
    assert "row 1: " in err
    assert not (folder / "holes.parquet").exists()


def test_an_answer_for_a_new_task_leads_to_the_run_that_taught_it(batches, traces):
    row, (code, out, err) = traces["new task"]
    assert code == 0, err
    for part in (row["prediction_id"], row["text"], f"hotels: {row['label']}", "new.csv", sha256_of(batches[0] / "new.csv")):
        assert part in out
    assert "polytask-made version 2" in out
    assert f"MLflow run {row['mlflow_run_id']} (more-" in out
    assert "corpus      hotels: hotels.csv" in out


def test_an_answer_for_an_old_task_leads_to_the_run_before_and_to_its_very_rows(traces):
    _, (code, out, err) = traces["old task"]
    assert code == 0, err
    lines = [line.strip() for line in out.splitlines()]
    assert any("MLflow run" in line and "(made-" in line for line in lines)
    assert "as models:/polytask-made/1" in lines
    assert "and with it phones: " in out
    path = Path(next(line for line in lines if line.startswith("in /")).removeprefix("in ")) / "train.parquet"
    train = next(line for line in lines if line.startswith("train "))
    assert train.endswith(sha256_of(path))
    assert f"{len(pq.read_table(path)):,} rows" in train


def test_what_no_batch_gave_is_told(traces):
    _, (code, _, err) = traces["nobody"]
    assert code == 2
    assert "no batch of MLflow at sqlite" in err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--set", "drift.domains=1"), "the limits: drift.length"),
        (("--set", "drift.domain=high"), "should be a valid number"),
        (("--out", "answers.csv"), "written as Parquet"),
        (("--model", "some/folder"), "answers name a registered version"),
    ],
    ids=["limit", "number", "format", "folder"],
)
def test_a_wrong_option_is_told_at_once(monkeypatch, tmp_path, words, says):
    monkeypatch.setenv("POLYTASK_HOME", str(tmp_path / "home"))
    with pytest.raises(ConfigError, match=says):
        typer.main.get_command(app).main(["batch", "texts.csv", "--out", "answers.parquet", *words], standalone_mode=False)
    assert not (tmp_path / "home").exists()
