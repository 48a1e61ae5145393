"""register: the run and the model go to MLflow, and the gate decides. Never cached: it asks the registry what serves."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from mtl_models.config import Experiment
from mtl_models.corpora.corpus import Corpus
from mtl_models.evaluation.comparison import JOINT, Comparison
from mtl_models.evaluation.prediction_set import PredictionSet
from mtl_models.networks.model import Model
from mtl_models.training.finetune import Preservation
from mtl_models.training.history import History
from steps.lineage import this_run
from steps.tracking.registration import Registration, settle
from steps.tracking.runs import TrainingRecord

__all__ = ["register"]


@step(enable_cache=False)
def register(
    experiment: Experiment,
    joint: Model,
    predictions: PredictionSet,
    comparison: Comparison,
    corpora: list[Corpus],
    joint_history: History,
    twin_histories: list[History],
    regression: list[Corpus],
    preservation: Preservation | None = None,
) -> Annotated[Registration, "registration"]:
    """Log, register as challenger, decide, perhaps promote; `twin_histories` are in the order of `corpora`; `regression` see `settle`."""
    record = TrainingRecord(
        experiment=experiment,
        made_by=this_run(),
        corpora=corpora,
        joint=joint_history,
        twins={corpus.task: history for corpus, history in zip(corpora, twin_histories, strict=True)},
        comparison=comparison,
        model_fingerprint=joint.fingerprint(),
        changed=() if preservation is None else tuple(task for task in preservation.changed if task not in experiment.tasks),
    )
    return settle(record, joint, predictions.candidates[JOINT], regression=regression)
