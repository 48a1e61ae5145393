"""Vectors of an encoder that does not move: computed once per text, kept on disk, and read by every epoch after."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from mtl_models.files import writing_file
from mtl_models.networks.sentence_encoder import SentenceEncoder
from mtl_models.progress import progress
from mtl_models.training.batches import by_length, collate
from mtl_models.training.encoding import EncodedSplit

__all__ = ["with_features"]


def with_features(network: SentenceEncoder, splits: Mapping[str, EncodedSplit], cache: Path) -> dict[str, EncodedSplit]:
    """The same splits, task by task, with the vector (F,) float32 of every row, mapped from a file in `cache`.

    A file is named by all that its vectors depend on: every weight of the encoder, its pooling, and the token ids.
    """
    encoder = hashlib.sha256(f"{network.pooling} {network.per_task}".encode())
    for name, weight in sorted(network.backbone.state_dict().items()):
        encoder.update(f"{name} {weight.dtype} {tuple(weight.shape)}".encode())
        encoder.update(weight.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    found = {}
    for task, split in splits.items():
        digest = encoder.copy()
        digest.update((task if network.per_task else "").encode())
        digest.update(split.ids(np.arange(len(split))).tobytes() + split.lengths.tobytes())
        path = cache / f"{digest.hexdigest()[:32]}.npy"
        if not path.exists():
            with writing_file(path) as draft, draft.open("wb") as file:
                np.save(file, _vectors(network, task, split))
        found[task] = replace(split, features=np.load(path, mmap_mode="r"))
    return found


@torch.inference_mode()
def _vectors(network: SentenceEncoder, task: str, split: EncodedSplit) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """(N, F) in the order of the rows."""
    network.eval()
    batches = by_length(split.lengths)
    vectors = [
        network.pooled(collate({task: split}, {task: rows}).to(network.device), task).float().cpu().numpy()
        for rows in progress(batches, f"reading {task} once", total=len(batches), unit="batches")
    ]
    if not vectors:
        return np.empty((0, network.width), np.float32)
    ordered: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = np.concatenate(vectors)[np.argsort(np.concatenate(batches))]
    return ordered
