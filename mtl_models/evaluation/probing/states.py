"""Texts as the vectors that probes read: the states of every level, pooled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mtl_models.layers.pooling import max_state, mean_state
from mtl_models.networks.hierarchical import Hierarchical
from mtl_models.networks.model import Model
from mtl_models.networks.network import evaluating
from mtl_models.progress import progress

__all__ = ["MAX", "MEAN", "VECTOR", "View", "views_of"]

MEAN, MAX, VECTOR = "mean", "max", "vector"

View = tuple[str, str]
"""A level, and how its states were pooled; of a network without levels the vector that its heads read."""

_BATCH = 64
_TOGETHER = 1024
"""Texts of one vector each, between two looks at the clock."""


def views_of(model: Model, texts: Sequence[str], task: str) -> Mapping[View, NDArray[np.float32]]:
    """View -> vectors (N, F) of N texts, their words parted by spaces, as `task` reads them; levels from the base up.

    Raises `ConfigError` for a network that has neither levels nor one vector of a text.
    """
    network = model.network
    if not isinstance(network, Hierarchical):
        starts = progress(range(0, len(texts), _TOGETHER), "reading sentences", unit=f"x{_TOGETHER:,} sentences")
        parts = [model.embed(texts[start : start + _TOGETHER], task) for start in starts]
        return {(model.config.name, VECTOR): np.concatenate(parts)}
    order: list[int] = []
    found: dict[View, list[NDArray[np.float32]]] = {}
    for rows, batch in progress(model.batches(texts, task, "spaces", _BATCH), "reading sentences", unit=f"x{_BATCH} sentences"):
        assert batch.words is not None
        lengths = batch.words.lengths.to(network.device)
        with evaluating(network):
            for level, states in network.states(batch).items():
                for name, pooled in ((MEAN, mean_state(states, lengths)), (MAX, max_state(states, lengths))):
                    found.setdefault((level, name), []).append(pooled.float().cpu().numpy())
        order.extend(rows)
    back = np.argsort(order)
    return {view: np.concatenate(vectors)[back] for view, vectors in found.items()}
