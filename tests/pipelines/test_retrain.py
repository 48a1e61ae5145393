"""What a user loses if these fail: a champion replaced by a worse one, or retrained every night for nothing.

One story in one home folder: a first training, a look at the same rows, rows of another sort, a training that is forced and goes on from
the champion.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mlflow import MlflowClient

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]

SMALL = ("--set", "retraining.min_test_rows=3", "--set", "evaluation.resamples=100", "--set", "training.epochs=2")


def append_strange_rows(path: Path, made) -> None:
    """Gadgets instead of films, said at length, and mostly liked."""
    with path.open("a", encoding="utf-8") as file:
        for text, label in made.made_rows(12, 200):
            said = text.replace("the ", "my brand new gadget and ", 1).replace("was", "turned out to be after weeks of daily use rather")
            file.write(f"{said},{label}\n")


def newest(client: MlflowClient, experiment: str, role: str = "retraining"):
    found = client.get_experiment_by_name(experiment)
    return client.search_runs([found.experiment_id], f"tags.`polytask.role` = '{role}'", order_by=["attributes.start_time DESC"])[0]


def test_retraining_from_the_first_model_to_its_successor(polytask, experiment: Path, tmp_path: Path, made) -> None:
    home = tmp_path / "home"
    first = polytask("retrain", "made.yaml", *SMALL, "--set", "gate.min_mean_gain=-1")
    assert first.returncode == 0, first.stderr
    assert "has no champion yet: this is its first training" in first.stderr
    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    assert client.get_registered_model("polytask-made").aliases == {"champion": 1}

    idle = polytask("retrain", "made.yaml", *SMALL, "--set", "retraining.max_age_days=0.000001")
    assert idle.returncode == 0, idle.stderr
    assert "Nothing has changed: all 400 rows were there" in idle.stdout
    assert "train_joint" not in idle.stderr
    looked = newest(client, "polytask-made-retraining")
    assert looked.data.tags["polytask.retrain"] == "no"
    assert looked.data.metrics["films/new_rows"] == 0.0

    append_strange_rows(experiment.parent / "films.csv", made)
    drifted = polytask("retrain", "made.yaml", *SMALL)
    assert drifted.returncode == 0, drifted.stderr
    assert "The model is trained anew. Rows that are new" in drifted.stdout
    assert "domain 1.000, limit 0.8" in drifted.stdout
    assert newest(client, "polytask-made-retraining").data.metrics["films/new_rows"] == 200.0
    trained = newest(client, "made", "joint")
    files = {file.path for file in client.list_artifacts(trained.info.run_id)}
    assert {"retraining.html", "retraining.json"} <= files
    path = client.download_artifacts(trained.info.run_id, "retraining.json", str(tmp_path))
    told = json.loads(Path(path).read_text(encoding="utf-8"))
    assert set(told["outcome"]["regression"]["tasks"]) == {"films", "phones"}
    assert told["outcome"]["rows"]["films"]["learned"] == told["found"]["learned"]["films"]

    made.write_csv(experiment.parent / "must.csv", made.made_rows(21, 40))
    changes = ("--set", "retraining.start=warm", "--set", "seed=14", "--set", "retraining.regression={films: must.csv}")
    forced = polytask("retrain", "made.yaml", *SMALL, *changes, "--force")
    assert forced.returncode == 0, forced.stderr
    assert "It was asked for, whatever the data say." in forced.stdout
    assert "finetune_model" in forced.stderr
    assert "test rows were left out, for the champion learned from them" in forced.stdout
    path = client.download_artifacts(newest(client, "made", "joint").info.run_id, "retraining.json", str(tmp_path))
    again = json.loads(Path(path).read_text(encoding="utf-8"))
    assert again["outcome"]["regression"]["tasks"]["films"]["rows"] == 40
    assert "from the champion" in (home / "reports" / "polytask-made" / "retraining.html").read_text("utf-8")
