"""The page of a probing: what every level encodes, as a table, a figure and a sentence a task."""

from __future__ import annotations

from pydantic import BaseModel

from mtl_models.evaluation.probing.report import ProbedTask, ProbingReport
from mtl_models.reports.figures import level_dots
from mtl_models.reports.numbers import interval, score, signed, verdict
from mtl_models.reports.templates import render_html

__all__ = ["TASK_NAMES", "ProbingPage", "finding", "render_probing"]

TASK_NAMES = {
    "length": "sentence length",
    "word_content": "word content",
    "bigram_shift": "bigram shift",
    "odd_word": "odd word out",
    "coordination": "coordination inversion",
    "tense": "tense",
    "first_noun": "number of the first noun",
    "last_noun": "number of the last noun",
    "chunk_count": "number of chunks",
    "first_chunks": "sequence of the first chunks",
}
_BASELINES = {"length": "the length alone", "words": "a bag of words"}
BASE = "base"


class ProbingPage(BaseModel):
    """What the page is made from; `model` is how people call it."""

    model: str
    fingerprint: str
    found: ProbingReport
    made: str


def render_probing(page: ProbingPage) -> str:
    """One self-contained HTML page."""
    found, pooling = page.found, page.found.poolings[0]
    figure = level_dots(
        "probing",
        {TASK_NAMES[task.name]: {level: task.reading(level, pooling).accuracy for level in found.levels} for task in found.tasks},
        {TASK_NAMES[task.name]: task.majority.value for task in found.tasks},
        "Accuracy of linear probes by task and level: " + "; ".join(finding(task, pooling) for task in found.tasks),
    )
    return render_html(
        "probing.html.jinja",
        page=page,
        found=found,
        pooling=pooling,
        figure=figure,
        names=TASK_NAMES,
        baselines=_BASELINES,
        findings={task.name: finding(task, pooling) for task in found.tasks},
        heat=_heat,
    )


def finding(task: ProbedTask, pooling: str) -> str:
    """What the probes of a task say, in plain words: from which level it is read best, and whether that is more than words alone tell."""
    best = task.best(pooling)
    name = TASK_NAMES[task.name]
    reached = f"{score(best.accuracy.value)} {interval(best.accuracy)}"
    if best.accuracy.low <= task.majority.value:
        return f"{name} cannot be told from guessing on any level: {reached} at best, where guessing gives {score(task.majority.value)}"
    where = "the base" if best.level == BASE else f"level {best.level}"
    said = f"{name} is read best from {where}: {reached}"
    if best.over_base is not None:
        said += f", {_against(signed(best.over_base.value), verdict(best.over_base))} the base {interval(best.over_base)}"
    baseline = _BASELINES[task.baseline]
    told = {"better": "more than", "worse": "less than", "undecided": "not clearly more than"}[verdict(best.over_baseline)]
    return f"{said}; {told} {baseline} tells ({score(task.baselines[task.baseline].value)})"


def _against(difference: str, judged: str) -> str:
    return f"{difference} over" if judged == "better" else f"{difference}, which may be chance, over"


def _heat(task: ProbedTask, value: float) -> float:
    """How far an accuracy is on the way from guessing to always right, in per cent of the colour."""
    chance = task.majority.value
    return round(60.0 * max(0.0, (value - chance) / (1.0 - chance)), 1)
