"""predict_batch: every text answered for every task that is asked, in parts."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from mtl_models.corpora.corpus import Corpus
from mtl_models.evaluation.drift_report import DriftReport
from mtl_models.home import home_folder
from mtl_models.inference.batch import Answerer, Answers, batch_key, write_answers
from mtl_models.inference.predictor import load_model
from steps.dependencies import depends_on
from steps.materializers.answers import AnswersMaterializer
from steps.tracking.registry import download

__all__ = ["predict_batch"]


@step(cache_policy=depends_on(__name__), output_materializers=AnswersMaterializer)
def predict_batch(
    texts: Corpus,
    answerer: Answerer,
    drift: DriftReport,  # noqa: ARG001 (must have been looked at)
) -> Annotated[Answers, "answers"]:
    """A Parquet file with a row per text and task."""
    path = home_folder("cache", "answers") / f"{batch_key(texts, answerer)}.parquet"
    return write_answers(load_model(download(answerer.uri)), texts, answerer, path)
