"""A training step (forward and backward) of the DLN-LSTM layer against `torch.nn.LSTM` of the same size.

    python benchmarks/dln_lstm.py [--threads 1 2] [--lengths 64 256] [--without-c]
    python benchmarks/dln_lstm.py --device cuda --batch 256

Texts of equal length, E=100, H=256, gradients for the inputs and all weights from the last states; two tasks mixed in the DLN-LSTM's
batch, recurrent dropout .3. The two take turns, so that what else runs on the machine hits both; medians are shown, and the median of
the ratios of neighbours, of wall time and of processor time. Numbers too small for normal precision are flushed to zero for both: over
long texts gradients fade into them, and processors then take many times as long (`--denormals` keeps them).
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from mtl_models.layers.dln import native
from mtl_models.layers.dln.lstm import DlnLstm
from mtl_models.layers.dln.norms import DomainNorms, stacked_norms

INPUTS, HIDDEN, TASKS = 100, 256, 2


@dataclass(frozen=True)
class Times:
    """Median seconds of a step of ours and of PyTorch's, and median ratios of wall and of processor time."""

    ours: float
    theirs: float
    wall: float
    processor: float


def main() -> None:
    """Measure every combination and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--batch", type=int, default=64, help="texts per batch")
    parser.add_argument("--lengths", type=int, nargs="+", default=[64, 256], help="tokens per text")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--without-c", action="store_true", help="as on a machine without a C compiler")
    parser.add_argument("--pairs", type=int, default=20, help="steps of each per line")
    parser.add_argument("--denormals", action="store_true", help="keep them")
    options = parser.parse_args()
    if options.without_c:
        os.environ["CC"] = "no-compiler-for-this-benchmark"
    torch.set_flush_denormal(not options.denormals)
    means = "PyTorch operations" if options.device == "cuda" or not native.available() else "C"
    print(f"B={options.batch} E={INPUTS} H={HIDDEN}, {options.device}, cell in {means}, torch {torch.__version__}")
    print("| tokens | threads | DLN-LSTM ms | nn.LSTM ms | ratio, wall | ratio, processor |\n| ---: | ---: | ---: | ---: | ---: | ---: |")
    for positions in options.lengths:
        for threads in options.threads:
            torch.set_num_threads(threads)
            found = compare(*steps(options.batch, positions, options.device), options.pairs)
            times = f"{found.ours * 1e3:.0f} | {found.theirs * 1e3:.0f} | {found.wall:.2f} | {found.processor:.2f}"
            print(f"| {positions} | {threads} | {times} |", flush=True)


def steps(batch: int, positions: int, device: str) -> tuple[Callable[[], None], Callable[[], None]]:
    """A training step of ours, and one of PyTorch's."""
    torch.manual_seed(0)
    layer = DlnLstm(INPUTS, HIDDEN, recurrent_dropout=0.3).to(device)
    norms = nn.ModuleList(DomainNorms(HIDDEN) for _ in range(TASKS)).to(device)
    lstm = nn.LSTM(INPUTS, HIDDEN, batch_first=True).to(device)
    x = torch.randn(batch, positions, INPUTS, device=device, requires_grad=True)
    lengths = torch.full((batch,), positions)
    owner = torch.arange(batch, device=device) % TASKS

    def step(last: Callable[[], torch.Tensor]) -> None:
        last().sum().backward()
        for tensor in (x, *layer.parameters(), *norms.parameters(), *lstm.parameters()):
            tensor.grad = None
        if device == "cuda":
            torch.cuda.synchronize()

    return (lambda: step(lambda: layer(x, lengths, stacked_norms(list(norms)), owner)[0])), (lambda: step(lambda: lstm(x)[1][0]))


def compare(one: Callable[[], None], other: Callable[[], None], pairs: int) -> Times:
    """Take turns."""
    for warm in (one, other, one, other):
        warm()
    taken = [(*timed(one), *timed(other)) for _ in range(pairs)]
    return Times(
        statistics.median(pair[0] for pair in taken),
        statistics.median(pair[2] for pair in taken),
        statistics.median(pair[0] / pair[2] for pair in taken),
        statistics.median(pair[1] / pair[3] for pair in taken),
    )


def timed(step: Callable[[], None]) -> tuple[float, float]:
    """Wall and processor seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    step()
    return time.perf_counter() - wall, time.process_time() - processor


if __name__ == "__main__":
    main()
