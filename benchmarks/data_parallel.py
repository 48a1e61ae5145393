"""What several processes of one machine gain a training: examples per second by their number, and that the losses are the same.

    python benchmarks/data_parallel.py [EXPERIMENT] [--processes 1 2] [--threads N] [--epochs 2] [--set KEY=VALUE ...] [--json FILE]

Trains the joint model of an experiment (the demo's by default) once for every number of processes, which share the `--threads` CPU
threads and the batches among them, without dropout, so that the curves can be compared. The time is that of the last epoch's
updates, evaluation left out; starting the processes is told apart. What is fetched and encoded is in the home folder.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from mtl_models.config import Experiment, load_experiment
from mtl_models.training.prepared import Prepared, prepare_experiment
from mtl_models.training.train import train


@dataclass
class Trained:
    """One training: `rate` examples per second, `losses` the mean loss of every epoch, `overhead` seconds outside the epochs."""

    processes: int
    rate: float
    overhead: float
    losses: list[float]


def main() -> None:
    """Train, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", type=Path, nargs="?", default=Path("configs/demo.yaml"))
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    changes = [f"training.epochs={options.epochs}", "network.dropout=0.0", *options.set]
    experiment = load_experiment(options.experiment, changes)
    prepared = prepare_experiment(experiment)
    torch.set_num_threads(options.threads)
    found = [trained(experiment, prepared, processes) for processes in options.processes]
    print(f"{'processes':>9}  {'examples/s':>10}  {'gain':>5}  {'overhead s':>10}  losses")
    for one in found:
        losses = " ".join(f"{loss:.6f}" for loss in one.losses)
        print(f"{one.processes:>9}  {one.rate:>10,.0f}  {one.rate / found[0].rate:>5.2f}  {one.overhead:>10.1f}  {losses}")
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(one) for one in found], indent=2), encoding="utf-8")


def trained(experiment: Experiment, prepared: Prepared, processes: int) -> Trained:
    """The joint model, trained in so many processes."""
    training = experiment.training.model_copy(update={"processes": processes})
    began = time.perf_counter()
    _, history = train(
        prepared.tasks, prepared.corpora, prepared.vocabularies, prepared.matrices, experiment.network, training, experiment.seed
    )
    overhead = time.perf_counter() - began - history.seconds
    losses = [sum(record.train_loss[task] * rows for task, rows in record.examples.items()) for record in history.epochs]
    rows = [sum(record.examples.values()) for record in history.epochs]
    rate = sum(history.epochs[-1].examples_per_second.values())
    return Trained(processes, rate, overhead, [loss / count for loss, count in zip(losses, rows, strict=True)])


if __name__ == "__main__":
    main()
