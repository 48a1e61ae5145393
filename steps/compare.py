"""compare: the joint model beside its twins and the references, with paired intervals."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from mtl_models.config.judging import Evaluation
from mtl_models.evaluation.comparison import JOINT, TWIN, Comparison
from mtl_models.evaluation.comparison import compare as compare_candidates
from mtl_models.evaluation.prediction_set import PredictionSet
from steps.dependencies import depends_on

__all__ = ["compare"]


@step(cache_policy=depends_on(__name__))
def compare(predictions: PredictionSet, evaluation: Evaluation, seed: int) -> Annotated[Comparison, "comparison"]:
    """Every difference per task and on average."""
    references = {name: tasks for name, tasks in predictions.candidates.items() if name not in (JOINT, TWIN)}
    return compare_candidates(predictions.candidates[JOINT], predictions.candidates[TWIN], references, evaluation, seed)
