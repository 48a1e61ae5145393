"""log_probing: the probing goes to MLflow, with its page. Never cached: every probing that was asked for is there."""

from __future__ import annotations

from typing import Annotated

from zenml import step
from zenml.types import HTMLString

from mtl_models.evaluation.probing.report import ProbingReport
from mtl_models.networks.model import Model
from mtl_models.reports.probing import ProbingPage, render_probing
from steps.lineage import now, this_run
from steps.tracking.probing import probing_record
from steps.tracking.writing import log_run

__all__ = ["log_probing"]


@step(enable_cache=False)
def log_probing(
    model: Model, source: str, experiment: str, found: ProbingReport
) -> tuple[Annotated[str, "probing_run"], Annotated[HTMLString, "probing_page"]]:
    """The id of the MLflow run, and the page; `experiment` is the name of the one whose sentences were read."""
    fingerprint = model.fingerprint()
    page = render_probing(ProbingPage(model=source, fingerprint=fingerprint, found=found, made=now()))
    artifacts = {"probing.html": page, "probing.json": found.model_dump_json(indent=2)}
    return log_run(probing_record(this_run(), experiment, source, fingerprint, found, artifacts)), HTMLString(page)
