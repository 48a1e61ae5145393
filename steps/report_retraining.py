"""report_retraining: one self-contained page from the new rows to the gate's decision, kept here and in MLflow."""

from __future__ import annotations

from typing import Annotated

from zenml import step
from zenml.types import HTMLString

from mtl_models.corpora.corpus import Corpus
from mtl_models.corpora.fresh import KEPT_APART, LEARNED
from mtl_models.evaluation.retraining import NewData, RetrainingDecision
from mtl_models.reports.retraining_report import FreshRows, Outcome, RetrainingReport, render_retraining
from steps.dependencies import depends_on, templates
from steps.lineage import now
from steps.tracking.registration import Registration
from steps.tracking.writing import log_artifacts

__all__ = ["report_retraining"]


@step(cache_policy=depends_on(__name__, *templates()))
def report_retraining(
    experiment: str, start: str, found: NewData, decision: RetrainingDecision, corpora: list[Corpus], registration: Registration
) -> Annotated[HTMLString, "retraining_page"]:
    """The page; with its JSON it joins the MLflow run of the model. `corpora` are those held apart, `start` is where training began."""
    outcome = Outcome(
        start=start,
        model=registration.uri,
        run_id=registration.run_id,
        gate=registration.decision,
        fresh=registration.champion,
        regression=registration.regression,
        rows={corpus.task: _rows(corpus) for corpus in corpora},
    )
    report = RetrainingReport(experiment=experiment, found=found, decision=decision, outcome=outcome, made=now())
    page = render_retraining(report)
    log_artifacts(registration.run_id, {"retraining.html": page, "retraining.json": report.model_dump_json(indent=2)})
    return HTMLString(page)


def _rows(corpus: Corpus) -> FreshRows:
    dropped = corpus.report.dropped
    return FreshRows(test=len(corpus.splits["test"]), learned=dropped.get(LEARNED, 0), kept_apart=dropped.get(KEPT_APART, 0))
