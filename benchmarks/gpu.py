"""A training on a GPU, in single precision and in bf16, beside the same training on the CPU: examples per second and utilisation.

    python benchmarks/gpu.py [EXPERIMENT] [--epochs 3] [--threads N] [--set KEY=VALUE ...] [--json FILE]

Trains the joint model of an experiment (the demo's by default) on the CPU, then on the GPU with `precision: fp32` and `bf16`. Examples per
second are those of the last epoch's updates, when kernels are compiled and caches warm. Utilisation is the mean of what `nvidia-smi`
says four times a second while it trains, memory the most that PyTorch has held. Exits with 2 where there is no GPU.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

import torch

from mtl_models.config import Experiment, load_experiment
from mtl_models.training.prepared import Prepared, prepare_experiment
from mtl_models.training.train import train

_RUNS = (("cpu", "fp32"), ("cuda", "fp32"), ("cuda", "bf16"))


@dataclass
class Measured:
    """One training: `rate` examples per second, seconds of an epoch with evaluation, share of the GPU used, GB, macro-F1 on dev."""

    device: str
    precision: str
    rate: float
    epoch: float
    used: float | None
    memory: float | None
    dev: float


def main() -> None:
    """Train three times, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", type=Path, nargs="?", default=Path("configs/demo.yaml"))
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if not torch.cuda.is_available():
        print("PyTorch finds no GPU here: nothing to compare the CPU with", file=sys.stderr)
        sys.exit(2)
    torch.set_num_threads(options.threads)
    experiment = load_experiment(options.experiment, [f"training.epochs={options.epochs}", *options.set])
    prepared = prepare_experiment(experiment)
    found = [measured(experiment, prepared, device, precision) for device, precision in _RUNS]
    print(f"{torch.cuda.get_device_name()}; CPU with {options.threads} threads; {experiment.name}, {options.epochs} epochs")
    print(f"{'device':<6}  {'precision':<9}  {'examples/s':>10}  {'gain':>6}  {'epoch s':>8}  {'GPU used':>8}  {'GB':>5}  {'dev F1':>6}")
    for one in found:
        used, memory = ("" if one.used is None else f"{one.used:.0%}"), ("" if one.memory is None else f"{one.memory:.2f}")
        speed = f"{one.rate:>10,.0f}  {one.rate / found[0].rate:>6.1f}  {one.epoch:>8.1f}"
        print(f"{one.device:<6}  {one.precision:<9}  {speed}  {used:>8}  {memory:>5}  {one.dev:>6.3f}")
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(one) for one in found], indent=2), encoding="utf-8")


def measured(experiment: Experiment, prepared: Prepared, device: str, precision: str) -> Measured:
    """The joint model, trained on `device`."""
    training = experiment.training.model_copy(update={"device": device, "precision": precision})
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    with watched(device) as samples:
        _, history = train(
            prepared.tasks, prepared.corpora, prepared.vocabularies, prepared.matrices, experiment.network, training, experiment.seed
        )
    last, best = history.epochs[-1], history.epochs[history.best_epoch - 1]
    return Measured(
        device,
        precision,
        rate=sum(last.examples_per_second.values()),
        epoch=last.seconds,
        used=fmean(samples) if samples else None,
        memory=torch.cuda.max_memory_allocated() / 1e9 if device == "cuda" else None,
        dev=fmean(measures["macro_f1"] for measures in best.dev.values()),
    )


@contextmanager
def watched(device: str) -> Iterator[list[float]]:
    """Shares of the time that the GPU computed, sampled within the block."""
    samples: list[float] = []
    over = threading.Event()

    def look() -> None:
        command = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "--id=0"]
        while not over.wait(0.25):
            samples.append(float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) / 100)

    thread = threading.Thread(target=look, daemon=True)
    if device == "cuda":
        thread.start()
    try:
        yield samples
    finally:
        over.set()
        if device == "cuda":
            thread.join()


if __name__ == "__main__":
    main()
