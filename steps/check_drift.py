"""check_drift: are these texts of the sort that the model was trained on? Looked at before anything is answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from zenml import step

from mtl_models.config.drift import Drift
from mtl_models.corpora.annotations import as_objects
from mtl_models.corpora.corpus import Corpus
from mtl_models.errors import DriftError, TrackingError
from mtl_models.evaluation.drift import Side, as_in_training, measure_drift, sampled, side_of
from mtl_models.evaluation.drift_report import DriftReport, TaskDrift
from mtl_models.files import writing_file
from mtl_models.home import home_folder
from mtl_models.inference.batch import Answerer
from mtl_models.networks.folder import load_model
from mtl_models.networks.model import Model
from mtl_models.progress import progress
from mtl_models.reports.batch_report import BatchReport, InputChecks, render_batch
from mtl_models.tasks.scores.scores import scores_of
from mtl_models.tasks.task import Task
from steps.dependencies import depends_on, templates
from steps.lineage import now
from steps.origins import Origin, origins
from steps.tracking.registry import download
from steps.tracking.versions import resolve

__all__ = ["check_drift"]

_SEED = 13


@step(cache_policy=depends_on(__name__, *templates()))
def check_drift(
    texts: Corpus, answerer: Answerer, checks: InputChecks, limits: dict[str, float], refuse: bool
) -> Annotated[DriftReport, "drift"]:
    """The texts against the train rows of every task that is asked; `limits` go before those of the experiments.

    Drift, or a task that cannot be looked at, raises `DriftError` where it is to be refused; the page then lies with the reports.
    """
    report = _compare(texts, answerer, limits)
    if refuse and (report.drifted or report.unchecked):
        told = [f"{texts.report.source}: nothing was answered, for drift is to be refused", *report.lines()]
        raise DriftError("\n".join([*told, _advice(texts, answerer, checks, report)]))
    return report


def _compare(texts: Corpus, answerer: Answerer, limits: dict[str, float]) -> DriftReport:
    model = load_model(download(answerer.uri))
    known = origins(resolve(answerer.uri))
    tasks: dict[str, TaskDrift] = {}
    unchecked: dict[str, str] = {}
    for name in progress(answerer.tasks, "drift", total=len(answerer.tasks), unit="tasks"):
        try:
            tasks[name] = _of_task(texts, model, name, known.get(name), limits)
        except TrackingError as error:
            unchecked[name] = str(error)
    return DriftReport(rows=len(texts.splits["test"]), tasks=tasks, unchecked=unchecked)


def _of_task(texts: Corpus, model: Model, name: str, origin: Origin | None, limits: dict[str, float]) -> TaskDrift:
    if origin is None:
        raise TrackingError("no run that is registered trained it")
    drift = origin.experiment.drift if origin.experiment else Drift()
    drift = Drift.model_validate({**drift.model_dump(), **limits})
    rows = texts.splits["test"]
    if len(rows) < drift.min_texts:
        raise TrackingError(f"{len(rows)} texts are too few to tell; drift.min_texts is {drift.min_texts}")
    task = model.task(name)
    sample = sampled(rows, drift.sample, _SEED)
    read = as_in_training(task, sample)
    new = Side(read, read, _answers(model, task, sample))
    return measure_drift(task, model.vocabularies[task.vocabulary], side_of(origin.corpus(), drift, _SEED), new, drift, _SEED)


def _answers(model: Model, task: Task, texts: Sequence[str]) -> NDArray[Any]:
    """In the form of `Corpus.gold`."""
    probabilities, marked = model.answers(texts, [task.name])
    if task.on_words:
        return as_objects([found.rows for found in marked[task.name]])
    return np.asarray(scores_of(task.kind, len(task.labels)).answers(probabilities[task.name]))


def _advice(texts: Corpus, answerer: Answerer, checks: InputChecks, report: DriftReport) -> str:
    """Write the page, and say where it is and what can be done."""
    page = home_folder("reports", answerer.model) / "drift.html"
    content = BatchReport(
        answerer=answerer,
        source=texts.report.source,
        sha256=str(texts.report.source_sha256),
        checks=checks,
        drift=report,
        answers=None,
        made=now(),
    )
    with writing_file(page) as draft:
        draft.write_text(render_batch(content), encoding="utf-8")
    return (
        f"pictures: {page}\nask only the tasks that fit with --task, raise a limit with --set, or answer all the same with --on-drift warn"
    )
