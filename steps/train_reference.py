"""train_reference_t and train_pooled_reference: TF-IDF and logistic regression, what a user would pick instead."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from mtl_models.config.judging import Reference
from mtl_models.corpora.corpus import Corpus
from mtl_models.evaluation.comparison import POOLED, SINGLE
from mtl_models.evaluation.prediction_set import PredictionSet
from steps.dependencies import depends_on
from steps.materializers.predictions import PredictionSetMaterializer

__all__ = ["train_pooled_reference", "train_reference"]


@step(cache_policy=depends_on(__name__), output_materializers=PredictionSetMaterializer)
def train_reference(task: str, corpus: Corpus, reference: Reference, seed: int) -> Annotated[PredictionSet, "reference_{task}"]:
    """One model for one task; its predictions on the test split."""
    from mtl_models.evaluation.references import train_single_reference as fit_single  # scikit-learn: not for a cached run

    return PredictionSet({SINGLE: {task: fit_single(corpus, reference, seed)}})


@step(cache_policy=depends_on(__name__), output_materializers=PredictionSetMaterializer)
def train_pooled_reference(corpora: list[Corpus], reference: Reference, seed: int) -> Annotated[PredictionSet, "pooled_reference"]:
    """One model per set of labels, on the rows of all tasks that have it."""
    from mtl_models.evaluation.references import train_pooled_reference as fit_pooled

    return PredictionSet({POOLED: fit_pooled(corpora, reference, seed)})
