"""A network together with what it takes to give it texts: the model, as it is trained, kept and used."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtl_models.config.hierarchical import Hierarchical
from mtl_models.config.network import Network as NetworkConfig
from mtl_models.config.text import TextOptions
from mtl_models.errors import ConfigError
from mtl_models.networks.network import PAD, Batch, Network, SharedEncoder, evaluating
from mtl_models.networks.reading import padded_words, read_words
from mtl_models.tasks.found import NOTHING, Found
from mtl_models.tasks.kind import text_kind_of
from mtl_models.tasks.structure import structure_of
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import Vocabulary
from mtl_models.text.words import forms_of, places_of_words

__all__ = ["Model"]

Words = Literal["split", "spaces"]

_WORDS = 8_192
"""Words of a batch that is read word by word, padding included."""


@dataclass(frozen=True)
class Model:
    """A network, its tasks, and the vocabularies (by name) that turn their texts into ids; `max_tokens` of a text are read."""

    network: Network
    tasks: tuple[Task, ...]
    vocabularies: Mapping[str, Vocabulary]
    config: NetworkConfig
    max_tokens: int

    def task(self, name: str) -> Task:
        """The task called `name`; `ConfigError` with the tasks there are where there is none."""
        for task in self.tasks:
            if task.name == name:
                return task
        known = [task.name for task in self.tasks]
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean '{near[0]}'? " if near else ""
        raise ConfigError(f"unknown task '{name}'; {hint}the model's tasks: {', '.join(known)}")

    def probabilities(
        self, texts: Sequence[str], tasks: Sequence[str] | None = None, batch_size: int = 256
    ) -> dict[str, NDArray[np.float32]]:
        """Task -> class probabilities (N, K) float32, in the order of `texts`; by default all tasks that label whole texts."""
        return self.answers(texts, [task.name for task in self._wanted(tasks) if not task.on_words], batch_size)[0]

    def annotations(
        self, texts: Sequence[str], tasks: Sequence[str] | None = None, words: Words = "split", batch_size: int = 64
    ) -> dict[str, list[Found]]:
        """Task -> what was found in every text, offsets counting words; by default all tasks that label words.

        `words` says where those end: by the rule for texts as people write them, or at the spaces of texts that are split already.
        """
        return self.answers(texts, [task.name for task in self._wanted(tasks) if task.on_words], batch_size, words)[1]

    def answers(
        self, texts: Sequence[str], tasks: Sequence[str] | None = None, batch_size: int = 256, words: Words = "split"
    ) -> tuple[dict[str, NDArray[np.float32]], dict[str, list[Found]]]:
        """Both at once, `probabilities` and `annotations`.

        Texts go through in batches of like length; tasks of one vocabulary and one normalising share a pass of the encoder.
        """
        wanted = self._wanted(tasks)
        found = {task.name: np.empty((len(texts), len(task.labels)), dtype=np.float32) for task in wanted if not task.on_words}
        marked: dict[str, list[Found]] = {task.name: [NOTHING] * len(texts) for task in wanted if task.on_words}
        for task, rows, logits in self._read(texts, wanted, batch_size, words):
            if task.on_words:
                for row, answer in zip(rows, structure_of(task).annotations(logits), strict=True):
                    marked[task.name][row] = answer
            else:
                found[task.name][rows] = text_kind_of(task).probabilities(logits).float().cpu().numpy()
        return found, marked

    def logits(self, texts: Sequence[str], tasks: Sequence[str] | None = None, batch_size: int = 256) -> dict[str, Tensor]:
        """Task -> what its head gives (N, ...), on the CPU, in the order of `texts`; of the tasks that label whole texts."""
        wanted = [task for task in self._wanted(tasks) if not task.on_words]
        parts: dict[str, tuple[list[int], list[Tensor]]] = {task.name: ([], []) for task in wanted}
        for task, rows, logits in self._read(texts, wanted, batch_size, "split"):
            parts[task.name][0].extend(rows)
            parts[task.name][1].append(logits.cpu())
        return {name: torch.cat(found)[np.argsort(rows)] for name, (rows, found) in parts.items() if found}

    def embed(self, texts: Sequence[str], task: str | None = None, batch_size: int = 64) -> NDArray[np.float32]:
        """The vectors (N, F) float32 that the heads read, in the order of `texts`; nothing is dropped, and their lengths are as they come.

        `task` is needed where tasks read texts differently. Where they have adapters, a text goes through that of `task`, or none.
        Raises `ConfigError` for an unknown task, one that is needed, and a network whose vectors belong to a task.
        """
        if not isinstance(self.network, SharedEncoder):
            raise ConfigError(
                f"{self.config.name} has no one vector of a text: its tasks read texts by norms of their own, or on levels of their own; "
                "take a model with another network"
            )
        if not texts:
            return self.embed([""], task)[:0]
        vocabulary, options, readers = self._reading(task)
        parts, order = [], []
        for rows, batch in self._batches(texts, vocabulary, options, readers, batch_size):
            with evaluating(self.network):
                parts.append(self.network.pooled(batch, task).float().cpu().numpy())
            order.extend(rows)
        vectors: NDArray[np.float32] = np.concatenate(parts)[np.argsort(order)]
        return vectors

    def batches(
        self, texts: Sequence[str], task: str | None = None, words: Words = "split", batch_size: int = 64
    ) -> Iterator[tuple[list[int], Batch]]:
        """Indices of texts and the batch of them as `task` reads them, the longest first: for a look inside the network.

        `task` is needed where tasks read texts differently; `words` is as in `annotations`. Raises `ConfigError` as `embed` does.
        """
        vocabulary, options, readers = self._reading(task)
        if isinstance(self.config, Hierarchical):
            options = options.model_copy(update={"words": words})
        yield from self._batches(texts, vocabulary, options, readers, batch_size)

    def _reading(self, task: str | None) -> tuple[str, TextOptions, list[Task]]:
        """Vocabulary and normalising by which texts are read for `task`, or for all tasks; and the tasks that read so."""
        if not self.tasks:
            if task is not None:
                raise ConfigError(f"task '{task}': this is a backbone that no task was trained on; leave the task out")
            ((vocabulary, _),) = self.vocabularies.items()
            return vocabulary, TextOptions(), []
        readers = self._wanted(None if task is None else [task])
        ways = {(reader.vocabulary, reader.text) for reader in readers}
        if len(ways) > 1:
            names = ", ".join(reader.name for reader in readers)
            raise ConfigError(f"the model's tasks differ in vocabulary or normalising; say as which of them to read the texts: {names}")
        return readers[0].vocabulary, readers[0].text, readers

    def _wanted(self, tasks: Sequence[str] | None) -> list[Task]:
        return [self.task(name) for name in (tasks if tasks is not None else [task.name for task in self.tasks])]

    def _read(self, texts: Sequence[str], tasks: Sequence[Task], batch_size: int, words: Words) -> Iterator[tuple[Task, list[int], Any]]:
        """Task, indices of texts, their logits: batch by batch, the longest texts first, so that memory peaks at once or never."""
        alike: dict[tuple[str, TextOptions], list[Task]] = {}
        for task in tasks:
            options = task.text.model_copy(update={"words": words}) if isinstance(self.config, Hierarchical) else task.text
            alike.setdefault((task.vocabulary, options), []).append(task)
        for (vocabulary, options), readers in alike.items():
            for rows, batch in self._batches(texts, vocabulary, options, readers, batch_size):
                with evaluating(self.network):
                    logits = self.network(batch).logits
                for task in readers:
                    yield task, rows, logits[task.name]

    def _batches(
        self, texts: Sequence[str], vocabulary: str, options: TextOptions, readers: Sequence[Task], batch_size: int
    ) -> Iterator[tuple[list[int], Batch]]:
        """Indices of texts and the batch of them, the longest texts first."""
        if isinstance(self.config, Hierarchical):
            yield from self._word_batches(texts, vocabulary, options, readers, batch_size)
            return
        encoded = self.vocabularies[vocabulary].encode(texts, options, self.max_tokens)
        order = sorted(range(len(encoded)), key=lambda row: -len(encoded[row]))
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            yield rows, _padded([encoded[row] for row in rows], readers).to(self.network.device)

    def _word_batches(
        self, texts: Sequence[str], vocabulary: str, options: TextOptions, readers: Sequence[Task], batch_size: int
    ) -> Iterator[tuple[list[int], Batch]]:
        """The same for a network that reads word by word; a batch has at most as many words as so many short texts."""
        assert isinstance(self.config, Hierarchical)
        letters = None if self.config.characters is None else self.config.characters.longest
        words = [[text[begin:end] for begin, end in places_of_words(text, options.words)[: self.max_tokens]] for text in texts]
        beside = None if self.config.word_vectors is None else self.vocabularies[self.config.word_vectors]
        forms, places = forms_of(words, self.vocabularies[vocabulary], options, letters, beside)
        lengths = np.array([len(text) for text in words], dtype=np.int32)
        ends = np.cumsum(lengths)
        order = np.argsort(-lengths, kind="stable")
        start = 0
        while start < len(order):
            size = max(1, min(batch_size, _WORDS // int(lengths[order[start]])))
            rows = order[start : start + size].tolist()
            running = np.concatenate([places[ends[row] - lengths[row] : ends[row]] for row in rows])
            batch = padded_words([read_words(forms, running, lengths[rows])])
            every = torch.arange(len(rows))
            yield rows, replace(batch, rows={task.name: every for task in readers}).to(self.network.device)
            start += size

    def fingerprint(self) -> str:
        """sha256 over all that decides an answer: weights, vocabularies, tasks, the network's section, `max_tokens`."""
        said = {
            "network": self.config.model_dump(mode="json"),
            "tasks": [
                [task.name, task.kind, task.labels, task.vocabulary, _said(task.text), task.mean, task.deviation]
                + ([] if task.temperature == 1.0 else [task.temperature])  # a model without one keeps the fingerprint it was registered by
                for task in self.tasks
            ],
            "vocabularies": {name: vocabulary.fingerprint for name, vocabulary in self.vocabularies.items()},
            "max_tokens": self.max_tokens,
        }
        digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
        for name, weight in sorted(self.network.state_dict().items()):
            digest.update(f"{name} {weight.dtype} {tuple(weight.shape)}".encode())
            digest.update(weight.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
        return digest.hexdigest()


def _said(options: TextOptions) -> dict[str, str | bool]:
    """Normalising as a fingerprint covers it: a model from before a setting keeps the fingerprint it was registered by."""
    said: dict[str, str | bool] = options.model_dump(mode="json")
    if said["words"] == "split":
        del said["words"]
    return said


def _padded(texts: Sequence[Sequence[int]], tasks: Sequence[Task]) -> Batch:
    """The texts as one batch of which every task wants every row."""
    lengths = torch.tensor([len(text) for text in texts])
    ids = torch.full((len(texts), int(lengths.max())), PAD)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = torch.tensor(text)
    every = torch.arange(len(texts))
    return Batch(ids, lengths, {task.name: every for task in tasks})
