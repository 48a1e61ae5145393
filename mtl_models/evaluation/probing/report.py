"""What probing found. Values only; `probing.probe` measures."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from mtl_models.evaluation.bootstrap import Estimate
from mtl_models.evaluation.probing.rules import TaskName

__all__ = ["ProbedTask", "ProbingReport", "Reading"]


class Reading(BaseModel):
    """What a probe reads from one level, its states pooled in one way. Accuracies are of the test rows of the probe."""

    model_config = ConfigDict(frozen=True)

    level: str
    pooling: str
    accuracy: Estimate
    over_baseline: Estimate
    """Minus the accuracy of the best baseline, on the same resampled rows."""
    over_base: Estimate | None
    """Minus that of the base, pooled alike; None for the base, and where there is none."""


class ProbedTask(BaseModel):
    """One probing task."""

    model_config = ConfigDict(frozen=True)

    name: TaskName
    asks: str
    classes: tuple[str, ...]
    train: int
    test: int
    majority: Estimate
    baselines: dict[str, Estimate]
    readings: tuple[Reading, ...]

    @property
    def baseline(self) -> str:
        """The best of the baselines."""
        return max(self.baselines, key=lambda name: self.baselines[name].value)

    def reading(self, level: str, pooling: str) -> Reading:
        """That of a level; there is one."""
        return next(found for found in self.readings if (found.level, found.pooling) == (level, pooling))

    def best(self, pooling: str) -> Reading:
        """The reading of the highest accuracy, the lower level where two are equal."""
        return max((found for found in self.readings if found.pooling == pooling), key=lambda found: found.accuracy.value)


class ProbingReport(BaseModel):
    """All tasks that could be asked, and why the others (`left_out`) could not."""

    levels: tuple[str, ...]
    """From the base up."""
    poolings: tuple[str, ...]
    tasks: tuple[ProbedTask, ...]
    left_out: dict[str, str]
    corpora: tuple[str, ...]
    """The tasks of the experiment whose dev and test splits the sentences are from."""
    sentences: int
    rows: int
    """The most that a task may have."""
    seed: int
    resamples: int
    confidence: float
