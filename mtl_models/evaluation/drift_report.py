"""What was found of drift: four measures per task, each with its limit and its picture. Values only; `drift` measures."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

__all__ = ["DriftReport", "Measure", "MeasureName", "Picture", "TaskDrift"]

MeasureName = Literal["length", "unknown_words", "labels", "domain"]


class Picture(BaseModel):
    """Two distributions over the same bins, as shares of the texts of either side."""

    model_config = ConfigDict(frozen=True)

    bins: tuple[str, ...]
    trained: tuple[float, ...]
    new: tuple[float, ...]


class Measure(BaseModel):
    """One way in which new texts may differ. `value` is None where it cannot be told, and `found` says why."""

    model_config = ConfigDict(frozen=True)

    name: MeasureName
    value: float | None
    limit: float
    found: str
    picture: Picture | None = None

    @property
    def drifted(self) -> bool:
        """Whether the value is beyond the limit."""
        return self.value is not None and self.value > self.limit


class TaskDrift(BaseModel):
    """The new texts against the train rows of one task."""

    model_config = ConfigDict(frozen=True)

    task: str
    trained: int
    """Train texts looked at."""
    new: int
    measures: tuple[Measure, ...]

    @property
    def drifted(self) -> list[Measure]:
        """The measures beyond their limits."""
        return [measure for measure in self.measures if measure.drifted]


class DriftReport(BaseModel):
    """New texts against all tasks; `unchecked` has, by task, why it could not be looked at."""

    rows: int
    """New texts there are; a sample of them was looked at."""
    tasks: dict[str, TaskDrift]
    unchecked: dict[str, str]

    @property
    def drifted(self) -> bool:
        """Whether any measure of any task is beyond its limit."""
        return bool(self.strange_to)

    @property
    def strange_to(self) -> list[str]:
        """The tasks that some measure is beyond its limit for."""
        return [name for name, task in self.tasks.items() if task.drifted]

    def beyond(self) -> list[str]:
        """A line for every measure beyond its limit."""
        return [f"task '{name}', {line}" for name, task in self.tasks.items() for line in map(_line, task.drifted)]

    def lines(self) -> list[str]:
        """A line for every measure beyond its limit, and for every task not looked at."""
        return self.beyond() + [f"task '{name}': drift not checked, {reason}" for name, reason in self.unchecked.items()]


def _line(measure: Measure) -> str:
    return f"{measure.name.replace('_', ' ')} {measure.value:.3f}, limit {measure.limit:g}: {measure.found}"
