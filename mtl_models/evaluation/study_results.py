"""What the cells of a study say together: means over tasks and seeds, with intervals over rows, and spreads over seeds.

Every candidate of a task is judged on the same resampled rows, so differences between candidates of one variant are paired; a
score is first averaged over the seeds, then over the tasks. The interval speaks of other test rows, the spread of other seeds.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from mtl_models.evaluation.bootstrap import Estimate, estimate, resample
from mtl_models.evaluation.comparison import JOINT, TWIN
from mtl_models.evaluation.predictions import Predictions
from mtl_models.evaluation.study import CellRecord
from mtl_models.tasks.scores.scores import values
from mtl_models.training.convergence import Convergence, convergence

__all__ = ["CandidateResult", "StudyResults", "VariantResult", "summarise"]

Values = NDArray[np.float64]
PerSeed = Mapping[int, Mapping[str, Predictions]]
"""Seed -> task -> predictions."""


class CandidateResult(BaseModel):
    """One candidate of one variant."""

    scores: dict[str, Estimate]
    """Metric -> mean over seeds and tasks."""
    spread: dict[str, float]
    """Metric -> standard deviation over the seeds of the mean over tasks; NaN for one seed."""
    tasks: dict[str, dict[str, float]]
    """Task -> metric -> mean over the seeds."""
    gain: dict[str, Estimate] = {}
    """Metric -> joint minus this candidate."""
    seeds: list[int]
    cpu_seconds: float
    """Mean over the seeds."""
    parameters: int


class VariantResult(BaseModel):
    """Candidate -> its result."""

    candidates: dict[str, CandidateResult]
    soon: dict[str, list[Convergence]] = {}
    """Task -> how soon the joint model was as good as the twin, by seed; empty without twins."""
    kinds: dict[str, str]
    """Task -> its kind."""


class StudyResults(BaseModel):
    """Variant -> its result."""

    name: str
    split: str
    axis: str = "variant"
    confidence: float
    resamples: int
    variants: dict[str, VariantResult]

    @property
    def kinds(self) -> dict[str, str]:
        """Task -> its kind, in all variants."""
        return {task: kind for variant in self.variants.values() for task, kind in variant.kinds.items()}


def summarise(
    predictions: Mapping[str, PerSeed],
    records: Mapping[str, list[CellRecord]],
    metrics: tuple[str, ...],
    resamples: int,
    confidence: float,
    stopping: str,
) -> VariantResult:
    """One variant: `predictions` candidate -> seed -> task -> predictions, `records` candidate -> its cells' records.

    `stopping` is the dev metric that picked the weights.
    """
    found: dict[str, CandidateResult] = {}
    drawn = {metric: _resampled(predictions, metric, resamples) for metric in metrics}
    for candidate, seeds in predictions.items():
        reached = {metric: _values(seeds, metric) for metric in metrics}
        found[candidate] = CandidateResult(
            scores={metric: estimate(float(reached[metric].mean()), drawn[metric][candidate], confidence) for metric in metrics},
            spread={metric: float(reached[metric].mean(axis=1).std(ddof=1)) if len(seeds) > 1 else float("nan") for metric in metrics},
            tasks={
                task: {metric: float(reached[metric][:, place].mean()) for metric in metrics}
                for place, task in enumerate(next(iter(seeds.values())))
            },
            seeds=list(seeds),
            cpu_seconds=float(np.mean([record.cpu_seconds for record in records[candidate]])),
            parameters=records[candidate][0].parameters,
        )
    for candidate, result in found.items():
        if candidate != JOINT and JOINT in found:
            for metric in metrics:
                shift = found[JOINT].scores[metric].value - result.scores[metric].value
                result.gain[metric] = estimate(shift, drawn[metric][JOINT] - drawn[metric][candidate], confidence)
    first = next(iter(next(iter(predictions.values())).values()))
    kinds = {task: its.kind for task, its in first.items()}
    return VariantResult(candidates=found, soon=_soon(records, stopping), kinds=kinds)


def _soon(records: Mapping[str, list[CellRecord]], metric: str) -> dict[str, list[Convergence]]:
    found: dict[str, list[Convergence]] = {}
    for joint, twins in zip(records.get(JOINT, []), records.get(TWIN, []), strict=False):
        for task, together in joint.histories.items():
            if task in twins.histories:
                found.setdefault(task, []).extend(convergence(together, {task: twins.histories[task]}, metric).values())
    return found


def _values(seeds: PerSeed, metric: str) -> Values:
    """(seeds, tasks)."""
    return np.array([[values(p.scores, p.gold, p.probabilities)[metric] for p in tasks.values()] for tasks in seeds.values()])


def _resampled(predictions: Mapping[str, PerSeed], metric: str, resamples: int) -> dict[str, Values]:
    """Candidate -> its mean over seeds and tasks on each resample of the rows (R,), the same rows for all of them."""
    totals = {candidate: np.zeros(resamples) for candidate in predictions}
    tasks = next(iter(next(iter(predictions.values())).values()))
    for task, first in tasks.items():
        answers = {f"{candidate} {seed}": of[task].found for candidate, seeds in predictions.items() for seed, of in seeds.items()}
        rng = np.random.default_rng(zlib.crc32(task.encode()))
        for name, drawn in resample(first.gold, answers, first.scores, metric, resamples, rng).items():
            candidate = name.split(" ")[0]
            totals[candidate] += drawn / (len(predictions[candidate]) * len(tasks))
    return totals
