"""One MLflow run per trained joint model, with a child run per twin, written once all is known."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import DatasetInput, Metric, Param, RunTag
from mlflow.utils.mlflow_tags import MLFLOW_GIT_COMMIT, MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NAME, MLFLOW_RUN_NOTE

from mtl_models.config import Experiment
from mtl_models.corpora.corpus import Corpus
from mtl_models.evaluation.comparison import JOINT, TWIN, Comparison
from mtl_models.training.history import History
from steps.tracking.client import connect, experiment_id, talking_to
from steps.tracking.inputs import corpus_input
from steps.tracking.metrics import curves, differences, measures_on_test, references
from steps.tracking.parameters import config_hash, flatten

__all__ = [
    "LoggedRun",
    "TrainingRecord",
    "find_run",
    "log_artifacts",
    "log_training_run",
    "log_values",
    "running",
    "tag_run",
]

_PARAMS_AT_ONCE, _METRICS_AT_ONCE = 100, 1000
_PREFIX = "polytask."

Files = Mapping[str, bytes | str | Path]


@dataclass(frozen=True)
class TrainingRecord:
    """All that a run of the training pipeline leaves in MLflow, apart from the model.

    `joint` and `twins` (by task) are histories; `model_fingerprint` that of the joint model; `artifacts` maps a path inside the
    run's artifacts to its content, or to a file that has it; `tags` are further ones, kept under `polytask.`;
    `changed` tasks that a fine-tuned model answers otherwise than before, and that were not measured.
    """

    experiment: Experiment
    name: str
    corpora: Sequence[Corpus]
    joint: History
    twins: Mapping[str, History]
    comparison: Comparison
    model_fingerprint: str
    zenml_run_id: str
    git_commit: str | None = None
    artifacts: Files = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    changed: tuple[str, ...] = ()


@dataclass(frozen=True)
class LoggedRun:
    """A run in MLflow; `twins` maps task to the id of its child run."""

    run_id: str
    experiment_id: str
    experiment: str
    twins: dict[str, str]


def log_training_run(record: TrainingRecord, client: MlflowClient | None = None) -> LoggedRun:
    """Write the run of the joint model and, below it, one run per twin. A run that cannot be written whole ends as FAILED."""
    client = client or connect()
    with talking_to(client):
        experiment = experiment_id(client, record.experiment.name)
        tags = _tags(record) | {"polytask.role": JOINT}
        with running(client, experiment, record.name, tags, record.experiment.description) as run_id:
            step = record.joint.best_epoch
            measured = [*measures_on_test(record.comparison, JOINT, step), *references(record.comparison, step)]
            log_values(
                client,
                run_id,
                params=flatten(record.experiment) | {"parameters": str(record.joint.parameters)},
                metrics=[*curves(record.joint), *measured, *differences(record.comparison, step)],
                inputs=[corpus_input(corpus) for corpus in record.corpora],
            )
            twins = {
                corpus.task: _log_twin(client, experiment, run_id, record, corpus)
                for corpus in record.corpora
                if corpus.task in record.twins
            }
            log_artifacts(run_id, _own_artifacts(record) | dict(record.artifacts), client)
    return LoggedRun(run_id, experiment, record.experiment.name, twins)


def find_run(experiment: Experiment, model_fingerprint: str, client: MlflowClient | None = None) -> LoggedRun | None:
    """The latest whole run of the same experiment that trained the same model, if there is one."""
    client = client or connect()
    with talking_to(client):
        found = client.get_experiment_by_name(experiment.name)
        if found is None:
            return None
        wanted = {"role": JOINT, "model_fingerprint": model_fingerprint, "config_hash": config_hash(experiment)}
        clauses = [f"tags.`{_PREFIX}{name}` = '{value}'" for name, value in wanted.items()]
        runs = client.search_runs([found.experiment_id], " and ".join([*clauses, "attributes.status = 'FINISHED'"]), max_results=1)
        if not runs:
            return None
        run_id = runs[0].info.run_id
        children = client.search_runs([found.experiment_id], f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{run_id}'")
    twins = {child.data.tags["polytask.task"]: child.info.run_id for child in children if "polytask.task" in child.data.tags}
    return LoggedRun(run_id, found.experiment_id, experiment.name, twins)


def log_artifacts(run_id: str, files: Files, client: MlflowClient | None = None) -> None:
    """Add files to a run: path inside its artifacts -> content, or a file that has it."""
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
        client.log_batch(run_id, tags=[RunTag(f"{_PREFIX}{name}", value) for name, value in tags.items()])


def _tags(record: TrainingRecord) -> dict[str, str]:
    """The lineage that every run carries, the twins' too."""
    ours = {
        "zenml_run_id": record.zenml_run_id,
        "config_hash": config_hash(record.experiment),
        "model_fingerprint": record.model_fingerprint,
        **{f"corpus.{corpus.task}": corpus.fingerprint for corpus in record.corpora},
        **record.tags,
    }
    commit = {MLFLOW_GIT_COMMIT: record.git_commit} if record.git_commit else {}
    return {f"{_PREFIX}{name}": value for name, value in ours.items()} | commit


def _log_twin(client: MlflowClient, experiment: str, parent: str, record: TrainingRecord, corpus: Corpus) -> str:
    task, history = corpus.task, record.twins[corpus.task]
    shared = {name: value for name, value in _tags(record).items() if not name.startswith((f"{_PREFIX}corpus.", f"{_PREFIX}model_"))}
    tags = shared | {
        "polytask.role": TWIN,
        "polytask.task": task,
        f"polytask.corpus.{task}": corpus.fingerprint,
        MLFLOW_PARENT_RUN_ID: parent,
    }
    with running(client, experiment, f"twin {task}", tags) as run_id:
        log_values(
            client,
            run_id,
            params={"task": task, "parameters": str(history.parameters)},
            metrics=[*curves(history), *measures_on_test(record.comparison, TWIN, history.best_epoch, tasks=[task])],
            inputs=[corpus_input(corpus)],
        )
    return run_id


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
    client: MlflowClient, run_id: str, params: Mapping[str, str], metrics: Sequence[Metric], inputs: Sequence[DatasetInput]
) -> None:
    """Everything in as few calls as MLflow's limits allow."""
    entries = [Param(name, value) for name, value in params.items()]
    for start in range(0, len(entries), _PARAMS_AT_ONCE):
        client.log_batch(run_id, params=entries[start : start + _PARAMS_AT_ONCE])
    for start in range(0, len(metrics), _METRICS_AT_ONCE):
        client.log_batch(run_id, metrics=metrics[start : start + _METRICS_AT_ONCE])
    client.log_inputs(run_id, datasets=list(inputs))


def _own_artifacts(record: TrainingRecord) -> dict[str, bytes | str | Path]:
    """What every run keeps as JSON, whatever the caller adds: the experiment, the comparison, the histories, the confusion matrices."""
    files: dict[str, bytes | str | Path] = {
        "experiment.json": record.experiment.model_dump_json(indent=2),
        "comparison.json": record.comparison.model_dump_json(indent=2),
        "history/joint.json": record.joint.model_dump_json(indent=2),
    }
    files |= {f"history/twin_{task}.json": history.model_dump_json(indent=2) for task, history in record.twins.items()}
    for task, compared in record.comparison.tasks.items():
        for candidate, measures in compared.measures.items():
            files[f"confusion/{task}/{candidate}.json"] = measures.model_dump_json(indent=2, include={"labels", "confusion"})
    return files
