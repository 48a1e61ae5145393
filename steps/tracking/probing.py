"""One MLflow run per probing, in an experiment of its own, tied to the model that was looked into by its fingerprint."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from mlflow import MlflowClient
from mlflow.entities import Metric
from mlflow.utils.mlflow_tags import MLFLOW_GIT_COMMIT

from mtl_models.evaluation.probing.report import ProbingReport
from steps.tracking.client import connect, experiment_id, talking_to
from steps.tracking.runs import log_artifacts, log_values, running

__all__ = ["ProbingRecord", "log_probing_run"]

_PREFIX = "polytask."


@dataclass(frozen=True)
class ProbingRecord:
    """All that a probing leaves in MLflow; `experiment` is the name of that whose sentences were read, `artifacts` path -> content."""

    name: str
    experiment: str
    model: str
    fingerprint: str
    found: ProbingReport
    artifacts: Mapping[str, str]
    zenml_run_id: str
    git_commit: str | None


def log_probing_run(record: ProbingRecord, client: MlflowClient | None = None) -> str:
    """Write the run into the experiment `EXPERIMENT-probing`; its id. A run that cannot be written whole ends as FAILED."""
    client = client or connect()
    with talking_to(client):
        experiment = experiment_id(client, f"{record.experiment}-probing")
        ours = {"role": "probing", "model": record.model, "model_fingerprint": record.fingerprint, "zenml_run_id": record.zenml_run_id}
        tags = {f"{_PREFIX}{name}": value for name, value in ours.items()}
        tags |= {MLFLOW_GIT_COMMIT: record.git_commit} if record.git_commit else {}
        params = {"model": record.model, "rows": str(record.found.rows), "seed": str(record.found.seed)}
        with running(client, experiment, record.name, tags) as run_id:
            log_values(client, run_id, params=params, metrics=_metrics(record.found), inputs=[])
            log_artifacts(run_id, record.artifacts, client)
    return run_id


def _metrics(found: ProbingReport) -> list[Metric]:
    """`task/level/pooling`, and `task/baseline`."""
    values: dict[str, float] = {}
    for task in found.tasks:
        values |= {f"{task.name}/{name}": estimate.value for name, estimate in {"majority": task.majority, **task.baselines}.items()}
        values |= {f"{task.name}/{reading.level}/{reading.pooling}": reading.accuracy.value for reading in task.readings}
    now = time.time_ns() // 1_000_000
    return [Metric(name, value, now, 0) for name, value in values.items()]
