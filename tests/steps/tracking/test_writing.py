"""Looks at new data, probings and batches are found again in MLflow: what was asked, by which run and code, and what came of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts

from mtl_models.evaluation.drift_report import DriftReport
from mtl_models.evaluation.retraining import NewData, RetrainingDecision
from steps.lineage import PipelineRun
from steps.tracking.retraining import retraining_record
from steps.tracking.versions import Version
from steps.tracking.writing import RunRecord, log_run

RUN = PipelineRun("look-1", "zenml-7", "c" * 40)


def looked(artifacts: dict[str, str | Path], run: PipelineRun = RUN) -> RunRecord:
    champion = Version("made", 3, ("champion",), datetime(2027, 1, 1, tzinfo=UTC), "r" * 32, "", {})
    found = NewData(
        champion=champion.uri,
        trained=champion.created,
        rows={"films": 1200},
        new={"films": 200},
        learned={"films": 0},
        drift=DriftReport(rows=200, tasks={}, unchecked={}),
    )
    decision = RetrainingDecision(retrain=True, forced=False, reasons=["Because it is so."], checks=[])
    return retraining_record(run, champion, found, decision, {"films": "f" * 64}, artifacts)


def test_a_run_says_what_it_is_about_and_where_it_comes_from(client: MlflowClient, tmp_path: Path) -> None:
    run_id = log_run(looked({"retraining.html": "<p>ünï</p>"}), client)
    run = client.get_run(run_id)
    assert client.get_experiment(run.info.experiment_id).name == "made-retraining"
    assert (run.info.status, run.info.run_name) == ("FINISHED", "look-1")
    assert run.data.params == {"champion": "models:/made/3"}
    assert run.data.metrics == {"films/rows": 1200.0, "films/new_rows": 200.0}
    tags = run.data.tags
    assert {name: value for name, value in tags.items() if name.startswith("polytask.")} == {
        "polytask.role": "retraining",
        "polytask.retrain": "yes",
        "polytask.forced": "no",
        "polytask.model_name": "made",
        "polytask.model_version": "3",
        "polytask.corpus.films": "f" * 64,
        "polytask.zenml_run_id": "zenml-7",
    }
    assert tags["mlflow.source.git.commit"] == "c" * 40
    assert "Because it is so." in tags["mlflow.note.content"]
    page = download_artifacts(run_id=run_id, artifact_path="retraining.html", dst_path=str(tmp_path), tracking_uri=client.tracking_uri)
    assert Path(page).read_text(encoding="utf-8") == "<p>ünï</p>"


def test_a_run_that_cannot_be_written_whole_is_marked_as_failed(client: MlflowClient, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        log_run(looked({"page.html": tmp_path / "none"}, PipelineRun("look-2", "zenml-8", None)), client)
    (run,) = client.search_runs([client.get_experiment_by_name("made-retraining").experiment_id], "attributes.run_name = 'look-2'")
    assert run.info.status == "FAILED"
    assert "mlflow.source.git.commit" not in run.data.tags, "code that is none of git's has no commit"
