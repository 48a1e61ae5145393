"""What the measured cosines say about which tasks conflict, in plain words."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean, stdev

from mtl_models.training.history import EpochRecord

__all__ = ["CONFLICT", "Conflict", "conflict_advice", "conflict_findings", "lasting_conflicts"]

CONFLICT = -0.05
"""A mean cosine below this, and surely below zero, is a conflict."""

_LEVEL = 0.05
"""Chance of one false alarm or more in a training, over all pairs of tasks."""

_FEWEST = 3
"""Epochs it takes to tell a conflict from chance: the gradients of small batches are noisy, and so are their cosines."""

_ByEpoch = dict[int, float]


@dataclass(frozen=True)
class Conflict:
    """Two tasks whose gradients oppose each other from an epoch to the end of the training."""

    tasks: tuple[str, str]
    first: int
    """The epoch it begins with."""
    cosine: float
    """Mean over the epochs from there on."""
    always: bool
    """It begins with the first epoch measured."""


def lasting_conflicts(epochs: Iterable[EpochRecord]) -> list[Conflict]:
    """The pairs of tasks that conflict to the end, the worst first.

    A pair conflicts from the earliest epoch on, with three measured ones at least, whose own cosine and whose mean to the end are below
    `CONFLICT`, and for which zero lies above the mean's one-sided t interval over the epochs: at 5 % over all pairs and all epochs that
    it could begin with (Bonferroni).
    """
    by_pair = _by_pair(epochs)
    found = [conflict for pair, measured in by_pair.items() if (conflict := _conflict(pair, measured, _LEVEL / len(by_pair)))]
    return sorted(found, key=lambda conflict: conflict.cosine)


def conflict_findings(epochs: Iterable[EpochRecord]) -> list[str]:
    """One sentence for every lasting conflict, or one that says that there is none; empty where nothing was measured."""
    epochs = list(epochs)
    by_pair = _by_pair(epochs)
    if not by_pair:
        return []
    found = [_sentence(conflict) for conflict in lasting_conflicts(epochs)]
    if found:
        return found
    most = max(map(len, by_pair.values()))
    if most < _FEWEST:
        return [f"Measured in {most} epoch{'s' * (most > 1)} only, too few to tell a conflict from chance."]
    pair, least = min(((pair, fmean(measured.values())) for pair, measured in by_pair.items()), key=lambda item: item[1])
    names = " and ".join(pair)
    if least < CONFLICT:
        return [f"No conflict can be told from chance: the lowest mean cosine is {least:+.2f} ({names}), over {most} epochs."]
    return [f"No pair of tasks conflicts: every mean cosine is at least {least:+.2f} ({names})."]


def conflict_advice(epochs: Iterable[EpochRecord]) -> str | None:
    """What to try against lasting conflicts; None where there are none."""
    if not lasting_conflicts(epochs):
        return None
    return (
        "Look at the transfer of these tasks first: a conflict costs nothing by itself. If one of them loses, try "
        "`updates: aggregate` with `objective: {name: upgrad}` or `{name: pcgrad}`, a smaller weight for the other "
        "(`objective: {name: fixed, weights: ...}`), or leave the other out."
    )


def _by_pair(epochs: Iterable[EpochRecord]) -> dict[tuple[str, str], _ByEpoch]:
    by_pair: dict[tuple[str, str], _ByEpoch] = defaultdict(dict)
    for record in epochs:
        for pair, cosine in record.conflicts.items():
            one, other = pair.split("/")
            by_pair[one, other][record.epoch] = cosine
    return dict(by_pair)


def _conflict(pair: tuple[str, str], measured: _ByEpoch, level: float) -> Conflict | None:
    epochs = sorted(measured)
    beginnings = len(epochs) - _FEWEST + 1
    for place in range(beginnings):
        values = [measured[epoch] for epoch in epochs[place:]]
        mean = fmean(values)
        if values[0] < CONFLICT and mean < CONFLICT and mean + _margin(values, level / beginnings) < 0.0:
            return Conflict(pair, epochs[place], mean, place == 0)
    return None


def _margin(values: list[float], level: float) -> float:
    """How far above the mean of `values` the true one may lie, at `level`."""
    from scipy.stats import t  # half a second that training need not pay

    return float(t.ppf(1.0 - level, len(values) - 1)) * stdev(values) / math.sqrt(len(values))


def _sentence(conflict: Conflict) -> str:
    when = "in every epoch" if conflict.always else f"from epoch {conflict.first} on"
    return f"Tasks {' and '.join(conflict.tasks)} conflict {when}: mean cosine {conflict.cosine:+.2f}."
