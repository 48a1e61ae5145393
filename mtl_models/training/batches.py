"""Rows as batches: padded to the longest of them only; cut by length for evaluation, split by task for gradients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch

from mtl_models.networks.network import PAD, Batch
from mtl_models.networks.reading import WordTexts, padded_annotations, padded_words, read_words
from mtl_models.text.words import running
from mtl_models.training.cutting import Rows
from mtl_models.training.encoding import EncodedSplit

__all__ = ["by_length", "by_task", "collate"]

_EVALUATION_TOKENS = 8_192
"""Tokens of a batch without gradients, padding included, which bounds its memory whatever the lengths."""


def collate(splits: Mapping[str, EncodedSplit], rows: Mapping[str, Rows]) -> Batch:
    """The batch of `rows`, task -> row indices into `splits[task]`: one task's rows after another's, padded to the longest of all."""
    if any(splits[task].forms is not None for task in rows):
        return _collate_words(splits, rows)
    lengths = np.concatenate([splits[task].lengths[chosen] for task, chosen in rows.items()])
    places = np.arange(lengths.max())
    ids = np.full((len(lengths), len(places)), PAD, dtype=np.int64)
    ids[places < lengths[:, None]] = np.concatenate([splits[task].ids(chosen) for task, chosen in rows.items()])
    return Batch(
        ids=torch.from_numpy(ids),
        lengths=torch.from_numpy(lengths.astype(np.int64)),
        rows=_rows(rows),
        labels={task: _labels(splits[task], chosen) for task, chosen in rows.items()},
        features=_features(splits, rows),
    )


def _collate_words(splits: Mapping[str, EncodedSplit], rows: Mapping[str, Rows]) -> Batch:
    """The same for a network that reads word by word."""
    batch = padded_words([_word_texts(splits[task], chosen) for task, chosen in rows.items()])
    return replace(batch, rows=_rows(rows), labels={task: _labels(splits[task], chosen) for task, chosen in rows.items()})


def _word_texts(split: EncodedSplit, rows: Rows) -> WordTexts:
    assert split.forms is not None, "all tasks of a network are read alike"
    states = None if split.features is None else split.features[running(split.starts[rows], split.lengths[rows])]
    return read_words(split.forms, split.ids(rows), split.lengths[rows], states)


def _rows(rows: Mapping[str, Rows]) -> dict[str, torch.Tensor]:
    ends = np.cumsum([len(chosen) for chosen in rows.values()])
    return {task: torch.arange(end - len(rows[task]), end) for task, end in zip(rows, ends.tolist(), strict=True)}


def _features(splits: Mapping[str, EncodedSplit], rows: Mapping[str, Rows]) -> torch.Tensor | None:
    found = [features[chosen] for task, chosen in rows.items() if (features := splits[task].features) is not None]
    return torch.from_numpy(np.concatenate(found)) if found else None


def _labels(split: EncodedSplit, rows: Rows) -> torch.Tensor:
    """Classes as int64, numbers as float32; annotations padded to the text with most of them."""
    labels = split.labels[rows]
    if labels.dtype == object:
        return padded_annotations(labels)
    return torch.from_numpy(labels.astype(np.float32 if labels.dtype.kind == "f" else np.int64))


def by_task(batch: Batch) -> dict[str, Batch]:
    """Each task's rows of `batch` as a batch of their own, padded to their own longest."""
    return {task: _part(batch, task, rows) for task, rows in batch.rows.items()}


def _part(batch: Batch, task: str, rows: torch.Tensor) -> Batch:
    lengths = batch.lengths[rows.to(batch.lengths.device)]
    return Batch(
        ids=batch.ids[rows, : int(lengths.max())],
        lengths=lengths,
        rows={task: torch.arange(len(rows), device=rows.device)},
        labels={task: batch.labels[task]},
        features=None if batch.features is None else batch.features[rows],
        words=None if batch.words is None else batch.words.part(rows.to(batch.words.lengths.device)),
    )


def by_length(lengths: npt.NDArray[np.int32], tokens: int = _EVALUATION_TOKENS) -> list[Rows]:
    """Row indices in batches of similar length, each row once, at most `tokens` of them padded in a batch (but one row at least)."""
    order = np.argsort(lengths, kind="stable").astype(np.int64)
    batches = []
    end = len(order)
    while end > 0:
        size = max(1, tokens // int(lengths[order[end - 1]]))
        batches.append(order[max(0, end - size) : end])
        end -= size
    return batches
