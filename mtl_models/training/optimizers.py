"""Optimizers: Adam and AdamW, with weight decay on weights only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import nn

from mtl_models.config.training import Training
from mtl_models.networks.network import Network

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
    Every group has the factor `scale` of its learning rate (Howard and Ruder 2018, section 3.2: the lower a layer, the slower).
    """
    tables = (module for module in network.modules() if isinstance(module, nn.Embedding | nn.EmbeddingBag))
    embeddings = {id(p) for table in tables for p in table.parameters(recurse=False)}
    scales = _scales(network, training.layer_decay)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter in network.parameters():
        if parameter.requires_grad:
            decay = training.weight_decay if parameter.ndim >= 2 and id(parameter) not in embeddings else 0.0
            groups.setdefault((scales.get(id(parameter), 1.0), decay), []).append(parameter)
    if others := list(others):
        groups.setdefault((1.0, 0.0), []).extend(others)
    kind = torch.optim.AdamW if training.optimizer == "adamw" else torch.optim.Adam
    parts = [{"params": found, "weight_decay": decay, "scale": scale} for (scale, decay), found in sorted(groups.items(), key=_order)]
    return kind(parts, lr=training.learning_rate, fused=True)


def _scales(network: nn.Module, decay: float) -> dict[int, float]:
    """id of a parameter of the encoder -> factor on its learning rate; heads are missing."""
    if decay == 1.0 or not isinstance(network, Network):
        return {}
    return {id(parameter): decay**depth for depth, part in enumerate(network.encoder_parts(), start=1) for parameter in part.parameters()}


def _order(group: tuple[tuple[float, float], list[nn.Parameter]]) -> tuple[float, float]:
    """The largest rates first, and what decays before what does not."""
    (scale, decay), _ = group
    return -scale, -decay
