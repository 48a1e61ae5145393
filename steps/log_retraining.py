"""log_retraining: the look at new data goes to MLflow with its decision and its page. Never cached: every look is there."""

from __future__ import annotations

from typing import Annotated

from zenml import step
from zenml.types import HTMLString

from mtl_models.corpora.corpus import Corpus
from mtl_models.evaluation.retraining import NewData, RetrainingDecision
from mtl_models.reports.retraining_report import RetrainingReport, render_retraining
from steps.lineage import now, this_run
from steps.tracking.retraining import retraining_record
from steps.tracking.versions import resolve
from steps.tracking.writing import log_run

__all__ = ["log_retraining"]


@step(enable_cache=False)
def log_retraining(
    experiment: str, found: NewData, decision: RetrainingDecision, corpora: list[Corpus]
) -> tuple[Annotated[str, "retraining_run"], Annotated[HTMLString, "retraining_page"]]:
    """The id of the MLflow run, and the page; `experiment` is the name of the one that was looked at."""
    page = render_retraining(RetrainingReport(experiment=experiment, found=found, decision=decision, outcome=None, made=now()))
    artifacts = {
        "retraining.html": page,
        "new_data.json": found.model_dump_json(indent=2),
        "retraining_decision.json": decision.model_dump_json(indent=2),
    }
    fingerprints = {corpus.task: corpus.fingerprint for corpus in corpora}
    record = retraining_record(this_run(), resolve(found.champion), found, decision, fingerprints, artifacts)
    return log_run(record), HTMLString(page)
