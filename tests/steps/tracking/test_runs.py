"""From a run in MLflow one must be able to tell what was trained, on which rows, how it went and how it was judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts

from mtl_models.errors import TrackingError
from steps.tracking.parameters import config_hash
from steps.tracking.runs import LoggedRun, TrainingRecord, find_run, log_training_run
from steps.tracking.writing import log_artifacts, tag_run


@pytest.fixture
def logged(record: TrainingRecord, client: MlflowClient) -> LoggedRun:
    return log_training_run(record, client)


def history(client: MlflowClient, run_id: str, metric: str) -> dict[int, float]:
    return {point.step: point.value for point in client.get_metric_history(run_id, metric)}


def test_the_whole_account_of_a_training(
    record: TrainingRecord, client: MlflowClient, logged: LoggedRun, home: Path, tmp_path: Path
) -> None:
    run = client.get_run(logged.run_id)
    assert (run.info.status, run.info.run_name) == ("FINISHED", "made-1")
    assert run.data.params["training.epochs"] == "12"
    assert run.data.params["tasks.phones.corpus.source.path"] == "phones.csv"
    assert json.loads(run.data.params["tasks.films.corpus.label.map"]) == {"★": "bad", "★★": "good"}
    tags = run.data.tags
    assert tags["polytask.zenml_run_id"] == "zenml-1"
    assert tags["polytask.config_hash"] == config_hash(record.experiment)
    assert tags["polytask.model_fingerprint"] == "f" * 64
    assert tags["polytask.corpus.films"] == record.corpora[0].fingerprint
    assert tags["polytask.decision"] == "promote"
    assert tags["mlflow.source.git.commit"] == "c" * 40
    assert tags["mlflow.note.content"] == "two made tasks"

    assert history(client, logged.run_id, "films/train/loss") == pytest.approx({1: 1.0, 2: 0.5, 3: 1 / 3, 4: 0.25})
    assert history(client, logged.run_id, "phones/dev/macro_f1") == pytest.approx({1: 0.5, 2: 0.6, 3: 0.7, 4: 0.8})
    comparison = record.comparison
    joint = comparison.tasks["films"].measures["joint"]
    assert history(client, logged.run_id, "films/test/macro_f1") == pytest.approx({3: joint.macro_f1})
    assert run.data.metrics["films/test/calibration_error"] == pytest.approx(joint.calibration_error)
    assert run.data.metrics["mean/test/macro_f1"] == pytest.approx(comparison.mean_scores["joint"].value)
    assert run.data.metrics["tfidf_single/phones/test/mcc"] == pytest.approx(comparison.tasks["phones"].measures["tfidf_single"].mcc)
    assert run.data.metrics["films/test/transfer"] == pytest.approx(comparison.tasks["films"].differences["twin"].value)
    assert run.data.metrics["mean/test/transfer_low"] == pytest.approx(comparison.mean_differences["twin"].low)
    assert run.data.metrics["films/test/over_tfidf_single_high"] == pytest.approx(
        comparison.tasks["films"].differences["tfidf_single"].high
    )

    files = Path(download_artifacts(run_id=logged.run_id, dst_path=str(tmp_path), tracking_uri=client.tracking_uri))
    assert (files / "report.html").read_text(encoding="utf-8") == "<p>ünï</p>"
    assert (files / "plan" / "plan.json").read_bytes() == b"{}"
    assert type(comparison).model_validate_json((files / "comparison.json").read_text()) == comparison
    assert json.loads((files / "confusion/films/joint.json").read_text())["confusion"] == joint.confusion
    assert (home / "artifacts" / "mlflow" / "made").is_dir()


def test_every_corpus_is_an_input_that_names_its_rows(record: TrainingRecord, client: MlflowClient, logged: LoggedRun) -> None:
    inputs = {found.dataset.name: found for found in client.get_run(logged.run_id).inputs.dataset_inputs}
    assert set(inputs) == {"films", "phones"}
    for corpus in record.corpora:
        found = inputs[corpus.task]
        assert {tag.key: tag.value for tag in found.tags} == {"mlflow.data.context": "training", "task": corpus.task}
        assert corpus.fingerprint.startswith(found.dataset.digest)
        assert json.loads(found.dataset.source)["fingerprint"] == corpus.fingerprint
        assert json.loads(found.dataset.profile)["rows"] == {"train": 6, "dev": 2, "test": 20}


def test_twins_are_child_runs_with_curves_of_their_own(record: TrainingRecord, client: MlflowClient, logged: LoggedRun) -> None:
    assert set(logged.twins) == {"films", "phones"}
    children = client.search_runs([logged.experiment_id], f"tags.`mlflow.parentRunId` = '{logged.run_id}'")
    assert {child.info.run_id for child in children} == set(logged.twins.values())
    twin = client.get_run(logged.twins["phones"])
    assert twin.info.status == "FINISHED"
    assert (twin.data.tags["polytask.role"], twin.data.tags["polytask.task"]) == ("twin", "phones")
    assert twin.data.tags["polytask.zenml_run_id"] == "zenml-1"
    assert "polytask.model_fingerprint" not in twin.data.tags
    assert list(history(client, twin.info.run_id, "phones/dev/accuracy")) == [1, 2, 3]
    measures = record.comparison.tasks["phones"].measures["twin"]
    assert history(client, twin.info.run_id, "phones/test/accuracy") == pytest.approx({2: measures.accuracy})
    assert not any(name.startswith("films/") for name in twin.data.metrics)
    assert [found.dataset.name for found in twin.inputs.dataset_inputs] == ["phones"]


def test_more_can_be_added_to_a_run_later(client: MlflowClient, logged: LoggedRun, tmp_path: Path) -> None:
    (tmp_path / "card.md").write_text("# Card", encoding="utf-8")
    log_artifacts(logged.run_id, {"model_card.md": tmp_path / "card.md"}, client)
    tag_run(logged.run_id, {"verdict": "stays"}, client)
    assert "model_card.md" in [file.path for file in client.list_artifacts(logged.run_id)]
    assert client.get_run(logged.run_id).data.tags["polytask.verdict"] == "stays"


def test_the_run_of_a_cached_training_is_found_again(record: TrainingRecord, client: MlflowClient, logged: LoggedRun) -> None:
    assert find_run(record.experiment, record.model_fingerprint, record.corpora, client) == logged
    assert find_run(record.experiment, "0" * 64, record.corpora, client) is None
    assert find_run(record.experiment.model_copy(update={"seed": 1}), record.model_fingerprint, record.corpora, client) is None
    assert find_run(record.experiment.model_copy(update={"name": "other"}), record.model_fingerprint, record.corpora, client) is None


class Unplugged(MlflowClient):
    """A client whose server goes away while the inputs are logged."""

    def log_inputs(self, *args, **kwargs):
        raise ConnectionResetError("gone")


def test_a_run_that_could_not_be_written_whole_is_failed_and_never_found(record: TrainingRecord, client: MlflowClient) -> None:
    with pytest.raises(ConnectionResetError):
        log_training_run(record, Unplugged(client.tracking_uri, client.tracking_uri))
    experiment = client.get_experiment_by_name("made")
    assert [run.info.status for run in client.search_runs([experiment.experiment_id])] == ["FAILED"]
    assert find_run(record.experiment, record.model_fingerprint, record.corpora, client) is None
    again = log_training_run(record, client)
    assert find_run(record.experiment, record.model_fingerprint, record.corpora, client) == again


def test_a_deleted_experiment_is_named(record: TrainingRecord, client: MlflowClient, logged: LoggedRun) -> None:
    client.delete_experiment(logged.experiment_id)
    with pytest.raises(TrackingError, match=r"experiment 'made' was deleted.*mlflow experiments restore"):
        log_training_run(record, client)
