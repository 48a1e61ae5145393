"""log_batch: the batch goes to MLflow, with its page. Never cached: every batch that was asked for is there."""

from __future__ import annotations

from typing import Annotated

from zenml import step
from zenml.types import HTMLString

from mtl_models.corpora.corpus import Corpus
from mtl_models.evaluation.drift_report import DriftReport
from mtl_models.inference.batch import Answerer, Answers
from mtl_models.reports.batch_report import BatchReport, InputChecks, render_batch
from steps.lineage import now, this_run
from steps.tracking.batches import Batch, batch_record
from steps.tracking.writing import log_run

__all__ = ["log_batch"]


@step(enable_cache=False)
def log_batch(
    texts: Corpus, column: str, answerer: Answerer, checks: InputChecks, drift: DriftReport, answers: Answers
) -> tuple[Annotated[str, "batch_run"], Annotated[HTMLString, "batch_page"]]:
    """The id of the MLflow run, and the page."""
    page = render_batch(
        BatchReport(
            answerer=answerer,
            source=texts.report.source,
            sha256=str(texts.report.source_sha256),
            checks=checks,
            drift=drift,
            answers=answers.rows,
            made=now(),
        )
    )
    artifacts = {
        "batch.html": page,
        "drift.json": drift.model_dump_json(indent=2),
        "checks.json": checks.model_dump_json(indent=2),
    }
    batch = Batch(texts, column, answerer, drift, answers)
    return log_run(batch_record(this_run(), batch, artifacts)), HTMLString(page)
