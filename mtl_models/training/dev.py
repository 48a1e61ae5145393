"""Loss and metrics on the dev split, between epochs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from mtl_models.networks.network import Network
from mtl_models.tasks.kind import MISSING, Kind
from mtl_models.training.batches import by_length, collate
from mtl_models.training.encoding import EncodedSplit

__all__ = ["measure_dev"]


def measure_dev(
    network: Network, kinds: Mapping[str, Kind], splits: Mapping[str, EncodedSplit], device: torch.device
) -> dict[str, dict[str, float]]:
    """Task -> its loss (per labelled row) and the metrics of its kind; a task without labelled rows in its split is left out.

    In single precision whatever the training's, as the predictor computes. Leaves the network in evaluation mode.
    """
    network.eval()
    measures = {}
    for task, split in splits.items():
        if not (split.labels != MISSING).any():
            continue
        logits, gold = _logits(network, task, split, device), split.labels.astype(np.int64)
        loss = kinds[task].loss(logits, torch.from_numpy(gold)).item()
        measures[task] = {"loss": loss, **kinds[task].metrics(gold, kinds[task].probabilities(logits).numpy())}
    return measures


@torch.inference_mode()
def _logits(network: Network, task: str, split: EncodedSplit, device: torch.device) -> Tensor:
    """Logits of every row of the split, in its order, on the CPU."""
    batches = by_length(split.lengths)
    found = [network(collate({task: split}, {task: rows}).to(device)).logits[task] for rows in batches]
    return torch.cat(found).cpu()[np.argsort(np.concatenate(batches))]
