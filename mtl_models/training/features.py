"""Vectors of an encoder that does not move: computed once per text or word, kept on disk, and read by every epoch after."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from mtl_models.files import writing_file
from mtl_models.networks.network import Batch
from mtl_models.progress import progress
from mtl_models.text.words import running
from mtl_models.training.batches import by_length, collate
from mtl_models.training.encoding import EncodedSplit

__all__ = ["ReadsOnce", "with_features"]


@runtime_checkable
class ReadsOnce(Protocol):
    """A network on a backbone, whose vectors may be kept."""

    backbone: nn.Module

    @property
    def features_fixed(self) -> bool:
        """Whether a text has the same vectors as long as the trainable weights stay those that are trainable now."""

    def features_named(self, task: str) -> str:
        """How it reads the texts of `task`, as far as the weights of the backbone do not say it."""

    def features_of(self, batch: Batch, task: str) -> Tensor:
        """The vectors (B, F) of the texts of a batch; or, word by word, those (words, F) of all running words, text after text."""


def with_features(network: ReadsOnce, splits: Mapping[str, EncodedSplit], cache: Path) -> dict[str, EncodedSplit]:
    """The same splits, task by task, with the vector (F,) float32 of every row or running word, mapped from a file in `cache`.

    A file is named by all that its vectors depend on: the encoder's configuration and every weight of it, how it reads, and the ids.
    """
    from transformers import PreTrainedModel

    (config, *_) = [module.config for module in network.backbone.modules() if isinstance(module, PreTrainedModel)]
    encoder = hashlib.sha256(json.dumps(config.to_diff_dict(), sort_keys=True, default=str).encode())
    for name, weight in sorted(network.backbone.state_dict().items()):
        encoder.update(f"{name} {weight.dtype} {tuple(weight.shape)}".encode())
        encoder.update(weight.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    found = {}
    for task, split in splits.items():
        digest = encoder.copy()
        digest.update(network.features_named(task).encode())
        digest.update(split.ids(np.arange(len(split))).tobytes() + split.lengths.tobytes())
        if split.forms is not None:
            digest.update(split.forms.pieces.tobytes() + split.forms.counts.tobytes())
        path = cache / f"{digest.hexdigest()[:32]}.npy"
        if not path.exists():
            with writing_file(path) as draft, draft.open("wb") as file:
                np.save(file, _vectors(network, task, split))
        found[task] = replace(split, features=np.load(path, mmap_mode="r"))
    return found


@torch.inference_mode()
def _vectors(network: ReadsOnce, task: str, split: EncodedSplit) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """(N, F), or (sum of the lengths, F) word by word, in the order of the rows."""
    assert isinstance(network, nn.Module)
    network.eval()
    batches = by_length(split.lengths)
    device = next(network.parameters()).device
    vectors = [
        network.features_of(collate({task: split}, {task: rows}).to(device), task).float().cpu().numpy()
        for rows in progress(batches, f"reading {task} once", total=len(batches), unit="batches")
    ]
    if not vectors:
        return np.empty((0, 0), np.float32)
    read = np.concatenate(batches)
    sizes = np.ones_like(split.lengths) if split.forms is None else split.lengths
    ends = np.cumsum(sizes[read], dtype=np.int64)
    begins = np.empty_like(ends)
    begins[read] = ends - sizes[read]
    ordered: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = np.concatenate(vectors)[running(begins, sizes)]
    return ordered
