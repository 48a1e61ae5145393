"""The joint model beside its twins, the references or the champion, on the same test rows."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from mtl_models.config.judging import Evaluation
from mtl_models.errors import CorpusError
from mtl_models.evaluation.bootstrap import Estimate, estimate, resample
from mtl_models.evaluation.metrics import TaskMeasures, measure
from mtl_models.evaluation.predictions import Predictions
from mtl_models.tasks.scores.scores import shown_metric, values

__all__ = ["CHAMPION", "JOINT", "POOLED", "SINGLE", "TWIN", "Comparison", "TaskComparison", "compare", "compare_candidates"]

JOINT = "joint"
TWIN = "twin"
CHAMPION = "champion"
SINGLE = "tfidf_single"
POOLED = "tfidf_pooled"

PerTask = Mapping[str, Predictions]


class TaskComparison(BaseModel):
    """One task: what every candidate reached on its test rows."""

    metric: str = ""
    """The measure that was compared, where another stands for the comparison's in this task: a rating has its correlation."""
    labels: tuple[str, ...]
    rows: int
    measures: dict[str, TaskMeasures]
    """Candidate -> all measures; `joint` is always there."""
    scores: dict[str, Estimate]
    """Candidate -> the metric of the comparison, with its interval."""
    differences: dict[str, Estimate]
    """Other candidate -> joint minus it, with its paired interval."""

    @property
    def transfer(self) -> Estimate | None:
        """Joint minus twin."""
        return self.differences.get(TWIN)


class Comparison(BaseModel):
    """The joint model against other candidates, task by task and on average."""

    metric: str
    confidence: float
    resamples: int
    seed: int
    tasks: dict[str, TaskComparison]
    mean_scores: dict[str, Estimate]
    """Candidate -> mean of the metric over the tasks; only candidates that have every task."""
    mean_differences: dict[str, Estimate]
    """Other candidate -> mean over the tasks of joint minus it."""
    left_out: dict[str, str] = {}
    """Task that could not be compared -> why."""

    @property
    def candidates(self) -> list[str]:
        """Every candidate's name, `joint` first."""
        return list(dict.fromkeys(name for task in self.tasks.values() for name in task.measures))

    @property
    def kinds(self) -> dict[str, str]:
        """Task -> its kind."""
        return {name: task.measures[JOINT].kind for name, task in self.tasks.items()}

    @property
    def mean_transfer(self) -> Estimate | None:
        """Mean over the tasks of joint minus twin."""
        return self.mean_differences.get(TWIN)

    def mean_measure(self, candidate: str, name: str) -> float:
        """Mean over the tasks of `accuracy`, `macro_f1`, `mcc` or `calibration_error`; NaN where a task lacks the candidate.

        Tasks whose kind has no such measure are left out.
        """
        measured = [task.measures[candidate] for task in self.tasks.values() if candidate in task.measures]
        found = [value for value in (its.value(name) for its in measured) if value is not None]
        return float(np.mean(found)) if found and len(measured) == len(self.tasks) else float("nan")


def compare(joint: PerTask, twins: PerTask, references: Mapping[str, PerTask], evaluation: Evaluation, seed: int) -> Comparison:
    """The joint model against its twins and the references; all mappings go from task to `Predictions` on its test split.

    A reference may leave tasks out; a twin may not. `CorpusError` where two models were not asked about the same rows.
    """
    lonely = [task for task in joint if task not in twins]
    if lonely:
        raise ValueError(f"no twin for the task {', '.join(lonely)}; every task of the joint model has one")
    if {JOINT, TWIN} & set(references):
        raise ValueError(f"a reference may not be called {JOINT} or {TWIN}")
    return compare_candidates(joint, {TWIN: twins, **references}, evaluation, seed)


def compare_candidates(joint: PerTask, others: Mapping[str, PerTask], evaluation: Evaluation, seed: int) -> Comparison:
    """`joint` against each of `others`, name -> task -> predictions, on every task of `joint`."""
    tasks: dict[str, TaskComparison] = {}
    resampled: dict[str, dict[str, NDArray[np.float64]]] = {}
    for task, predictions in joint.items():
        candidates = {JOINT: predictions} | {name: theirs[task] for name, theirs in others.items() if task in theirs}
        tasks[task], resampled[task] = _compare_task(candidates, evaluation, np.random.default_rng([seed, zlib.crc32(task.encode())]))
    complete = [name for name in (JOINT, *others) if tasks and all(name in task.scores for task in tasks.values())]
    # The tasks' rows are independent samples, so a resample of the mean is the mean of one resample of each task.
    means = {name: np.mean([resampled[task][name] for task in tasks], axis=0) for name in complete}
    values = {name: float(np.mean([task.scores[name].value for task in tasks.values()])) for name in complete}
    shifts = {name: float(np.mean([task.differences[name].value for task in tasks.values()])) for name in complete if name != JOINT}
    return Comparison(
        metric=evaluation.metric,
        confidence=evaluation.confidence,
        resamples=evaluation.resamples,
        seed=seed,
        tasks=tasks,
        mean_scores={name: estimate(values[name], means[name], evaluation.confidence) for name in complete},
        mean_differences={name: estimate(shift, means[JOINT] - means[name], evaluation.confidence) for name, shift in shifts.items()},
    )


def _compare_task(
    candidates: PerTask, evaluation: Evaluation, rng: np.random.Generator
) -> tuple[TaskComparison, dict[str, NDArray[np.float64]]]:
    joint = candidates[JOINT]
    for name, theirs in candidates.items():
        _refuse_other_rows(joint, theirs, name)
    reached = {name: values(p.scores, p.gold, p.probabilities)[evaluation.metric] for name, p in candidates.items()}
    answers = {name: p.found for name, p in candidates.items()}
    resampled = resample(joint.gold, answers, joint.scores, evaluation.metric, evaluation.resamples, rng)
    shown = shown_metric(joint.kind, evaluation.metric)
    compared = TaskComparison(
        metric="" if shown == evaluation.metric else shown,
        labels=joint.labels,
        rows=len(joint.ids),
        measures={name: measure(p) for name, p in candidates.items()},
        scores={name: estimate(reached[name], resampled[name], evaluation.confidence) for name in candidates},
        differences={
            name: estimate(reached[JOINT] - reached[name], resampled[JOINT] - resampled[name], evaluation.confidence)
            for name in candidates
            if name != JOINT
        },
    )
    return compared, resampled


def _refuse_other_rows(joint: Predictions, theirs: Predictions, name: str) -> None:
    """A paired test on different rows would be no test."""
    where = f"task '{joint.task}': the joint model and '{name}' cannot be compared"
    if joint.kind != theirs.kind:
        raise CorpusError(f"{where}: their kinds are {joint.kind} and {theirs.kind}")
    if joint.labels != theirs.labels:
        raise CorpusError(f"{where}: their labels are {', '.join(joint.labels)} and {', '.join(theirs.labels)}")
    if len(joint.ids) != len(theirs.ids):
        raise CorpusError(f"{where}: they were asked about {len(joint.ids)} and {len(theirs.ids)} rows; predict the same test split")
    for row, (ours, other) in enumerate(zip(joint.ids, theirs.ids, strict=True)):
        if ours != other:
            raise CorpusError(f"{where}: row {row} is '{ours}' for one and '{other}' for the other; predict the same test split")
    differing = np.flatnonzero([not np.array_equal(ours, other) for ours, other in zip(joint.gold, theirs.gold, strict=True)])
    if differing.size:
        raise CorpusError(f"{where}: row '{joint.ids[differing[0]]}' has two gold labels; predict the same version of the corpus")
