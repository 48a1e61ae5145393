"""log_batch: the batch goes to MLflow, with its page. Never cached: every batch that was asked for is there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from zenml import get_step_context, step
from zenml.types import HTMLString

from mtl_models.corpora.corpus import Corpus
from mtl_models.evaluation.drift_report import DriftReport
from mtl_models.inference.batch import Answerer, Answers
from mtl_models.reports.batch_report import BatchReport, InputChecks, render_batch
from steps.lineage import git_commit
from steps.tracking.batches import BatchRecord, log_batch_run

__all__ = ["log_batch"]


@step(enable_cache=False)
def log_batch(
    texts: Corpus, column: str, answerer: Answerer, checks: InputChecks, drift: DriftReport, answers: Answers
) -> tuple[Annotated[str, "batch_run"], Annotated[HTMLString, "batch_page"]]:
    """The id of the MLflow run, and the page."""
    context = get_step_context()
    page = render_batch(
        BatchReport(
            answerer=answerer,
            source=texts.report.source,
            sha256=str(texts.report.source_sha256),
            checks=checks,
            drift=drift,
            answers=answers.rows,
            made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        )
    )
    record = BatchRecord(
        name=context.pipeline_run.name,
        answerer=answerer,
        texts=texts,
        column=column,
        rows=answers.rows,
        answers_sha256=answers.sha256,
        drift=drift,
        artifacts={
            "batch.html": page,
            "drift.json": drift.model_dump_json(indent=2),
            "checks.json": checks.model_dump_json(indent=2),
        },
        zenml_run_id=str(context.pipeline_run.id),
        git_commit=git_commit(),
    )
    run_id = log_batch_run(record)
    html = HTMLString(page)
    return run_id, html
