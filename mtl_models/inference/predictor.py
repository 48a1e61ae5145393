"""Answers for texts: label and probabilities, or what is marked on the words, for any of a model's tasks."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mtl_models.errors import ConfigError, CorpusError
from mtl_models.inference.familiarity import CutTexts, UnfamiliarTexts, cut_texts, unfamiliar
from mtl_models.inference.marked import NAMES_SPANS, Part, entities_of, least_sure, parts_of, summary, surer
from mtl_models.inference.text_files import read_texts
from mtl_models.networks import folder as model_folder
from mtl_models.networks.model import Model
from mtl_models.tasks.found import Found
from mtl_models.tasks.kind import text_kind_of
from mtl_models.tasks.task import Task
from mtl_models.text.words import places_of_words

__all__ = ["CHUNK", "Prediction", "Predictor", "abstaining", "load_model"]

CHUNK = 4096
"""Texts of a file that are in memory at a time."""


@dataclass(frozen=True)
class Prediction:
    """One task's answer for one text: the text's place among the texts asked about, the label, and how sure the model is.

    `label` is the class; of several labels all of them, `a|b`, empty for none; a rating with two decimals; None where the model abstains.
    `confidence` is its probability, None of a rating. `probabilities` has every label's; of a rating, under the name of its column, the
    number itself.

    Where the task's labels lie on words, `found` has what was found, with its places in `text`; `label` sums it up in a line (empty for
    nothing), `confidence` is that of the least sure part (None for nothing), and `probabilities` is empty.
    """

    index: int
    text: str
    task: str
    label: str | None
    confidence: float | None
    probabilities: dict[str, float]
    found: tuple[Part, ...] | None = None


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
        warn: bool = True,
    ) -> list[Prediction]:
        """Answers in the order of the texts, and for each text in the order of `tasks` (default: all of the model's).

        An answer whose confidence is lower than `abstain_below` has no label, None; a rating always answers, and of what is marked on
        words the less sure parts are left out. With `warn` it warns with `UnfamiliarTexts` where the texts are in a script or in words
        that the model does not know, and with `CutTexts` where words are to be marked that it does not read.

        Raises `ConfigError` for a task the model does not have, or an `abstain_below` outside [0, 1]; `CorpusError` for a text that is
        not a string.
        """
        asked, least = _strings(texts), _share(abstain_below)
        wanted = {name: self.model.task(name) for name in _names(tasks, self.tasks)}
        # The ends of relations are entities, whichever tasks are asked: an answer does not depend on the other tasks either.
        more = [name for name, task in self.tasks.items() if task.kind in NAMES_SPANS] if _relating(wanted) else []
        probabilities, marked = self.model.answers(asked, [*dict.fromkeys([*wanted, *more])], batch_size)
        for line in unfamiliar(self.model, asked, wanted) if warn else ():
            warnings.warn(line, UnfamiliarTexts, stacklevel=2)
        for line in cut_texts(self.model, asked, wanted) if warn else ():
            warnings.warn(line, CutTexts, stacklevel=2)
        answers = {name: _of_texts(asked, task, probabilities[name]) for name, task in wanted.items() if not task.on_words}
        answers |= self._on_words(asked, [task for task in wanted.values() if task.on_words], marked)
        return [abstaining(answers[name][index], least) for index in range(len(asked)) for name in wanted]

    def _on_words(self, texts: Sequence[str], tasks: Sequence[Task], marked: Mapping[str, Sequence[Found]]) -> dict[str, list[Prediction]]:
        """Task -> the answer to every text; `marked` has the tasks that find entities too, where a task finds relations."""
        answers: dict[str, list[Prediction]] = {task.name: [] for task in tasks}
        for index, text in enumerate(texts if tasks else ()):
            places = places_of_words(text)
            found = {name: its[index] for name, its in marked.items()}
            entities = entities_of(found, [task for name, task in self.tasks.items() if name in found], text, places)
            for task in tasks:
                parts = parts_of(task, found[task.name], text, places, entities)
                answers[task.name].append(Prediction(index, text, task.name, summary(parts), least_sure(parts), {}, parts))
        return answers

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


def abstaining(answer: Prediction, least: float) -> Prediction:
    """The answer without what is less sure than `least`: its label, or parts of what it found."""
    if answer.found is not None:
        parts = surer(answer.found, least)
        return answer if parts == answer.found else replace(answer, label=summary(parts), confidence=least_sure(parts), found=parts)
    return replace(answer, label=None) if answer.confidence is not None and answer.confidence < least else answer


def _strings(texts: str | Iterable[str]) -> list[str]:
    asked = [texts] if isinstance(texts, str) else list(texts)
    for index, text in enumerate(asked):
        if not isinstance(text, str):
            raise CorpusError(f"text {index} is {text!r}, not a string")
    return asked


def _names(tasks: str | Sequence[str] | None, known: Iterable[str]) -> Iterable[str]:
    return [tasks] if isinstance(tasks, str) else known if tasks is None else tasks


def _relating(tasks: Mapping[str, Task]) -> bool:
    return any(task.kind == "relations" for task in tasks.values())


def _of_texts(texts: Sequence[str], task: Task, probabilities: NDArray[np.float32]) -> list[Prediction]:
    """The answer to every text as a whole."""
    answers = text_kind_of(task).decode(probabilities)
    return [
        Prediction(index, text, task.name, *answers[index], dict(zip(task.labels, spread, strict=True)))
        for index, (text, spread) in enumerate(zip(texts, probabilities.tolist(), strict=True))
    ]


def _share(abstain_below: float | None) -> float:
    if abstain_below is not None and not 0.0 <= abstain_below <= 1.0:
        raise ConfigError(f"abstain_below: {abstain_below} is no probability; give a number from 0 to 1")
    return abstain_below or 0.0
