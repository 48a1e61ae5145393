"""One MLflow run per look at new data, in an experiment of its own, tied to the champion that was looked at."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from mlflow import MlflowClient
from mlflow.entities import Metric
from mlflow.utils.mlflow_tags import MLFLOW_GIT_COMMIT, MLFLOW_RUN_NOTE

from mtl_models.evaluation.retraining import NewData, RetrainingDecision
from steps.tracking.client import connect, experiment_id, talking_to
from steps.tracking.runs import log_artifacts, log_values, running
from steps.tracking.versions import resolve

__all__ = ["RetrainingRecord", "log_retraining_run"]

_PREFIX = "polytask."


@dataclass(frozen=True)
class RetrainingRecord:
    """All that a look leaves in MLflow; `corpora` task -> fingerprint, `artifacts` path -> content."""

    name: str
    found: NewData
    decision: RetrainingDecision
    corpora: Mapping[str, str]
    artifacts: Mapping[str, str]
    zenml_run_id: str
    git_commit: str | None


def log_retraining_run(record: RetrainingRecord, client: MlflowClient | None = None) -> str:
    """Write the run into the experiment `MODEL-retraining`; its id. A run that cannot be written whole ends as FAILED."""
    client = client or connect()
    with talking_to(client):
        champion = resolve(record.found.champion, client)
        experiment = experiment_id(client, f"{champion.name}-retraining")
        ours = {
            "role": "retraining",
            "retrain": "yes" if record.decision.retrain else "no",
            "forced": "yes" if record.decision.forced else "no",
            "model_name": champion.name,
            "model_version": str(champion.number),
            "zenml_run_id": record.zenml_run_id,
            **{f"corpus.{task}": fingerprint for task, fingerprint in record.corpora.items()},
        }
        tags = {f"{_PREFIX}{name}": value for name, value in ours.items()} | {MLFLOW_RUN_NOTE: record.decision.prose()}
        tags |= {MLFLOW_GIT_COMMIT: record.git_commit} if record.git_commit else {}
        with running(client, experiment, record.name, tags) as run_id:
            log_values(client, run_id, params={"champion": record.found.champion}, metrics=_metrics(record.found), inputs=[])
            log_artifacts(run_id, record.artifacts, client)
    return run_id


def _metrics(found: NewData) -> list[Metric]:
    """`task/rows`, `task/new_rows`, and `task/drift/measure`."""
    values = {f"{task}/rows": float(rows) for task, rows in found.rows.items()}
    values |= {f"{task}/new_rows": float(rows) for task, rows in found.new.items()}
    for task, drift in found.drift.tasks.items():
        values |= {f"{task}/drift/{measure.name}": measure.value for measure in drift.measures if measure.value is not None}
    now = time.time_ns() // 1_000_000
    return [Metric(name, value, now, 0) for name, value in values.items()]
