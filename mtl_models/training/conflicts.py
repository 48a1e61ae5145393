"""Which tasks conflict: cosines of their gradients on the shared parameters, measured beside the training, and what they say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

import torch
from torch import Tensor

from mtl_models.training.history import EpochRecord

__all__ = ["CONFLICT", "ConflictTally", "conflict_advice", "conflict_findings", "cosines"]

CONFLICT = -0.05
"""A mean cosine below this is a conflict: gradients of small batches are noisy, and their cosines lie around zero by chance alone."""


class ConflictTally:
    """Sums of the cosines of every pair over the measurements of an epoch, kept on the device and read once."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, Tensor] = {}

    def add(self, tasks: Sequence[str], gramian: Tensor) -> None:
        """One measurement: inner products (T, T) of the gradients of `tasks`. A gradient of zero has no cosine and is left out."""
        measured = cosines(gramian)
        for (i, one), (j, other) in combinations(enumerate(tasks), 2):
            pair, cosine = f"{one}/{other}", measured[i, j]
            there = cosine.isfinite()
            self._sums[pair] = self._sums.get(pair, 0.0) + torch.where(there, cosine, 0.0)
            self._counts[pair] = self._counts.get(pair, 0) + there

    def means(self) -> dict[str, float]:
        """Pair `a/b` -> mean cosine, for the pairs that have one."""
        counts = {pair: int(count) for pair, count in self._counts.items()}
        return {pair: float(total) / counts[pair] for pair, total in self._sums.items() if counts[pair]}


def cosines(gramian: Tensor) -> Tensor:
    """Cosines (T, T) from inner products (T, T); NaN where a vector is zero."""
    norms = gramian.diagonal().sqrt()
    return gramian / (norms[:, None] * norms[None, :])


def conflict_findings(epochs: Iterable[EpochRecord]) -> list[str]:
    """What the measured cosines say, one sentence each: pairs that conflict to the end, those that did for a time, or that none does.

    Empty where nothing was measured.
    """
    by_pair: dict[str, dict[int, float]] = defaultdict(dict)
    for record in epochs:
        for pair, cosine in record.conflicts.items():
            by_pair[pair][record.epoch] = cosine
    if not by_pair:
        return []
    found = [sentence for pair, measured in by_pair.items() for sentence in _pair_findings(pair, measured)]
    if not found:
        pair, least = min(((pair, min(measured.values())) for pair, measured in by_pair.items()), key=lambda item: item[1])
        found = [f"No pair of tasks conflicts: every mean cosine is at least {least:+.2f} ({_names(pair)})."]
    return found


def conflict_advice(epochs: Sequence[EpochRecord]) -> str | None:
    """What to try against conflicts that last; None where there are none."""
    if not any(cosine < CONFLICT for cosine in _last(epochs).values()):
        return None
    return (
        "Look at the transfer of these tasks first: a conflict costs nothing by itself. If one of them loses, try "
        "`updates: aggregate` with `objective: {name: upgrad}` or `{name: pcgrad}`, a smaller weight for the other "
        "(`objective: {name: fixed, weights: ...}`), or leave the other out."
    )


def _last(epochs: Sequence[EpochRecord]) -> Mapping[str, float]:
    return next((record.conflicts for record in reversed(epochs) if record.conflicts), {})


def _pair_findings(pair: str, measured: Mapping[int, float]) -> Iterator[str]:
    below = [epoch for epoch, cosine in measured.items() if cosine < CONFLICT]
    if not below:
        return
    last = max(measured)
    first = _began(measured)
    least = min(measured.values())
    if first is not None:
        when = "in every epoch" if first == min(measured) else f"from epoch {first} on"
        yield f"Tasks {_names(pair)} conflict {when}: mean cosine {measured[last]:+.2f} in epoch {last}, {least:+.2f} at its lowest."
    else:
        listed = ", ".join(map(str, below))
        epochs = "epoch" if len(below) == 1 else "epochs"
        yield f"Tasks {_names(pair)} conflicted in {epochs} {listed}, not later: mean cosine {least:+.2f} at its lowest."


def _began(measured: Mapping[int, float]) -> int | None:
    """The first epoch from which on every measured one is below the mark; None if the last is not."""
    first = None
    for epoch in sorted(measured, reverse=True):
        if measured[epoch] >= CONFLICT:
            break
        first = epoch
    return first


def _names(pair: str) -> str:
    return " and ".join(pair.split("/"))
