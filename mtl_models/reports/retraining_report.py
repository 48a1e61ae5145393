"""The page of a retraining: what is new, how far it lies from what the champion was taught, the decision, and how the successor did."""

from __future__ import annotations

from markupsafe import Markup
from pydantic import BaseModel

from mtl_models.evaluation.comparison import CHAMPION, Comparison
from mtl_models.evaluation.decision import Decision
from mtl_models.evaluation.drift_report import Measure, MeasureName, TaskDrift
from mtl_models.evaluation.retraining import NewData, RetrainingDecision
from mtl_models.reports.candidates import METRIC_NAMES
from mtl_models.reports.figures import alternative, paired_bars, transfer_plot
from mtl_models.reports.templates import render_html

__all__ = ["FreshRows", "Outcome", "RetrainingReport", "render_retraining"]

_NAMES: dict[MeasureName, tuple[str, str]] = {
    "length": ("Length", "words per text"),
    "unknown_words": ("Unknown words", "share of a text's words"),
    "labels": ("Labels", "labels of the rows"),
    "domain": ("Domain", "how sure a classifier is that a text is new"),
}


class FreshRows(BaseModel):
    """The rows of one task on which the two models met."""

    test: int
    learned: int
    """Test rows left out because the champion learned from them."""
    kept_apart: int
    """Train and dev rows left out because they are in the regression set."""


class Outcome(BaseModel):
    """What came of a training. The comparisons are None where there was no other champion to meet, or no regression set."""

    start: str
    model: str
    run_id: str
    gate: Decision
    fresh: Comparison | None
    regression: Comparison | None
    rows: dict[str, FreshRows]


class RetrainingReport(BaseModel):
    """What the page is made from. `outcome` is None where nothing was trained, or not yet."""

    experiment: str
    found: NewData
    decision: RetrainingDecision
    outcome: Outcome | None
    made: str


def render_retraining(report: RetrainingReport) -> str:
    """One self-contained HTML page."""
    drift = report.found.drift
    met = {} if report.outcome is None else {"fresh": report.outcome.fresh, "regression": report.outcome.regression}
    return render_html(
        "retraining.html.jinja",
        report=report,
        names=_NAMES,
        champion=CHAMPION,
        metrics=METRIC_NAMES,
        met={name: found for name, found in met.items() if found is not None and found.tasks},
        pictures={name: {measure.name: _picture(task, measure) for measure in task.measures} for name, task in drift.tasks.items()},
        differences={name: _differences(name, found) for name, found in met.items() if found is not None and found.tasks},
    )


def _picture(task: TaskDrift, measure: Measure) -> Markup | None:
    if measure.picture is None:
        return None
    title, axis = _NAMES[measure.name]
    return paired_bars(f"{task.task}-{measure.name}", measure.picture, axis, f"{title} of the new rows, task {task.task}: {measure.found}")


def _differences(name: str, met: Comparison) -> Markup:
    found = {task: compared.differences[CHAMPION] for task, compared in met.tasks.items()}
    if len(found) > 1:
        found["mean"] = met.mean_differences[CHAMPION]
    words = alternative(f"New model minus champion, {name} rows, {METRIC_NAMES[met.metric]}", found)
    return transfer_plot(f"met-{name}", found, words, "new model minus champion")
