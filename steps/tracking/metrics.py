"""Histories and comparisons as MLflow metrics, named `task/split/metric`; and what else becomes points of curves."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping

from mlflow.entities import Metric

from mtl_models.evaluation.comparison import JOINT, TWIN, Comparison
from mtl_models.evaluation.drift_report import DriftReport
from mtl_models.evaluation.metrics import TaskMeasures
from mtl_models.tasks.scores.scores import EVERY_KIND
from mtl_models.training.history import History

__all__ = ["curves", "differences", "drift_measures", "measures_on_test", "points", "references"]

_MEASURES = ("accuracy", "macro_f1", "mcc", "calibration_error")


def curves(history: History) -> list[Metric]:
    """`task/train/loss`, `task/dev/...`, `task/train/weight`, `conflict/X/Y` and the learning rate of every epoch, which is the step."""
    now = _now()
    found: list[Metric] = []
    for epoch in history.epochs:
        values = {"epoch/learning_rate": epoch.learning_rate, "epoch/seconds": epoch.seconds, "epoch/padded": epoch.padded}
        values |= {f"{task}/train/loss": loss for task, loss in epoch.train_loss.items()}
        values |= {f"{task}/dev/{name}": value for task, measured in epoch.dev.items() for name, value in _own(measured).items()}
        values |= {f"{task}/train/weight": weight for task, weight in epoch.weights.items()}
        values |= {f"conflict/{pair}": cosine for pair, cosine in epoch.conflicts.items()}
        found += points(values, epoch.epoch, now)
    return found


def measures_on_test(
    comparison: Comparison, candidate: str, step: int, prefix: str = "", tasks: Iterable[str] | None = None
) -> list[Metric]:
    """`task/test/metric` of one candidate for `tasks` (default: all it has), and their mean where it has them all."""
    wanted = list(comparison.tasks if tasks is None else tasks)
    measured = {t: comparison.tasks[t].measures[candidate] for t in wanted if candidate in comparison.tasks[t].measures}
    values = {f"{prefix}{task}/test/{name}": value for task, its in measured.items() for name, value in _values(its).items()}
    if len(measured) == len(comparison.tasks) > 1:
        means = {name: comparison.mean_measure(candidate, name) for name in _MEASURES}
        values |= {f"{prefix}mean/test/{name}": value for name, value in means.items() if not math.isnan(value)}
    return points(values, step)


def differences(comparison: Comparison, step: int) -> list[Metric]:
    """`task/test/transfer` (joint minus twin), `task/test/over_REFERENCE`, each with `_low` and `_high`; and their means."""
    values: dict[str, float] = {}
    by_task = {task: its.differences for task, its in comparison.tasks.items()} | {"mean": comparison.mean_differences}
    for task, changes in by_task.items():
        for other, change in changes.items():
            name = f"{task}/test/{'transfer' if other == TWIN else f'over_{other}'}"
            values |= {name: change.value, f"{name}_low": change.low, f"{name}_high": change.high}
    return points(values, step)


def references(comparison: Comparison, step: int) -> list[Metric]:
    """`REFERENCE/task/test/metric` of every candidate that is neither joint nor twin."""
    names = [name for name in comparison.candidates if name not in (JOINT, TWIN)]
    return [metric for name in names for metric in measures_on_test(comparison, name, step, prefix=f"{name}/")]


def drift_measures(found: DriftReport) -> dict[str, float]:
    """`task/drift/measure` of every measure that could be taken."""
    return {
        f"{task}/drift/{measure.name}": measure.value
        for task, drift in found.tasks.items()
        for measure in drift.measures
        if measure.value is not None
    }


def points(values: Mapping[str, float], step: int = 0, now: int | None = None) -> list[Metric]:
    """A point of every curve, at `now` in milliseconds since 1970."""
    now = _now() if now is None else now
    return [Metric(name, value, now, step) for name, value in values.items()]


def _values(measures: TaskMeasures) -> dict[str, float]:
    """What the kind of the task has: a rating has no accuracy, but a correlation."""
    found = {name: measures.value(name) for name in (*_MEASURES, *measures.more)}
    return {name: value for name, value in found.items() if value is not None}


def _own(measured: Mapping[str, float]) -> dict[str, float]:
    """Dev measures less those that another stands for: a rating's correlation goes by its own name only."""
    return {name: value for name, value in measured.items() if not ("pearson" in measured and name in EVERY_KIND)}


def _now() -> int:
    """Milliseconds since 1970. Histories keep durations and no dates, so every point gets the time of logging; steps are real."""
    return time.time_ns() // 1_000_000
