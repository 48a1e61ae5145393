"""The log-partition of a linear-chain CRF with its gradient: the scaled recurrence of `layers.crf` against a tree of matrix products."""

from __future__ import annotations

import argparse
import time

import torch
from torch import Tensor

from mtl_models.layers.crf import BioCrf, TagScores, log_partition

SIZES = ((32, 40, 1, 4), (32, 40, 1, 45), (4, 2000, 1, 6), (4, 2000, 3, 1), (1, 2000, 3, 6))
"""Texts, words, layers, types."""


def main() -> None:
    """One line for every size: milliseconds of a forward and backward pass."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passes", type=int, default=3, help="passes of each, of which the fastest counts")
    repeats = parser.parse_args().passes
    torch.manual_seed(0)
    torch.set_num_threads(1)
    print("texts words layers tags recurrence  tree")
    for texts, words, layers, types in SIZES:
        crf, states, mask = BioCrf(64, types, layers), torch.randn(texts, words, 64), torch.ones(texts, words, dtype=torch.bool)
        seconds = []
        for method in (log_partition, tree):
            passes = []
            for _ in range(repeats):
                began = time.perf_counter()
                method(crf(states, mask)).sum().backward()
                passes.append(time.perf_counter() - began)
            seconds.append(min(passes))
        print(f"{texts:5} {words:5} {layers:6} {2 * types + 1:4} {1000 * seconds[0]:10.1f} {1000 * seconds[1]:5.1f}")


def tree(scores: TagScores) -> Tensor:
    """Products of neighbours, then of their products: log2(n) steps of up to n T^3 additions; of texts without padding."""
    emissions, following = scores.emissions.double(), scores.transitions.double()
    steps = following[None, :, None] + emissions[:, :, 1:, None, :]
    while steps.shape[2] > 1:
        pairs = steps.shape[2] // 2 * 2
        left, right, odd = steps[:, :, 0:pairs:2], steps[:, :, 1:pairs:2], steps[:, :, pairs:]
        high, higher = left.amax(-1, keepdim=True), right.amax(-2, keepdim=True)
        product = ((left - high).exp() @ (right - higher).exp()).clamp(min=1e-300).log() + high + higher
        steps = torch.cat([product, odd], 2)
    first = scores.start.double() + emissions[:, :, 0]
    return (first.unsqueeze(3) + steps[:, :, 0] + scores.end.double().unsqueeze(1)).logsumexp((2, 3))


if __name__ == "__main__":
    main()
