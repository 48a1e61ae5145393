"""evaluate: every candidate on the untouched test splits."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from mtl_models.corpora.corpus import Corpus
from mtl_models.evaluation.comparison import JOINT, TWIN
from mtl_models.evaluation.prediction_set import PredictionSet
from mtl_models.evaluation.predictions import Predictions, predict_split
from mtl_models.networks.model import Model
from mtl_models.progress import progress
from steps.dependencies import depends_on
from steps.materializers.predictions import PredictionSetMaterializer

__all__ = ["evaluate"]


@step(cache_policy=depends_on(__name__), output_materializers=PredictionSetMaterializer)
def evaluate(
    joint: Model, twins: list[Model], references: list[PredictionSet], corpora: list[Corpus]
) -> Annotated[PredictionSet, "predictions"]:
    """`joint`, `twin` and each reference on the test split of every task; `twins` in the order of `corpora`."""
    candidates: dict[str, dict[str, Predictions]] = {JOINT: {}, TWIN: {}}
    asked = [(JOINT, joint, corpus) for corpus in corpora]
    asked += [(TWIN, twin, corpus) for twin, corpus in zip(twins, corpora, strict=True)]
    for name, model, corpus in progress(asked, "test rows answered", len(asked), "splits"):
        candidates[name][corpus.task] = predict_split(model, corpus)
    for reference in references:
        for name, tasks in reference.candidates.items():
            candidates.setdefault(name, {}).update(tasks)
    return PredictionSet(candidates)
