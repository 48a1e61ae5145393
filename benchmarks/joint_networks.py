"""One epoch of each network of Joint Learn at the original sizes: this project's batches against the original's.

    python benchmarks/joint_networks.py FOLDER [--networks NAME ...] [--batches K] [--batch-tokens N] [--threads N]
                                       [--json FILE]

FOLDER holds NAME.train.csv.gz (columns text and label) for every task; each task has a vocabulary of its own. The mathematics is the
same in both ways, every text is read whole, and every epoch is trained in a process of its own:

  polytask     as this project trains: tasks mixed, rows of similar length, padded to the longest of the batch; numbers too small to
               matter taken for zero, as a CPU multiplies them many times slower
  as original  as the package Joint Learn trains: one task after another in the order of its file, every batch padded to the longest text
               of the split, the transformer over all of it, the LSTM over packed sequences

CPU seconds are those of all threads for one epoch of updates; the peak is that of the process's resident memory, of which the imports take
a good 300 MB. With `--batches K` only K batches of each task are trained as the original does, evenly spread, and the seconds are scaled
to all of them.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
from pydantic import TypeAdapter
from torch import Tensor, nn
from torch.nn import functional

from mtl_models.config.network import Network as NetworkSection
from mtl_models.config.network import TransformerSection
from mtl_models.config.text import TextOptions, Vocabulary
from mtl_models.config.training import Training
from mtl_models.layers.masks import text_mask
from mtl_models.networks.joint import Joint
from mtl_models.networks.network import PAD, Batch
from mtl_models.tasks.kind import kind_of
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import build_vocabulary
from mtl_models.training.batches import collate
from mtl_models.training.devices import repeatable
from mtl_models.training.encoding import EncodedSplit
from mtl_models.training.epoch_batches import mixed_batches
from mtl_models.training.optimizers import build_optimizer

BATCH, DIMENSION = 128, 300
RECURRENT = {"hidden": 128, "layers": 4, "bidirectional": False, "dropout": 0.5, "trainable_embeddings": False}
ATTENTION = {"attention": {"hops": 20, "hidden": 150, "penalty": 0.6, "fc": 512}}
TRANSFORMER = {"transformer": {"layers": 2, "heads": 4, "feedforward": 128}}
NETWORKS: dict[str, dict[str, object]] = {
    "joint_lstm": {**RECURRENT, "pooling": ["last"]},
    "joint_lstm_attention": {**RECURRENT, **ATTENTION},
    "joint_transformer_lstm": {**RECURRENT, **TRANSFORMER, "pooling": ["last"]},
    "joint_transformer_lstm_attention": {**RECURRENT, **TRANSFORMER, **ATTENTION},
}
OURS, THEIRS = "polytask", "as original"


def main() -> None:
    """Measure every network both ways and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--batches", type=int, help="batches of each task to measure as the original does; default: all")
    parser.add_argument("--batch-tokens", type=int, help="as `training.batch_tokens`: cut polytask's batches that have more; default: none")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", type=Path, help="write the numbers there as well")
    parser.add_argument("--child", nargs=2, metavar=("NETWORK", "WAY"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.child:
        print(json.dumps(epoch(options.folder, *options.child, options.batches, options.batch_tokens)))
        return
    print(f"batches of {BATCH}; {options.threads} threads, torch {torch.__version__}\n")
    print("| network | batches | padded | CPU seconds | ratio | peak MB | ratio |\n| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    measured = []
    for name in options.networks:
        theirs, ours = (in_a_process_of_its_own(name, way, options) for way in (THEIRS, OURS))
        measured += [theirs, ours]
        for one in (theirs, ours):
            part = "" if one["measured"] == one["batches"] else f" ({one['measured']} of {one['batches']}, scaled)"
            ratios = [f"{one[key] / theirs[key]:.3f}" for key in ("seconds", "peak")]
            cells = [name, one["way"] + part, f"{one['padded']:.1%}", f"{one['seconds']:.1f}", ratios[0], f"{one['peak']:.0f}", ratios[1]]
            print(f"| {' | '.join(cells)} |", flush=True)
    if options.json:
        options.json.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")


def in_a_process_of_its_own(name: str, way: str, options: argparse.Namespace) -> dict[str, float]:
    """What `epoch` says, asked of a fresh process."""
    command = [sys.executable, __file__, str(options.folder), "--threads", str(options.threads), "--child", name, way]
    if options.batches:
        command += ["--batches", str(options.batches)]
    if options.batch_tokens:
        command += ["--batch-tokens", str(options.batch_tokens)]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def epoch(folder: Path, name: str, way: str, some: int | None, tokens: int | None) -> dict[str, float | str]:
    """Train one epoch and measure it."""
    tasks, splits, words = prepared(folder)
    torch.manual_seed(0)
    section = TypeAdapter(NetworkSection).validate_python({"name": name, **NETWORKS[name]})
    kind = Joint if way == OURS else Original
    network = kind(section, tasks, {group: torch.randn(size, DIMENSION) for group, size in words.items()})
    if way == OURS:
        rows = {task: np.arange(len(split)) for task, split in splits.items()}
        batches: Sequence[Batch] = list(mixed_batches(splits, rows, BATCH, np.random.default_rng(0), tokens=tokens))
        chosen = list(batches)
    else:
        by_task = [list(as_original(task, split)) for task, split in splits.items()]
        batches = [batch for of_task in by_task for batch in of_task]
        chosen = [of_task[place] for of_task in by_task for place in spread(len(of_task), some)]
    with repeatable("cpu") if way == OURS else nullcontext():
        seconds = trained(network, {task.name: task for task in tasks}, chosen)
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    tokens, places = sum(int(batch.lengths.sum()) for batch in batches), sum(batch.ids.numel() for batch in batches)
    return {
        "network": name,
        "way": way,
        "batches": len(batches),
        "measured": len(chosen),
        "padded": 1 - tokens / places,
        "seconds": seconds * len(batches) / len(chosen),
        "peak": int(peak.split()[1]) / 1024,
    }


def spread(count: int, some: int | None) -> list[int]:
    """At most `some` of `count` places, evenly apart."""
    return [round(place) for place in np.linspace(0, count - 1, min(some or count, count))]


def trained(network: Joint, tasks: Mapping[str, Task], batches: Sequence[Batch]) -> float:
    """CPU seconds of one update per batch."""
    optimizer = build_optimizer(network, Training(optimizer="adam", weight_decay=0.0))
    network.train()
    began = 0.0
    for batch in (batches[0].part(torch.tensor([0])), *batches):  # the first, of one text, is not timed: libraries set themselves up
        output = network(batch)
        losses = [kind_of(tasks[task]).loss(output.logits[task], labels) for task, labels in batch.labels.items()]
        total = torch.stack(losses).sum()
        (total if output.penalty is None else total + output.penalty).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        began = began or time.process_time()
    return time.process_time() - began


class Original(Joint):
    """The same network as the original runs it, of PyTorch's own modules: all texts of a batch together, the LSTM packed."""

    def __init__(self, section: NetworkSection, tasks: Sequence[Task], matrices: Mapping[str, Tensor]) -> None:
        super().__init__(section, tasks, matrices)
        self.lstm = PackedLstm(DIMENSION, RECURRENT)
        self.feature_dropout = nn.Dropout(section.dropout)
        if self.transformer is not None:
            self.embedding_dropout.dropout = nn.Dropout(section.dropout)
            self.transformer = PyTorchTransformer(DIMENSION, section.transformer, section.dropout)

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """Whatever their lengths."""
        return self.encode_together(batch)


class PyTorchTransformer(nn.Module):
    """The same transformer as PyTorch has it."""

    def __init__(self, inputs: int, shape: TransformerSection, dropout: float) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(inputs, shape.heads, shape.feedforward, dropout, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, shape.layers, enable_nested_tensor=False)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Inputs (B, n, E) -> states (B, n, E)."""
        return self.encoder(x, src_key_padding_mask=~text_mask(lengths, x.shape[1]))


class PackedLstm(nn.Module):
    """The same LSTM over packed sequences, as the original runs it."""

    def __init__(self, inputs: int, sizes: Mapping[str, object]) -> None:
        super().__init__()
        self.lstm = nn.LSTM(inputs, sizes["hidden"], sizes["layers"], batch_first=True, dropout=sizes["dropout"])

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Inputs (B, n, E) -> states (B, longest of the batch, H)."""
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return nn.utils.rnn.pad_packed_sequence(self.lstm(packed)[0], batch_first=True)[0]


def as_original(task: str, split: EncodedSplit) -> Iterator[Batch]:
    """The rows of one task as they lie in the file, padded to the longest of them all."""
    longest = int(split.lengths.max())
    for start in range(0, len(split), BATCH):
        batch = collate({task: split}, {task: np.arange(start, min(start + BATCH, len(split)))})
        ids = functional.pad(batch.ids, (0, longest - batch.ids.shape[1]), value=PAD)
        yield Batch(ids, batch.lengths, batch.rows, batch.labels)


def prepared(folder: Path) -> tuple[list[Task], dict[str, EncodedSplit], dict[str, int]]:
    """The tasks of the folder, their train rows as ids, and the size of every vocabulary."""
    tasks, splits, words = [], {}, {}
    for path in sorted(folder.glob("*.train.csv.gz")):
        name = path.name.split(".")[0]
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        texts, labels = [row["text"] for row in rows], sorted({row["label"] for row in rows})
        vocabulary = build_vocabulary({name: texts}, {name: TextOptions()}, Vocabulary(min_count=1))
        tasks.append(Task(name, "single_label", tuple(labels), vocabulary=name))
        splits[name] = in_memory(vocabulary.encode(texts, TextOptions()), [labels.index(row["label"]) for row in rows])
        words[name] = vocabulary.size
    if not tasks:
        raise SystemExit(f"{folder}: no *.train.csv.gz there")
    return tasks, splits, words


def in_memory(ids: list[list[int]], labels: list[int]) -> EncodedSplit:
    """Ids and labels as the trainer reads them from disk."""
    lengths = np.array([len(text) for text in ids], dtype=np.int32)
    starts = np.concatenate([[0], np.cumsum(lengths[:-1], dtype=np.int64)])
    return EncodedSplit(np.concatenate([np.array(text, dtype=np.int32) for text in ids]), starts, lengths, np.array(labels, dtype=np.int32))


if __name__ == "__main__":
    main()
