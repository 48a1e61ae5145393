"""One MLflow run per trained joint model, with a child run per twin, written once all is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlflow import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from mtl_models.config import Experiment
from mtl_models.corpora.corpus import Corpus
from mtl_models.evaluation.comparison import JOINT, TWIN, Comparison
from mtl_models.training.history import History
from steps.lineage import PipelineRun
from steps.tracking.client import connect, experiment_id, talking_to
from steps.tracking.inputs import corpus_input
from steps.tracking.metrics import curves, differences, measures_on_test, references
from steps.tracking.parameters import config_hash, flatten
from steps.tracking.tags import matching, own_tags, tagged
from steps.tracking.writing import Files, lineage_tags, log_artifacts, log_values, running

__all__ = ["LoggedRun", "TrainingRecord", "find_run", "log_training_run"]


@dataclass(frozen=True)
class TrainingRecord:
    """All that a run of the training pipeline leaves in MLflow, apart from the model.

    `joint` and `twins` (by task) are histories; `model_fingerprint` that of the joint model; `tags` are further ones, kept under
    `polytask.`; `changed` tasks that a fine-tuned model answers otherwise than before, and that were not measured.
    """

    experiment: Experiment
    made_by: PipelineRun
    corpora: Sequence[Corpus]
    joint: History
    twins: Mapping[str, History]
    comparison: Comparison
    model_fingerprint: str
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
        ours = _tags(record, JOINT, record.corpora) | {"model_fingerprint": record.model_fingerprint}
        tags = tagged(ours) | lineage_tags(record.made_by)
        with running(client, experiment, record.made_by.name, tags, record.experiment.description) as run_id:
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


def find_run(
    experiment: Experiment, model_fingerprint: str, corpora: Iterable[Corpus], client: MlflowClient | None = None
) -> LoggedRun | None:
    """The latest whole run of the same experiment that trained the same model and judged it on the same rows, if there is one."""
    client = client or connect()
    with talking_to(client):
        found = client.get_experiment_by_name(experiment.name)
        if found is None:
            return None
        same = {"role": JOINT, "model_fingerprint": model_fingerprint, "config_hash": config_hash(experiment), **_rows(corpora)}
        wanted = matching(same)
        runs = client.search_runs([found.experiment_id], f"{wanted} and attributes.status = 'FINISHED'", max_results=1)
        if not runs:
            return None
        run_id = runs[0].info.run_id
        children = client.search_runs([found.experiment_id], f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{run_id}'")
    ours = [(own_tags(child.data.tags), child.info.run_id) for child in children]
    twins = {tags["task"]: child_id for tags, child_id in ours if "task" in tags}
    return LoggedRun(run_id, found.experiment_id, experiment.name, twins)


def _tags(record: TrainingRecord, candidate: str, corpora: Iterable[Corpus]) -> dict[str, str]:
    """What ties a run to its part in the comparison, its configuration and its corpora, by our names."""
    return {"config_hash": config_hash(record.experiment), **_rows(corpora), **record.tags, "role": candidate}


def _rows(corpora: Iterable[Corpus]) -> dict[str, str]:
    return {f"corpus.{corpus.task}": corpus.fingerprint for corpus in corpora}


def _log_twin(client: MlflowClient, experiment: str, parent: str, record: TrainingRecord, corpus: Corpus) -> str:
    task, history = corpus.task, record.twins[corpus.task]
    ours = _tags(record, TWIN, [corpus]) | {"task": task}
    tags = tagged(ours) | lineage_tags(record.made_by) | {MLFLOW_PARENT_RUN_ID: parent}
    with running(client, experiment, f"twin {task}", tags) as run_id:
        log_values(
            client,
            run_id,
            params={"task": task, "parameters": str(history.parameters)},
            metrics=[*curves(history), *measures_on_test(record.comparison, TWIN, history.best_epoch, tasks=[task])],
            inputs=[corpus_input(corpus)],
        )
    return run_id


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
