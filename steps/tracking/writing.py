"""How a run is written to MLflow, whatever it is about: tags, values, artifacts, and an end that says whether it is whole."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import DatasetInput, LoggedModelInput, Metric, Param, RunTag
from mlflow.utils.mlflow_tags import MLFLOW_GIT_COMMIT, MLFLOW_RUN_NAME, MLFLOW_RUN_NOTE

from steps.lineage import PipelineRun
from steps.tracking.client import connect, experiment_id, talking_to
from steps.tracking.tags import tagged

__all__ = ["Files", "RunRecord", "lineage_tags", "log_artifacts", "log_run", "log_values", "running", "tag_run"]

_PARAMS_AT_ONCE, _METRICS_AT_ONCE = 100, 1000

Files = Mapping[str, bytes | str | Path]
"""Path inside a run's artifacts -> content, or a file that has it."""


@dataclass(frozen=True)
class RunRecord:
    """All that a run of its own leaves in MLflow, in the experiment of that name; `tags` are kept under `polytask.`, `note` is Markdown."""

    experiment: str
    made_by: PipelineRun
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Sequence[Metric]
    artifacts: Files
    inputs: Sequence[DatasetInput] = field(default=())
    models: Sequence[LoggedModelInput] = field(default=())
    note: str = ""


def log_run(record: RunRecord, client: MlflowClient | None = None) -> str:
    """Write the run; its id. A run that cannot be written whole ends as FAILED."""
    client = client or connect()
    with talking_to(client):
        experiment = experiment_id(client, record.experiment)
        tags = tagged(record.tags) | lineage_tags(record.made_by)
        with running(client, experiment, record.made_by.name, tags, record.note) as run_id:
            log_values(client, run_id, record.params, record.metrics, record.inputs, record.models)
            log_artifacts(run_id, record.artifacts, client)
    return run_id


def lineage_tags(made_by: PipelineRun) -> dict[str, str]:
    """What every run says of where it comes from, by the names in MLflow."""
    commit = {MLFLOW_GIT_COMMIT: made_by.commit} if made_by.commit else {}
    return tagged({"zenml_run_id": made_by.id}) | commit


@contextmanager
def running(client: MlflowClient, experiment: str, name: str, tags: Mapping[str, str], note: str = "") -> Iterator[str]:
    """A run that ends as FINISHED if the block ends well, else as FAILED."""
    described = {**tags, MLFLOW_RUN_NAME: name} | ({MLFLOW_RUN_NOTE: note} if note else {})
    run_id = str(client.create_run(experiment, tags=described, run_name=name).info.run_id)
    try:
        yield run_id
    except BaseException:
        client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id, "FINISHED")


def log_values(
    client: MlflowClient,
    run_id: str,
    params: Mapping[str, str],
    metrics: Sequence[Metric],
    inputs: Sequence[DatasetInput] = (),
    models: Sequence[LoggedModelInput] = (),
) -> None:
    """Everything in as few calls as MLflow's limits allow."""
    entries = [Param(name, value) for name, value in params.items()]
    for start in range(0, len(entries), _PARAMS_AT_ONCE):
        client.log_batch(run_id, params=entries[start : start + _PARAMS_AT_ONCE])
    for start in range(0, len(metrics), _METRICS_AT_ONCE):
        client.log_batch(run_id, metrics=metrics[start : start + _METRICS_AT_ONCE])
    client.log_inputs(run_id, datasets=list(inputs), models=list(models) or None)


def log_artifacts(run_id: str, files: Files, client: MlflowClient | None = None) -> None:
    """Add files to a run."""
    client = client or connect()
    with tempfile.TemporaryDirectory() as scratch, talking_to(client):
        for name, content in files.items():
            path = Path(scratch) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, str):
                path.write_text(content, encoding="utf-8")
            else:
                path.write_bytes(content.read_bytes() if isinstance(content, Path) else content)
        client.log_artifacts(run_id, scratch)


def tag_run(run_id: str, tags: Mapping[str, str], client: MlflowClient | None = None) -> None:
    """Set tags of a run, kept under `polytask.`."""
    client = client or connect()
    with talking_to(client):
        client.log_batch(run_id, tags=[RunTag(name, value) for name, value in tagged(tags).items()])
