"""What a user loses if these fail: word vectors that fade towards zero, or a frozen table that moves."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mtl_models.config.training import Training
from mtl_models.training.optimizers import build_optimizer


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(5, 3)
        self.ngrams = nn.EmbeddingBag(5, 3)
        self.norm = nn.LayerNorm(3)
        self.out = nn.Linear(3, 2)
        self.frozen = nn.Parameter(torch.ones(2, 2), requires_grad=False)


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_only_weight_matrices_decay(name: str) -> None:
    network = Small()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    optimizer = build_optimizer(network, Training(optimizer=name, weight_decay=0.5, learning_rate=0.1))
    for parameter in network.parameters():
        if parameter.requires_grad:
            parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    moved = {key for key, value in network.state_dict().items() if not torch.equal(value, before[key])}
    assert moved == {"out.weight"}


def test_it_is_the_optimizer_of_the_textbook() -> None:
    """The fused kernel against AdamW written out (Loshchilov and Hutter 2019, algorithm 2)."""
    network = nn.Linear(4, 3, bias=False)
    weight = network.weight.detach().clone().double()
    optimizer = build_optimizer(network, Training(optimizer="adamw", weight_decay=0.1, learning_rate=0.01))
    first = second = torch.zeros_like(weight)
    for step in range(1, 6):
        gradient = torch.randn(3, 4, generator=torch.Generator().manual_seed(step))
        network.weight.grad = gradient.clone()
        optimizer.step()
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient.double() ** 2
        weight = weight * (1 - 0.01 * 0.1)
        weight = weight - 0.01 * (first / (1 - 0.9**step)) / ((second / (1 - 0.999**step)).sqrt() + 1e-8)
    assert torch.allclose(network.weight.double(), weight, atol=1e-6)
