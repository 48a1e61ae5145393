"""Answers for texts: label and probabilities, for any of a model's tasks."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import torch

from mtl_models.errors import ConfigError, CorpusError
from mtl_models.inference.familiarity import UnfamiliarTexts, unfamiliar
from mtl_models.inference.text_files import read_texts
from mtl_models.networks import folder as model_folder
from mtl_models.networks.model import Model
from mtl_models.tasks.kind import kind_of
from mtl_models.tasks.task import Task

__all__ = ["CHUNK", "Prediction", "Predictor", "load_model"]

CHUNK = 4096
"""Texts of a file that are in memory at a time."""


@dataclass(frozen=True)
class Prediction:
    """One task's answer for one text: the text's place among the texts asked about, the label, and how sure the model is.

    `label` is the class; of several labels all of them, `a|b`, empty for none; a rating with two decimals; None where the model abstains.
    `confidence` is its probability, None of a rating. `probabilities` has every label's; of a rating, under the name of its column, the
    number itself.
    """

    index: int
    text: str
    task: str
    label: str | None
    confidence: float | None
    probabilities: dict[str, float]


class Predictor:
    """Texts in, answers out. An answer does not depend on the other texts asked about."""

    def __init__(self, model: Model) -> None:
        self.model = model

    @property
    def tasks(self) -> dict[str, Task]:
        """The tasks it answers, by name, in their order; a task says its `kind` and `labels`."""
        return {task.name: task for task in self.model.tasks}

    def predict(
        self,
        texts: str | Iterable[str],
        tasks: str | Sequence[str] | None = None,
        batch_size: int = 256,
        abstain_below: float | None = None,
    ) -> list[Prediction]:
        """Answers in the order of the texts, and for each text in the order of `tasks` (default: all of the model's).

        An answer whose confidence is lower than `abstain_below` has no label, None; a rating always answers. Warns with
        `UnfamiliarTexts` where the texts are in a script or in words that the model does not know.

        Raises `ConfigError` for a task the model does not have, or an `abstain_below` outside [0, 1]; `CorpusError` for a text that is
        not a string.
        """
        asked, wanted = _strings(texts), _names(tasks)
        least = _share(abstain_below)
        probabilities = self.model.probabilities(asked, wanted, batch_size)
        for line in unfamiliar(self.model, asked, probabilities):
            warnings.warn(line, UnfamiliarTexts, stacklevel=2)
        answers = {task: kind_of(self.model.task(task)).decode(found) for task, found in probabilities.items()}
        labels = {task: self.model.task(task).labels for task in probabilities}
        return [
            Prediction(
                index,
                text,
                task,
                *_abstaining(*answers[task][index], least),
                dict(zip(labels[task], found[index].tolist(), strict=True)),
            )
            for index, text in enumerate(asked)
            for task, found in probabilities.items()
        ]

    def predict_file(
        self,
        path: str | Path,
        column: str = "text",
        tasks: str | Sequence[str] | None = None,
        chunk: int = CHUNK,
        abstain_below: float | None = None,
        first: int = 0,
    ) -> Iterator[list[Prediction]]:
        """Answers for the texts of a file (see `read_texts`) from text `first` on, a list for every `chunk` texts.

        `index` counts through the file from 0. Raises `CorpusError` with file and line where the file cannot be read.
        """
        texts = islice(read_texts(Path(path), column), first, None)
        while part := list(islice(texts, chunk)):
            yield [replace(found, index=first + found.index) for found in self.predict(part, tasks, abstain_below=abstain_below)]
            first += len(part)

    def save(self, folder: str | Path) -> None:
        """Write the model to a folder, in place of a model there, for `load_model`; it appears whole or not at all.

        Raises `ConfigError` for a folder that holds something else.
        """
        place = Path(folder)
        if place.exists() and not (place / "config.json").is_file() and any(place.iterdir()):
            raise ConfigError(f"{place}: holds something else than a model, which would be lost; give another folder")
        model_folder.save_model(self.model, place)

    def __repr__(self) -> str:
        count = sum(parameter.numel() for parameter in self.model.network.parameters())
        tasks = "".join(f"\n  {task.name}: {task.kind}, {', '.join(task.labels)}" for task in self.model.tasks)
        return f"<Predictor: {self.model.config.name}, {count:,} weights; tasks:{tasks}>"


def load_model(folder: str | Path, device: str | torch.device = "cpu") -> Predictor:
    """A predictor for the model in `folder`. Raises `ModelFolderError` where that is no sound model folder."""
    return Predictor(model_folder.load_model(Path(folder), device))


def _strings(texts: str | Iterable[str]) -> list[str]:
    asked = [texts] if isinstance(texts, str) else list(texts)
    for index, text in enumerate(asked):
        if not isinstance(text, str):
            raise CorpusError(f"text {index} is {text!r}, not a string")
    return asked


def _names(tasks: str | Sequence[str] | None) -> Sequence[str] | None:
    return [tasks] if isinstance(tasks, str) else tasks


def _share(abstain_below: float | None) -> float:
    if abstain_below is not None and not 0.0 <= abstain_below <= 1.0:
        raise ConfigError(f"abstain_below: {abstain_below} is no probability; give a number from 0 to 1")
    return abstain_below or 0.0


def _abstaining(label: str, confidence: float | None, least: float) -> tuple[str | None, float | None]:
    return (None if confidence is not None and confidence < least else label), confidence
