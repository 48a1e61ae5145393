"""A model at work in a server: which one it is, and how it is brought in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mtl_models.config.text import TextOptions
from mtl_models.errors import ModelFolderError
from mtl_models.inference.predictor import Predictor, load_model

__all__ = ["MAIN", "OTHER", "Served", "load_served"]

MAIN, OTHER = "main", "other"
"""The parts a model plays: the one that is asked by default, and the one it is compared with."""

_FIRST_TEXT = "a first text"


@dataclass(frozen=True, eq=False)
class Served:
    """A model that answers. Replaced as a whole: whoever holds it goes on with the same weights."""

    name: str
    version: str | None
    """Its number in the registry; None for a folder."""
    fingerprint: str
    predictor: Predictor

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of its tasks."""
        return tuple(task.name for task in self.predictor.model.tasks)

    def readings(self, tasks: Sequence[str]) -> frozenset[tuple[str, TextOptions]]:
        """The ways in which a text is read for `tasks`; each costs a pass of the encoder, however many tasks share it."""
        model = self.predictor.model
        return frozenset((model.task(task).vocabulary, model.task(task).text) for task in tasks)


def load_served(folder: Path, name: str, version: str | None = None) -> Served:
    """Read a model folder and let it answer once, so that what cannot answer never serves. Raises `ModelFolderError`."""
    predictor = load_model(folder)
    answers = predictor.predict([_FIRST_TEXT])
    sure = [*(answer.confidence for answer in answers), *(number for answer in answers for number in answer.probabilities.values())]
    if any(number != number for number in sure):
        raise ModelFolderError(f"{folder}: answers with NaN; its training diverged, train again with a lower learning rate")
    return Served(name, version, predictor.model.fingerprint(), predictor)
