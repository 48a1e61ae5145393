"""The page of one batch of answers: what was asked of which model, how the texts compare with those of training, what was checked."""

from __future__ import annotations

from markupsafe import Markup
from pydantic import BaseModel

from mtl_models.corpora.validation.report import ValidationReport
from mtl_models.evaluation.drift_report import DriftReport, Measure, MeasureName, TaskDrift
from mtl_models.inference.batch import Answerer
from mtl_models.reports.figures import paired_bars
from mtl_models.reports.templates import render_html

__all__ = ["BatchReport", "InputChecks", "render_batch"]

_NAMES: dict[MeasureName, tuple[str, str]] = {
    "length": ("Length", "words per text"),
    "unknown_words": ("Unknown words", "share of a text's words"),
    "labels": ("Answers", "answers against labels in training"),
    "domain": ("Domain", "how sure a classifier is that a text is new"),
}


class InputChecks(BaseModel):
    """The expectations of the tasks, held against the texts; one report for all tasks that expect the same."""

    reports: tuple[ValidationReport, ...]


class BatchReport(BaseModel):
    """What the page is made from. `answers` is None where none were given: the batch was refused."""

    answerer: Answerer
    source: str
    sha256: str
    checks: InputChecks
    drift: DriftReport
    answers: int | None
    made: str


def render_batch(batch: BatchReport) -> str:
    """One self-contained HTML page."""
    pictures = {name: {measure.name: _picture(task, measure) for measure in task.measures} for name, task in batch.drift.tasks.items()}
    return render_html("batch.html.jinja", batch=batch, pictures=pictures, names=_NAMES)


def _picture(task: TaskDrift, measure: Measure) -> Markup | None:
    if measure.picture is None:
        return None
    title, axis = _NAMES[measure.name]
    return paired_bars(f"{task.task}-{measure.name}", measure.picture, axis, f"{title} of the texts, task {task.task}: {measure.found}")
