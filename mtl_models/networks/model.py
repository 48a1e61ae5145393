"""A network together with what it takes to give it texts: the model, as it is trained, kept and used."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mtl_models.config.network import Network as NetworkConfig
from mtl_models.config.text import TextOptions
from mtl_models.errors import ConfigError
from mtl_models.networks.network import PAD, Batch, Network, evaluating
from mtl_models.tasks.kind import kind_of
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import Vocabulary

__all__ = ["Model"]


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
        """Task -> class probabilities (N, K) float32, in the order of `texts`; all tasks by default.

        Texts go through in batches of like length; tasks of one vocabulary and one normalising share a pass of the encoder.
        """
        wanted = [self.task(name) for name in (tasks if tasks is not None else [task.name for task in self.tasks])]
        found = {task.name: np.empty((len(texts), len(task.labels)), dtype=np.float32) for task in wanted}
        alike: dict[tuple[str, TextOptions], list[Task]] = {}
        for task in wanted:
            alike.setdefault((task.vocabulary, task.text), []).append(task)
        for (vocabulary, options), readers in alike.items():
            encoded = self.vocabularies[vocabulary].encode(texts, options, self.max_tokens)
            for task, rows, probabilities in self._read(encoded, readers, batch_size):
                found[task.name][rows] = probabilities
        return found

    def _read(
        self, encoded: Sequence[Sequence[int]], tasks: Sequence[Task], batch_size: int
    ) -> Iterator[tuple[Task, list[int], NDArray[np.float32]]]:
        """Task, indices of texts, their probabilities: batch by batch, the longest texts first, so that memory peaks at once or never."""
        order = sorted(range(len(encoded)), key=lambda row: -len(encoded[row]))
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            with evaluating(self.network):
                logits = self.network(_padded([encoded[row] for row in rows], tasks).to(self.network.device)).logits
                answers = [(task, kind_of(task).probabilities(logits[task.name]).float().cpu().numpy()) for task in tasks]
            for task, probabilities in answers:
                yield task, rows, probabilities

    def fingerprint(self) -> str:
        """sha256 over all that decides an answer: weights, vocabularies, tasks, the network's section, `max_tokens`."""
        said = {
            "network": self.config.model_dump(mode="json"),
            "tasks": [
                [task.name, task.kind, task.labels, task.vocabulary, task.text.model_dump(mode="json"), task.mean, task.deviation]
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


def _padded(texts: Sequence[Sequence[int]], tasks: Sequence[Task]) -> Batch:
    """The texts as one batch of which every task wants every row."""
    lengths = torch.tensor([len(text) for text in texts])
    ids = torch.full((len(texts), int(lengths.max())), PAD)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = torch.tensor(text)
    every = torch.arange(len(texts))
    return Batch(ids, lengths, {task.name: every for task in tasks})
