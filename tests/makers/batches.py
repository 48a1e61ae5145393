"""Batches of ids written by hand, and drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import torch
from hypothesis import strategies as st
from torch import nn

from mtl_models.networks.network import PAD, Batch, Network
from mtl_models.tasks.task import Task

Texts = list[list[int]]
Module = TypeVar("Module", bound=nn.Module)

THREE_TASKS = (
    Task("tweets", "single_label", ("bad", "good")),
    Task("type", "single_label", ("a", "b", "c")),
    Task("hindi", "single_label", ("bad", "good"), vocabulary="hi"),
)
SIZES = {"shared": 11, "hi": 7}
"""Of the vocabularies of those tasks."""


def batch_of(texts: Texts, rows: Mapping[str, Sequence[int]], extra: int = 0) -> Batch:
    """Texts in a batch `extra` columns wider than it must be; `rows` is task -> the texts it reads."""
    ids = torch.full((len(texts), max(map(len, texts)) + extra), PAD)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = torch.tensor(text)
    return Batch(ids, torch.tensor([len(text) for text in texts]), {task: torch.tensor(index) for task, index in rows.items()})


def mixed_batch(texts: Texts, tasks: Sequence[str], extra: int = 0) -> Batch:
    """One task for every text."""
    return batch_of(texts, {name: [row for row, task in enumerate(tasks) if task == name] for name in dict.fromkeys(tasks)}, extra)


def stirred(network: Module) -> Module:
    """The same, with random numbers where it begins with zeros."""
    with torch.no_grad():
        for parameter in network.parameters():
            if not parameter.any():
                parameter.normal_(std=0.3)
    return network


def check_each_text_stands_alone(network: Network, texts: Texts, tasks: Sequence[str], extra: int, tolerance: float) -> None:
    """A text has the same logits alone, among others, and in a batch `extra` columns wider than it must be."""
    together, padded = network(mixed_batch(texts, tasks)).logits, network(mixed_batch(texts, tasks, extra)).logits
    seen = dict.fromkeys(tasks, 0)
    for text, task in zip(texts, tasks, strict=True):
        alone = network(mixed_batch([text], [task])).logits[task][0]
        torch.testing.assert_close(together[task][seen[task]], alone, atol=tolerance, rtol=0)
        torch.testing.assert_close(padded[task][seen[task]], alone, atol=tolerance, rtol=0)
        seen[task] += 1


@st.composite
def mixed_texts(draw: st.DrawFn) -> tuple[Texts, list[str]]:
    """Texts for `THREE_TASKS`, and the task of each."""
    tasks = draw(st.lists(st.sampled_from([task.name for task in THREE_TASKS]), min_size=1, max_size=6))
    size = {task.name: SIZES[task.vocabulary] for task in THREE_TASKS}
    return [draw(st.lists(st.integers(1, size[task] - 1), min_size=1, max_size=6)) for task in tasks], tasks
