"""log_probing: the probing goes to MLflow, with its page. Never cached: every probing that was asked for is there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from zenml import get_step_context, step
from zenml.types import HTMLString

from mtl_models.evaluation.probing.report import ProbingReport
from mtl_models.networks.model import Model
from mtl_models.reports.probing import ProbingPage, render_probing
from steps.lineage import git_commit
from steps.tracking.probing import ProbingRecord, log_probing_run

__all__ = ["log_probing"]


@step(enable_cache=False)
def log_probing(
    model: Model, source: str, experiment: str, found: ProbingReport
) -> tuple[Annotated[str, "probing_run"], Annotated[HTMLString, "probing_page"]]:
    """The id of the MLflow run, and the page; `experiment` is the name of the one whose sentences were read."""
    context = get_step_context()
    fingerprint = model.fingerprint()
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    page = render_probing(ProbingPage(model=source, fingerprint=fingerprint, found=found, made=made))
    record = ProbingRecord(
        name=context.pipeline_run.name,
        experiment=experiment,
        model=source,
        fingerprint=fingerprint,
        found=found,
        artifacts={"probing.html": page, "probing.json": found.model_dump_json(indent=2)},
        zenml_run_id=str(context.pipeline_run.id),
        git_commit=git_commit(),
    )
    return log_probing_run(record), HTMLString(page)
