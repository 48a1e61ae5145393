"""What became of a joint model: its run, its version, the gate's decision. The same question gets the recorded answer."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlflow import MlflowClient
from pydantic import BaseModel

from mtl_models.config import Experiment
from mtl_models.corpora.corpus import Corpus
from mtl_models.evaluation.champion import compare_with_champion
from mtl_models.evaluation.comparison import Comparison
from mtl_models.evaluation.decision import NO_CHAMPION, SERVES_ALREADY, Decision, decide
from mtl_models.evaluation.predictions import Predictions, predict_split
from mtl_models.networks.folder import load_model, save_model
from mtl_models.networks.model import Model
from steps.tracking.aliases import promote
from steps.tracking.client import connect
from steps.tracking.parameters import config_hash
from steps.tracking.records import REGISTRATION, read_record
from steps.tracking.registry import describe, download, register
from steps.tracking.runs import TrainingRecord, find_run, log_training_run
from steps.tracking.versions import Version, champion, find_version_by_fingerprint
from steps.tracking.writing import log_artifacts

__all__ = ["Registration", "attach", "settle"]


class Registration(BaseModel):
    """Where a joint model is in MLflow, and what the gate said of it."""

    model: str
    version: int
    run_id: str
    twin_runs: dict[str, str]
    """Task -> run of its twin."""
    fingerprint: str
    decision: Decision
    champion: Comparison | None
    """The model against the champion it met, on the same test rows."""
    regression: Comparison | None = None
    """The same, on the regression set of a retraining."""
    champion_before: int | None
    """The version that served when the gate decided."""

    lineage: dict[str, str]
    """Git commit, run of the pipeline, fingerprints, by name."""

    @property
    def uri(self) -> str:
        """The version's address."""
        return f"models:/{self.model}/{self.version}"


def settle(
    record: TrainingRecord,
    joint: Model,
    predictions: Mapping[str, Predictions],
    client: MlflowClient | None = None,
    regression: Sequence[Corpus] = (),
) -> Registration:
    """Log the run, register the model as challenger, and let the gate decide whether it becomes champion.

    `predictions` task -> the joint model's on the test split; `regression` has further test rows on which it meets the champion.
    Safe to repeat after a crash at any point: what is there already is used.
    """
    client = client or connect()
    experiment, name = record.experiment, record.experiment.model_name
    serving = champion(name, client)
    run = find_run(experiment, record.model_fingerprint, record.corpora, client)
    version = find_version_by_fingerprint(name, record.model_fingerprint, client)
    if run and version:
        recorded = read_record(run.run_id, REGISTRATION, Registration, client)
        if recorded and recorded.version == version.number and _same_question(recorded, version, serving, bool(regression)):
            return _carry_out(recorded, version, client)
    against = _meet_champion(experiment, predictions, record.corpora, serving, record.model_fingerprint, client)
    of_old: Comparison | None = None
    if against is not None and regression:
        answers = {
            corpus.task: predict_split(joint, corpus) for corpus in regression if corpus.task in predictions and len(corpus.splits["test"])
        }
        of_old = _meet_champion(experiment, answers, regression, serving, record.model_fingerprint, client)
    run = run or log_training_run(record, client)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "model"
        save_model(joint, folder, {"experiment": experiment.model_dump(mode="json"), "run_id": run.run_id})
        version = register(folder, name, run, {"config_hash": config_hash(experiment)} | dict(record.tags), experiment.description, client)
    alone = NO_CHAMPION if serving is None else SERVES_ALREADY
    registration = Registration(
        model=name,
        version=version.number,
        run_id=run.run_id,
        twin_runs=run.twins,
        fingerprint=record.model_fingerprint,
        decision=decide(record.comparison, experiment.gate, against, alone, record.changed, of_old),
        champion=against,
        regression=of_old,
        champion_before=serving.number if serving else None,
        lineage={
            "MLflow run": run.run_id,
            "pipeline run": record.made_by.id,
            "git commit": record.made_by.commit or "not from a git checkout",
            "model fingerprint": record.model_fingerprint,
            "config hash": config_hash(experiment),
        },
    )
    log_artifacts(run.run_id, {REGISTRATION: registration.model_dump_json(indent=2)}, client)
    return _carry_out(registration, version, client)


def _meet_champion(
    experiment: Experiment,
    predictions: Mapping[str, Predictions],
    corpora: Sequence[Corpus],
    serving: Version | None,
    fingerprint: str,
    client: MlflowClient,
) -> Comparison | None:
    """The new model against the one that serves, unless it is the same one."""
    if serving is None or serving.fingerprint == fingerprint:
        return None
    theirs = load_model(download(serving.uri, client))
    return compare_with_champion(predictions, theirs, {corpus.task: corpus for corpus in corpora}, experiment.evaluation, experiment.seed)


def _same_question(recorded: Registration, version: Version, serving: Version | None, regression: bool) -> bool:
    """Whether the gate would meet what it met: this model serves already, or the same champion still does, on rows of the same sort."""
    number = serving.number if serving else None
    return number == version.number or (number == recorded.champion_before and regression == (recorded.regression is not None))


def _carry_out(registration: Registration, version: Version, client: MlflowClient) -> Registration:
    """Promote where the decision says so, or finish what a crash left; a version that was rolled back stays down."""
    if version.rolled_back:
        reason = f"Version {version.number} was champion and has been rolled back; a rerun does not put it back."
        return registration.model_copy(
            update={"decision": registration.decision.model_copy(update={"promote": False, "reasons": [reason]})}
        )
    if registration.decision.promote:
        promote(registration.model, version.number, client)
    return registration


def attach(registration: Registration, card: str, files: Mapping[str, str], client: MlflowClient | None = None) -> None:
    """Add pages to the run of a registered model; `card`, Markdown, becomes the version's description."""
    client = client or connect()
    log_artifacts(registration.run_id, files, client)
    describe(registration.model, registration.version, card, client)
