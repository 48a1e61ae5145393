"""A task as a value: what a network needs to know to carry a head for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from mtl_models.config.experiment import TaskSettings
from mtl_models.config.text import TextOptions

__all__ = ["Task"]


@dataclass(frozen=True)
class Task:
    """One task of a model.

    `labels` are the class names in the order of the logits; `vocabulary` names the group whose token ids its texts use;
    `text` says how its texts are normalised.
    """

    name: str
    kind: str
    labels: tuple[str, ...]
    vocabulary: str = "shared"
    text: TextOptions = field(default_factory=TextOptions)
    description: str = ""

    @classmethod
    def of(cls, name: str, settings: TaskSettings, labels: tuple[str, ...]) -> Task:
        """The task that an experiment describes, with the labels its corpus turned out to have."""
        return cls(name, settings.kind, labels, settings.vocabulary, settings.text, settings.description)
