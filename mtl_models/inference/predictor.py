"""Answers for texts: label and probabilities, for any of a model's tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch

from mtl_models.errors import CorpusError
from mtl_models.inference.text_files import read_texts
from mtl_models.networks import folder as model_folder
from mtl_models.networks.model import Model
from mtl_models.tasks.kind import kind_of

__all__ = ["Prediction", "Predictor", "load_model"]

_CHUNK = 4096
"""Texts of a file that are in memory at a time."""


@dataclass(frozen=True)
class Prediction:
    """One task's answer for one text: the text's place among the texts asked about, the label, and how sure the model is.

    `label` is the class; of several labels all of them, `a|b`, empty for none; a rating with two decimals. `confidence` is its probability,
    None of a rating. `probabilities` has every label's; of a rating, under the name of its column, the number itself.
    """

    index: int
    text: str
    task: str
    label: str
    confidence: float | None
    probabilities: dict[str, float]


class Predictor:
    """Texts in, answers out. An answer does not depend on the other texts asked about."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def predict(self, texts: Sequence[str], tasks: Sequence[str] | None = None, batch_size: int = 256) -> list[Prediction]:
        """Answers in the order of the texts, and for each text in the order of `tasks` (default: all of the model's).

        Raises `ConfigError` for a task the model does not have, `CorpusError` for a text that is not a string.
        """
        if isinstance(texts, str):
            raise TypeError("texts is a sequence of texts; for one text give [text]")
        for index, text in enumerate(texts):
            if not isinstance(text, str):
                raise CorpusError(f"text {index} is {text!r}, not a string")
        probabilities = self.model.probabilities(texts, tasks, batch_size)
        answers = {task: kind_of(self.model.task(task)).decode(found) for task, found in probabilities.items()}
        labels = {task: self.model.task(task).labels for task in probabilities}
        return [
            Prediction(index, text, task, *answers[task][index], dict(zip(labels[task], found[index].tolist(), strict=True)))
            for index, text in enumerate(texts)
            for task, found in probabilities.items()
        ]

    def predict_file(
        self, path: str | Path, column: str = "text", tasks: Sequence[str] | None = None, chunk: int = _CHUNK
    ) -> Iterator[list[Prediction]]:
        """Answers for the texts of a .txt, .csv, .tsv or .jsonl file (see `read_texts`), a list for every `chunk` texts.

        `index` counts through the file. Raises `CorpusError` with file and line where the file cannot be read.
        """
        texts = enumerate(read_texts(Path(path), column))
        while part := list(islice(texts, chunk)):
            first = part[0][0]
            yield [
                Prediction(first + found.index, found.text, found.task, found.label, found.confidence, found.probabilities)
                for found in self.predict([text for _, text in part], tasks)
            ]


def load_model(folder: str | Path, device: str | torch.device = "cpu") -> Predictor:
    """A predictor for the model in `folder`. Raises `ModelFolderError` where that is no sound model folder."""
    return Predictor(model_folder.load_model(Path(folder), device))
