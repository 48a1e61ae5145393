"""log_retraining: the look at new data goes to MLflow with its decision and its page. Never cached: every look is there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from zenml import get_step_context, step
from zenml.types import HTMLString

from mtl_models.corpora.corpus import Corpus
from mtl_models.evaluation.retraining import NewData, RetrainingDecision
from mtl_models.reports.retraining_report import RetrainingReport, render_retraining
from steps.lineage import git_commit
from steps.tracking.retraining import RetrainingRecord, log_retraining_run

__all__ = ["log_retraining"]


@step(enable_cache=False)
def log_retraining(
    experiment: str, found: NewData, decision: RetrainingDecision, corpora: list[Corpus]
) -> tuple[Annotated[str, "retraining_run"], Annotated[HTMLString, "retraining_page"]]:
    """The id of the MLflow run, and the page; `experiment` is the name of the one that was looked at."""
    context = get_step_context()
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    page = render_retraining(RetrainingReport(experiment=experiment, found=found, decision=decision, outcome=None, made=made))
    record = RetrainingRecord(
        name=context.pipeline_run.name,
        found=found,
        decision=decision,
        corpora={corpus.task: corpus.fingerprint for corpus in corpora},
        artifacts={
            "retraining.html": page,
            "new_data.json": found.model_dump_json(indent=2),
            "retraining_decision.json": decision.model_dump_json(indent=2),
        },
        zenml_run_id=str(context.pipeline_run.id),
        git_commit=git_commit(),
    )
    run_id = log_retraining_run(record)
    html = HTMLString(page)
    return run_id, html
