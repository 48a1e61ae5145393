"""One MLflow run per batch of answers, in an experiment of its own, tied to the version that answered and to the texts it read."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelInput, Metric, Run
from mlflow.utils.mlflow_tags import MLFLOW_GIT_COMMIT

from mtl_models.corpora.corpus import Corpus
from mtl_models.evaluation.drift_report import DriftReport
from mtl_models.inference.batch import Answerer, batch_key
from steps.tracking.client import connect, experiment_id, talking_to
from steps.tracking.runs import log_artifacts, log_values, running

__all__ = ["BatchRecord", "find_batches", "log_batch_run"]

_PREFIX = "polytask."
_LONGEST_DIGEST = 36
"""Of a data set, in MLflow; the whole sha256 is in the run's tags."""


@dataclass(frozen=True)
class BatchRecord:
    """All that a batch leaves in MLflow; `artifacts` are path -> content, `rows` those of the answers."""

    name: str
    answerer: Answerer
    texts: Corpus
    column: str
    rows: int
    answers_sha256: str
    drift: DriftReport
    artifacts: Mapping[str, str]
    zenml_run_id: str
    git_commit: str | None

    @property
    def key(self) -> str:
        """What the ids of the answers begin with."""
        return batch_key(self.texts, self.answerer)


def log_batch_run(record: BatchRecord, client: MlflowClient | None = None) -> str:
    """Write the run into the experiment `MODEL-batch`; its id. A run that cannot be written whole ends as FAILED."""
    client = client or connect()
    with talking_to(client):
        experiment = experiment_id(client, f"{record.answerer.model}-batch")
        params = {"source": record.texts.report.source, "column": record.column, "tasks": ", ".join(record.answerer.tasks)}
        with running(client, experiment, record.name, _tags(record)) as run_id:
            log_values(client, run_id, params=params, metrics=_metrics(record), inputs=[_input(record)])
            client.log_inputs(run_id, models=_models(record.answerer, client))
            log_artifacts(run_id, record.artifacts, client)
    return run_id


def find_batches(key: str, client: MlflowClient | None = None) -> list[Run]:
    """The whole runs that gave the answers of this key, the newest first; several where the same question was asked again."""
    client = client or connect()
    with talking_to(client):
        experiments = [found.experiment_id for found in client.search_experiments() if found.name.endswith("-batch")]
        if not experiments:
            return []
        wanted = f"tags.`{_PREFIX}batch` = '{key}' and attributes.status = 'FINISHED'"
        return list(client.search_runs(experiments, wanted, order_by=["attributes.start_time DESC"]))


def _tags(record: BatchRecord) -> dict[str, str]:
    ours = {
        "role": "batch",
        "batch": record.key,
        "model_name": record.answerer.model,
        "model_version": str(record.answerer.version),
        "model_fingerprint": record.answerer.fingerprint,
        "model_run_id": record.answerer.run_id,
        "input_sha256": str(record.texts.report.source_sha256),
        "input_fingerprint": record.texts.fingerprint,
        "input_rows": str(len(record.texts.splits["test"])),
        "answers_sha256": record.answers_sha256,
        "drift": "yes" if record.drift.drifted else "no",
        "zenml_run_id": record.zenml_run_id,
    }
    commit = {MLFLOW_GIT_COMMIT: record.git_commit} if record.git_commit else {}
    return {f"{_PREFIX}{name}": value for name, value in ours.items()} | commit


def _models(answerer: Answerer, client: MlflowClient) -> list[LoggedModelInput]:
    """The model that answered, as its training run logged it: registered versions do not say which that is."""
    outputs = client.get_run(answerer.run_id).outputs
    logged = [client.get_logged_model(output.model_id) for output in outputs.model_outputs] if outputs else []
    return [LoggedModelInput(model.model_id) for model in logged if model.tags.get(f"{_PREFIX}model_fingerprint") == answerer.fingerprint]


def _metrics(record: BatchRecord) -> list[Metric]:
    """`task/drift/measure` beside what was answered."""
    values = {"texts": float(len(record.texts.splits["test"])), "answers": float(record.rows)}
    for task, drift in record.drift.tasks.items():
        values |= {f"{task}/drift/{measure.name}": measure.value for measure in drift.measures if measure.value is not None}
    now = time.time_ns() // 1_000_000
    return [Metric(name, value, now, 0) for name, value in values.items()]


def _input(record: BatchRecord) -> DatasetInput:
    """The file of texts, as MLflow keeps it."""
    report = record.texts.report
    source = {"source": report.source, "sha256": report.source_sha256, "fingerprint": record.texts.fingerprint}
    dataset = Dataset(
        name="input",
        digest=str(report.source_sha256)[:_LONGEST_DIGEST],
        source_type="polytask-input",
        source=json.dumps(source, ensure_ascii=False),
        schema=json.dumps({"mlflow_colspec": [{"name": record.column, "type": "string", "required": True}]}),
        profile=json.dumps({"rows": report.rows_read}),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "prediction")])
