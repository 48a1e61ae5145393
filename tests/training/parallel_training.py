"""Trainings of every sort, by one process or by one of several: `python parallel_training.py FILE`, the curves as JSON.

Nothing is dropped out, as other processes drop other numbers; `RANK` and its like say which process this is.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mtl_models.config.network import AttentionSection, Dlnc, JointLstm, JointLstmAttention
from mtl_models.config.training import Training
from mtl_models.networks.build import build_network
from mtl_models.tasks.missing import MISSING
from mtl_models.tasks.task import Task
from mtl_models.training.distributed import joined
from mtl_models.training.encoding import EncodedCorpus, EncodedSplit
from mtl_models.training.fit import fit

ROWS = {"a": 33, "b": 30, "c": 3}
"""Many a batch, or a task's part of it, is too small for every process to have a row."""

JOINT = JointLstm(name="joint_lstm", hidden=8, dropout=0.0)
ATTENTION = AttentionSection(hidden=5, hops=2, fc=7, penalty=1.0)
SEQUENTIAL = {"updates": "single_task", "sampler": {"name": "sequential"}}
AGGREGATE = {"updates": "aggregate", "sampler": {"name": "uniform"}}

TRAININGS: dict[str, tuple[Any, dict[str, Any]]] = {
    "mixed": (JOINT, {"conflicts_every": 2}),
    "uncertainty": (JOINT, {"objective": {"name": "uncertainty"}, "patience": 1}),
    "dynamic average": (JOINT, {"objective": {"name": "dynamic_average"}, "sampler": {"name": "annealed"}}),
    "in an order": (JOINT, {**SEQUENTIAL, "successive_regularisation": 0.1, "learning_state": "per_task"}),
    "aggregate": (JOINT, AGGREGATE),
    "upgrad": (JOINT, {**AGGREGATE, "objective": {"name": "upgrad"}, "conflicts_every": 1}),
    "frozen encoder": (JOINT, {"freeze": {"encoder": True}, "clip": None}),
    "thawing": (JOINT, {"freeze": {"thaw_every": 1}}),
    "attention": (
        JointLstmAttention(
            name="joint_lstm_attention", hidden=6, dropout=0.0, attention=AttentionSection(hidden=5, hops=2, fc=7, penalty=1.0)
        ),
        {},
    ),
    "dlnc": (Dlnc(name="dlnc", hidden=6, dropout=0.0, logit_dropout=0.0, recurrent_dropout=0.0), {}),
}


def split(task: str, rows: int, seed: int) -> EncodedSplit:
    """Random ids with the class among them; every fifth label is missing, and `b` has two labels."""
    random = np.random.default_rng(seed)
    lengths = random.integers(1, 12, rows).astype(np.int32)
    starts = (np.cumsum(lengths) - lengths).astype(np.int64)
    tokens = random.integers(4, 40, lengths.sum()).astype(np.int32)
    labels = random.integers(0, 2, rows).astype(np.int32)
    tokens[starts] = 2 + labels
    labels[1::5] = MISSING
    if task == "b":
        labels = np.stack([labels, np.where(labels == MISSING, MISSING, 1 - labels)], 1).astype(np.int8)
        labels[::7, 0] = MISSING
    return EncodedSplit(tokens, starts, lengths, labels)


def curve(network: Any, options: dict[str, Any], processes: int) -> list[dict[str, Any]]:
    """The records of a training."""
    torch.manual_seed(3)
    tasks = [
        Task("a", "single_label", ("no", "yes"), class_weights=(0.3, 2.0), label_smoothing=0.1),
        Task("b", "multi_label", ("no", "yes"), class_weights=(0.5, 3.0)),
        Task("c", "single_label", ("no", "yes"), vocabulary="other"),
    ]
    words = {"shared": torch.randn(40, 6), "other": torch.randn(40, 6)}
    corpora = {
        task: EncodedCorpus(task, task, {"train": split(task, rows, place), "dev": split(task, 20, place + 9)})
        for place, (task, rows) in enumerate(ROWS.items())
    }
    training = Training(**{"epochs": 2, "batch_size": 16, "learning_rate": 0.02, "device": "cpu", "processes": processes, **options})
    history = fit(build_network(network, tasks, words), tasks, corpora, training, seed=5)
    return [record.model_dump(exclude={"seconds", "examples_per_second"}) for record in history.epochs]


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)  # Adam makes a step out of a rounded zero
    count = int(os.environ.get("WORLD_SIZE", "1"))
    with joined(Training(device="cpu", processes=count)):
        curves = {name: curve(*how, count) for name, how in TRAININGS.items()}
    Path(sys.argv[1]).write_text(json.dumps(curves), encoding="utf-8")
