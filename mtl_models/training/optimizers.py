"""Optimizers: Adam and AdamW, with weight decay on weights only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import nn

from mtl_models.config.training import Training

__all__ = ["build_optimizer", "build_optimizers", "distinct"]


def build_optimizers(
    network: nn.Module, training: Training, tasks: Sequence[str], others: Iterable[nn.Parameter] = ()
) -> dict[str, torch.optim.Optimizer]:
    """Task -> the optimizer of its updates: one and the same, or with `learning_state: per_task` one each.

    Each of these has moments of its own for what the tasks share; of what other tasks own it never sees a gradient, and keeps nothing.
    """
    others = list(others)
    if training.learning_state == "per_task":
        return {task: build_optimizer(network, training, others) for task in tasks}
    return dict.fromkeys(tasks, build_optimizer(network, training, others))


def distinct(optimizers: Iterable[torch.optim.Optimizer]) -> list[torch.optim.Optimizer]:
    """Each optimizer once, in the order they come."""
    return list(dict.fromkeys(optimizers))


def build_optimizer(network: nn.Module, training: Training, others: Iterable[nn.Parameter] = ()) -> torch.optim.Optimizer:
    """Adam (Kingma and Ba 2015; decay as L2) or AdamW (Loshchilov and Hutter 2019; decoupled decay) over the trainable parameters.

    Decay is for weight matrices. Biases and norms are left out, as usual; so are embedding tables, where decay would pull the vector
    of a word, or n-gram, towards zero in every update of the many that do not contain it; and so are `others`, the objective's own.
    """
    tables = (module for module in network.modules() if isinstance(module, nn.Embedding | nn.EmbeddingBag))
    embeddings = {id(p) for table in tables for p in table.parameters(recurse=False)}
    trainable = [p for p in network.parameters() if p.requires_grad]
    decayed = [p for p in trainable if p.ndim >= 2 and id(p) not in embeddings]
    plain = [p for p in trainable if p.ndim < 2 or id(p) in embeddings] + list(others)
    groups = [{"params": decayed, "weight_decay": training.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    kind = torch.optim.AdamW if training.optimizer == "adamw" else torch.optim.Adam
    return kind([group for group in groups if group["params"]], lr=training.learning_rate, fused=True)
