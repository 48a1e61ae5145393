"""Padding and speed: batches of similar length against batches in file order.

    python benchmarks/padding.py [EXPERIMENT] [--seconds S] [--threads N] [--json FILE]

Takes the train splits of an experiment (the demo's by default, fetched as the pipeline fetches them), arranges them in batches in three
ways, and trains the experiment's network on each for some seconds, on a CPU. Prints, per way, the share of padded tokens and the rows
trained per second:

  bucketed       as this project trains: tasks mixed, rows of similar length, padded to the longest of the batch
  file order     one task after another in the order of its file, padded to the longest of the batch
  whole split    the same, padded to the longest text of all train splits, as Joint Learn does
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from mtl_models.config import Experiment, load_experiment
from mtl_models.corpora.ingest import ingest
from mtl_models.home import home_folder
from mtl_models.networks.build import build_network
from mtl_models.networks.network import PAD, Batch, Network
from mtl_models.progress import say
from mtl_models.tasks.kind import Kind, kind_of
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import build_vocabulary
from mtl_models.training.batches import collate
from mtl_models.training.encoding import EncodedSplit, encode
from mtl_models.training.epoch_batches import mixed_batches
from mtl_models.training.objectives.combining import mean_over_rows
from mtl_models.training.optimizers import build_optimizer

_DIMENSION = 50
"""Numbers per word: the vectors' values do not matter for speed, so random ones will do."""

_WARM = 3
"""Batches not timed, in which PyTorch allocates its memory."""


@dataclass(frozen=True)
class Measured:
    """What one arrangement costs."""

    way: str
    padded: float
    rows_per_second: float
    seconds_per_epoch: float
    batches_timed: int


def main() -> None:
    """Measure the three ways and print a table."""
    parser = argparse.ArgumentParser(description="Share of padded tokens and rows per second, bucketed against file order.")
    parser.add_argument("experiment", nargs="?", type=Path, default=Path(__file__).parent.parent / "configs" / "demo.yaml")
    parser.add_argument("--seconds", type=float, default=15.0, help="training time of each way")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", type=Path, help="write the numbers there as well")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    experiment = load_experiment(options.experiment)
    tasks, splits, words = prepared(experiment)
    measured = []
    for way, batches in arrangements(splits, experiment).items():
        torch.manual_seed(experiment.seed)
        network = build_network(experiment.network, tasks, {name: torch.randn(size, _DIMENSION) for name, size in words.items()})
        measured.append(measure(way, batches, network, {task.name: kind_of(task) for task in tasks}, experiment, options.seconds))
    rows = sum(map(len, splits.values()))
    size = experiment.training.batch_size
    print(f"{experiment.name}: {rows:,} train rows in batches of {size}; {options.threads} threads, torch {torch.__version__}")
    print(f"{'way':<12}  {'padded':>7}  {'rows/s':>8}  {'s/epoch':>8}  {'speed-up':>8}")
    for one in measured:
        speedup = one.rows_per_second / measured[-1].rows_per_second
        print(f"{one.way:<12}  {one.padded:>7.1%}  {one.rows_per_second:>8,.0f}  {one.seconds_per_epoch:>8.1f}  {speedup:>8.1f}")
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in measured], indent=2) + "\n", encoding="utf-8")


def prepared(experiment: Experiment) -> tuple[list[Task], dict[str, EncodedSplit], dict[str, int]]:
    """The tasks, their train splits as token ids, and the size of every vocabulary."""
    corpora = {name: ingest(name, settings.corpus, experiment.seed, settings.kind) for name, settings in experiment.tasks.items()}
    tasks = [Task.of(settings, corpora[name]) for name, settings in experiment.tasks.items()]
    vocabularies = {
        group: build_vocabulary(
            {task.name: corpora[task.name].texts("train") for task in tasks if task.vocabulary == group},
            {task.name: task.text for task in tasks if task.vocabulary == group},
            section,
        )
        for group, section in experiment.vocabularies.items()
    }
    cache = home_folder("cache", "encoded")
    splits = {
        task.name: encode(corpora[task.name], vocabularies[task.vocabulary], task, experiment.training.max_tokens, cache).splits["train"]
        for task in tasks
    }
    return tasks, splits, {group: vocabulary.size for group, vocabulary in vocabularies.items()}


def arrangements(splits: Mapping[str, EncodedSplit], experiment: Experiment) -> dict[str, list[Batch]]:
    """Way -> the batches of one epoch, in an order that makes any part of them a fair sample."""
    size, random = experiment.training.batch_size, np.random.default_rng(experiment.seed)
    bucketed = list(mixed_batches(splits, {task: np.arange(len(split)) for task, split in splits.items()}, size, random))
    in_order = list(file_order(splits, size))
    in_order = [in_order[place] for place in random.permutation(len(in_order))]
    longest = max(int(split.lengths.max()) for split in splits.values())
    return {"bucketed": bucketed, "file order": in_order, "whole split": [widened(batch, longest) for batch in in_order]}


def file_order(splits: Mapping[str, EncodedSplit], size: int) -> Iterator[Batch]:
    """One task after another, its rows as they lie in the split."""
    for task, split in splits.items():
        for start in range(0, len(split), size):
            yield collate({task: split}, {task: np.arange(start, min(start + size, len(split)))})


def widened(batch: Batch, width: int) -> Batch:
    """The batch padded to `width` tokens."""
    return Batch(functional.pad(batch.ids, (0, width - batch.ids.shape[1]), value=PAD), batch.lengths, batch.rows, batch.labels)


def measure(
    way: str, batches: Sequence[Batch], network: Network, kinds: Mapping[str, Kind], experiment: Experiment, seconds: float
) -> Measured:
    """Train on the batches for so many seconds, or through all of them."""
    optimizer = build_optimizer(network, experiment.training)
    tokens, places = sum(int(batch.lengths.sum()) for batch in batches), sum(batch.ids.numel() for batch in batches)
    network.train()
    rows = timed = 0
    began = time.perf_counter()
    for number, batch in enumerate(batches):
        if number == _WARM:
            rows, timed, began = 0, 0, time.perf_counter()
        logits = network(batch)
        losses = {task: kinds[task].loss(logits[task], labels) for task, labels in batch.labels.items()}
        mean_over_rows(losses, {task: len(labels) for task, labels in batch.labels.items()}).backward()
        if experiment.training.clip is not None:
            torch.nn.utils.clip_grad_norm_(network.parameters(), experiment.training.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        rows, timed = rows + len(batch.ids), timed + 1
        if number >= _WARM and time.perf_counter() - began > seconds:
            break
    rate = rows / (time.perf_counter() - began)
    say(f"{way}: {timed} batches timed")
    return Measured(way, 1 - tokens / places, rate, sum(len(batch.ids) for batch in batches) / rate, timed)


if __name__ == "__main__":
    main()
