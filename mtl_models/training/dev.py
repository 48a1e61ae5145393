"""Loss and metrics on the dev split, between epochs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from mtl_models.corpora.annotations import Annotations, as_objects
from mtl_models.networks.network import Network
from mtl_models.tasks.kind import Kind
from mtl_models.tasks.missing import present
from mtl_models.tasks.structure import Structure
from mtl_models.training.batches import by_length, collate
from mtl_models.training.encoding import EncodedSplit

__all__ = ["dev_logits", "measure_dev"]


def measure_dev(
    network: Network, kinds: Mapping[str, Kind | Structure], splits: Mapping[str, EncodedSplit], device: torch.device
) -> dict[str, dict[str, float]]:
    """Task -> its loss (per label that is there, without class weights and smoothing) and the metrics of its kind.

    A task without labelled rows in its split is left out. In single precision whatever the training's, as the predictor computes.
    Leaves the network in evaluation mode.
    """
    network.eval()
    measures = {}
    for task, split in splits.items():
        if not present(split.labels).any():
            continue
        kind = kinds[task]
        if isinstance(kind, Structure):
            measures[task] = _on_words(network, task, kind, split, device)
            continue
        gold = split.labels if split.labels.dtype.kind == "f" else split.labels.astype(np.int64)
        logits = dev_logits(network, task, split, device)
        loss = kind.plain_loss(logits, torch.from_numpy(gold)).item()
        measures[task] = {"loss": loss, **kind.metrics(gold, kind.probabilities(logits).numpy())}
    return measures


@torch.inference_mode()
def _on_words(network: Network, task: str, kind: Structure, split: EncodedSplit, device: torch.device) -> dict[str, float]:
    """The same where labels lie on words; the loss is the mean over the texts of what their batches have."""
    total, batches = 0.0, by_length(split.lengths)
    answers: list[Annotations] = []
    for rows in batches:
        batch = collate({task: split}, {task: rows}).to(device)
        scored = network(batch).logits[task]
        total += len(rows) * kind.plain_loss(scored, batch.labels[task]).item()
        answers.extend(found.rows for found in kind.annotations(scored))
    found = as_objects(answers)[np.argsort(np.concatenate(batches))]
    return {"loss": total / len(split), **kind.metrics(split.labels, found)}


@torch.inference_mode()
def dev_logits(network: Network, task: str, split: EncodedSplit, device: torch.device) -> Tensor:
    """Logits of every row of the split, in its order, on the CPU; `network` is in evaluation mode."""
    batches = by_length(split.lengths)
    found = [network(collate({task: split}, {task: rows}).to(device)).logits[task] for rows in batches]
    return torch.cat(found).cpu()[np.argsort(np.concatenate(batches))]
