"""What a label is: every kind of task brings its head, loss, decoding and metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from mtl_models.corpora.annotations import WIDTHS, on_words
from mtl_models.errors import ConfigError
from mtl_models.tasks.missing import MISSING
from mtl_models.tasks.multi_label import MultiLabel
from mtl_models.tasks.ordinal import Ordinal
from mtl_models.tasks.rating import Rating
from mtl_models.tasks.single_label import SingleLabel
from mtl_models.tasks.structure import Structure, structure_of
from mtl_models.tasks.task import Task

__all__ = ["MISSING", "Kind", "kind_of", "text_kind_of"]


class Kind(Protocol):
    """The head, loss, decoding and metrics of a task that labels whole texts; K labels, B rows of a batch, N rows of a split.

    Labels are class numbers (B,) int64; of several labels 1 or 0 for each, (B, K) int64; of a rating the number, (B,) float32.
    """

    def head(self, features: int) -> nn.Module:
        """A module from features (B, F) to logits."""

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """What training makes small: mean loss over the labels that are there, a scalar; zero, with a graph, where none is.

        Class weights and label smoothing are in it.
        """

    def plain_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The same without class weights and label smoothing: what dev reports."""

    def probabilities(self, logits: Tensor) -> Tensor:
        """Probabilities of the K labels, (B, K); the number itself, (B, 1), of a rating."""

    def decode(self, probabilities: NDArray[np.floating[Any]]) -> list[tuple[str, float | None]]:
        """The answer and its probability for each of N rows; None for the probability of a number."""

    def metrics(self, gold: NDArray[Any], probabilities: NDArray[np.floating[Any]]) -> dict[str, float]:
        """Metric name -> value over the rows that have a label; always accuracy, macro_f1 and mcc."""


_KINDS: Mapping[str, Callable[[Task], Kind]] = {
    "single_label": SingleLabel,
    "multi_label": MultiLabel,
    "ordinal": Ordinal,
    "rating": Rating,
}


def kind_of(task: Task) -> Kind | Structure:
    """The kind of `task`, for its labels: `text_kind_of` where they are of whole texts, else `structure_of`."""
    return structure_of(task) if on_words(task.kind) else text_kind_of(task)


def text_kind_of(task: Task) -> Kind:
    """The kind of a task that labels whole texts."""
    if task.kind not in _KINDS:
        raise ConfigError(f"tasks.{task.name}.kind: unknown kind '{task.kind}'; known kinds: {', '.join(sorted({*_KINDS, *WIDTHS}))}")
    return _KINDS[task.kind](task)
