"""Output layers that tasks with the same labels share."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence

from torch import Tensor, nn

from mtl_models.layers.by_name import ModulesByName
from mtl_models.tasks.kind import kind_of
from mtl_models.tasks.task import Task

__all__ = ["SharedHeads"]


class SharedHeads(nn.Module):
    """One output layer for each set of labels, beside the tasks' own: logits_t = own_t(x) + shared(x).

    The feature augmentation of Daume (2007, "Frustratingly easy domain adaptation", section 3) as layers: what holds in every domain is
    learned from the rows of all of them. The shared layers begin at zero, so one that nothing has trained changes no answer.
    """

    def __init__(self, tasks: Sequence[Task], features: int) -> None:
        super().__init__()
        self._group_of = {task.name: _group(task) for task in tasks}
        self.layers = ModulesByName()
        for task in tasks:
            if self._group_of[task.name] not in self.layers:
                self.layers[self._group_of[task.name]] = _zeroed(kind_of(task).head(features))

    def owned_by(self, tasks: Collection[str]) -> tuple[str, ...]:
        """Beginnings of the names of the layers that only `tasks` read."""
        others = {group for task, group in self._group_of.items() if task not in tasks}
        return tuple(f"layers.{group}." for group in self.layers if group not in others)

    def forward(self, task: str, features: Tensor) -> Tensor:
        """Features (B, F) -> what is added to the logits of `task`, in their shape."""
        logits: Tensor = self.layers[self._group_of[task]](features)
        return logits


def _group(task: Task) -> str:
    """A name for the kind and the labels, the same wherever they meet again."""
    return hashlib.sha256(repr((task.kind, task.labels)).encode()).hexdigest()[:12]


def _zeroed(head: nn.Module) -> nn.Module:
    for parameter in head.parameters():
        nn.init.zeros_(parameter)
    return head
