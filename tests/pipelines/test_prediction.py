"""Answers for a file, as a user asks for them: checked, compared with training, written, and traced back to the rows behind them."""

from __future__ import annotations

import json
import re

import pyarrow.parquet as pq
import pytest

from mtl_models.files import sha256_of

pytestmark = pytest.mark.pipeline


@pytest.fixture(scope="module")
def answered(finished_once, made):
    """Reviews like those of training, answered by the model that was taught a third task: its rows, and what the terminal said."""
    finished, lock = finished_once
    with lock:
        made.write_csv(finished.folder / "new.csv", made.made_rows(9, 120))
        told = finished.polytask(
            *(
                "batch",
                "new.csv",
                "--model",
                "models:/polytask-made/2",
                "--task",
                "hotels",
                "--task",
                "films",
                "--out",
                "out/answers.parquet",
            )
        )
    assert told.returncode == 0, told.stderr
    return told, finished.folder / "out" / "answers.parquet"


def test_the_answers_are_a_table_of_text_task_and_model(answered, made):
    told, path = answered
    rows = pq.read_table(path).to_pylist()
    assert [(row["index"], row["task"]) for row in rows[:3]] == [(0, "hotels"), (0, "films"), (1, "hotels")]
    assert [row["text"] for row in rows[::2]] == [text for text, _ in made.made_rows(9, 120)]
    assert {(row["model"], row["model_version"]) for row in rows} == {("polytask-made", 2)}
    assert "drift against the training rows" in told.stdout
    assert "240 answers" in told.stdout
    assert f"polytask trace {rows[0]['prediction_id']}" in told.stdout


def test_the_batch_is_in_mlflow_with_model_input_and_page(answered, finished, tmp_path):
    from mlflow import MlflowClient

    told, path = answered
    client = MlflowClient(f"sqlite:///{finished.home / 'mlflow.db'}")
    run = client.get_run(re.search("batch +MLflow run ([0-9a-f]+)", told.stdout)[1])
    assert client.get_experiment(run.info.experiment_id).name == "polytask-made-batch"
    tags = run.data.tags
    assert tags["polytask.input_sha256"] == sha256_of(finished.folder / "new.csv")
    assert tags["polytask.answers_sha256"] == sha256_of(path)
    assert tags["polytask.model_run_id"] == pq.read_table(path)["mlflow_run_id"][0].as_py()
    assert run.inputs.model_inputs[0].model_id == client.get_model_version("polytask-made", "2").model_id
    assert 0.0 <= run.data.metrics["films/drift/domain"] <= 1.0
    assert {file.path for file in client.list_artifacts(run.info.run_id)} == {"batch.html", "checks.json", "drift.json"}


def test_an_answer_for_a_new_task_leads_to_the_run_that_taught_it(answered, finished):
    row = pq.read_table(answered[1]).to_pylist()[8]
    told = finished.polytask("trace", row["prediction_id"])
    assert told.returncode == 0, told.stderr
    for part in (row["prediction_id"], row["text"], f"hotels: {row['label']}", "new.csv", sha256_of(finished.folder / "new.csv")):
        assert part in told.stdout
    assert "polytask-made version 2" in told.stdout
    assert f"MLflow run {row['mlflow_run_id']} (more-" in told.stdout
    assert "corpus      hotels: hotels.csv" in told.stdout


def test_an_answer_for_an_old_task_leads_to_the_run_before_and_to_its_very_rows(answered, finished):
    row = pq.read_table(answered[1]).to_pylist()[9]
    told = finished.polytask("trace", row["prediction_id"], "--file", "out/answers.parquet")
    assert told.returncode == 0, told.stderr
    lines = told.stdout.splitlines()
    assert any("MLflow run" in line and "(made-" in line for line in lines)
    assert "as models:/polytask-made/1" in told.stdout
    assert "and with it phones: " in told.stdout
    folder = next(line.split("in ", 1)[1] for line in lines if line.strip().startswith("in /"))
    train = next(line for line in lines if line.strip().startswith("train "))
    assert train.endswith(sha256_of(finished.folder / folder / "train.parquet"))
    assert f"{len(pq.read_table(f'{folder}/train.parquet')):,} rows" in train


def test_what_no_batch_gave_is_told(answered, finished):
    told = finished.polytask("trace", f"{'0' * 20}-1-films")
    assert told.returncode == 2
    assert "no batch of MLflow at sqlite" in told.stderr


def test_texts_of_another_sort_are_refused_on_request_and_nothing_is_written(finished):
    lines = [f"quarterly revenue rose by {number} per cent while margins in segment {number % 7} fell" for number in range(120)]
    (finished.folder / "finance.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    words = ("batch", "finance.txt", "--model", "models:/polytask-made/1", "--task", "films", "--out", "finance.parquet")
    told = finished.polytask(*words, "--on-drift", "refuse")
    assert told.returncode == 2
    assert "drift is to be refused" in told.stderr
    assert "domain 1.000, limit 0.8" in told.stderr
    assert "Traceback" not in told.stderr
    assert "Refused. " in (finished.home / "reports" / "polytask-made" / "drift.html").read_text(encoding="utf-8")
    assert not (finished.folder / "finance.parquet").exists()
    warned = finished.polytask(*words)
    assert warned.returncode == 0, warned.stderr
    assert "warning: task 'films', domain 1.000" in warned.stdout
    assert (finished.folder / "finance.parquet").exists()


def test_a_row_without_a_text_ends_it_before_anything_is_answered(finished):
    rows = [{"text": "a good film"}, {"text": "   "}]
    (finished.folder / "holes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    told = finished.polytask("batch", "holes.jsonl", "--model", "models:/polytask-made/1", "--out", "holes.parquet")
    assert told.returncode == 2
    assert "holes.jsonl: 1 critical check failed that the corpus of 'films, phones' passed" in told.stderr
    assert "row 1: " in told.stderr
    assert not (finished.folder / "holes.parquet").exists()


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
    import typer

    from mtl_models.errors import ConfigError
    from pipelines.cli import app

    monkeypatch.setenv("POLYTASK_HOME", str(tmp_path / "home"))
    with pytest.raises(ConfigError, match=says):
        typer.main.get_command(app).main(["batch", "texts.csv", "--out", "answers.parquet", *words], standalone_mode=False)
    assert not (tmp_path / "home").exists()
