"""What a label is where it lies on words: such a kind reads the states of every word, and answers with annotations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray
from torch import Tensor, nn

from mtl_models.corpora.annotations import WIDTHS
from mtl_models.errors import ConfigError
from mtl_models.tasks.coreference import Coreference
from mtl_models.tasks.found import Found
from mtl_models.tasks.mentions import Mentions
from mtl_models.tasks.relations import Relations
from mtl_models.tasks.tagging import Tagging
from mtl_models.tasks.task import Task

__all__ = ["Found", "Structure", "structure_of"]


@runtime_checkable
class Structure(Protocol):
    """A task's head, loss, answers and metrics; B texts of n words in a batch, N of a split.

    Labels are annotations (B, M, W) int64, padded with rows of `MISSING`. A text that was cut has some beyond its n words; those count
    nowhere. `scored` is what the head gives: a dataclass of tensors, batch first, but for the parameters of the head that are in it.
    """

    def head(self, features: int) -> nn.Module:
        """A module from states (B, n, F) and their mask (B, n) bool, True on words, to `scored`."""

    def loss(self, scored: Any, labels: Tensor) -> Tensor:
        """What training makes small, a scalar."""

    def plain_loss(self, scored: Any, labels: Tensor) -> Tensor:
        """The same without class weights: what dev reports."""

    def annotations(self, scored: Any) -> list[Found]:
        """The answer to every text."""

    def metrics(self, gold: NDArray[Any], found: NDArray[Any]) -> dict[str, float]:
        """Metric name -> value; always accuracy, macro_f1 and mcc. Both are object arrays (N,) of annotations (M, W)."""


_STRUCTURES: Mapping[str, Callable[[Task], Structure]] = {
    "tagging": Tagging,
    "mentions": Mentions,
    "relations": Relations,
    "coreference": Coreference,
}


def structure_of(task: Task) -> Structure:
    """The kind of `task`, for its labels."""
    if task.kind not in _STRUCTURES:
        raise ConfigError(f"tasks.{task.name}.kind: '{task.kind}' labels whole texts; on words are {', '.join(WIDTHS)}")
    return _STRUCTURES[task.kind](task)
