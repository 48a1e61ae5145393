"""A training in a process of its own that can be made to die: `python killed_training.py CHECKPOINTS UPDATE`.

It kills itself with SIGKILL at the start of that update (0: never), and else prints the sha256 of its final weights and where it resumed.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
from pathlib import Path

import numpy as np
import torch

from mtl_models.config.network import JointLstm as Section
from mtl_models.config.training import Training
from mtl_models.networks.joint import Joint
from mtl_models.networks.network import Batch, Output
from mtl_models.tasks.task import Task
from mtl_models.training.encoding import EncodedCorpus, EncodedSplit
from mtl_models.training.fit import fit

FATAL_UPDATE = int(sys.argv[2])


class Mortal(Joint):
    updates = 0

    def forward(self, batch: Batch) -> Output:
        self.updates += self.training
        if self.updates == FATAL_UPDATE:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(batch)


def split(rows: int, seed: int) -> EncodedSplit:
    random = np.random.default_rng(seed)
    lengths = random.integers(1, 9, rows).astype(np.int32)
    starts = (np.cumsum(lengths) - lengths).astype(np.int64)
    return EncodedSplit(
        random.integers(1, 40, lengths.sum()).astype(np.int32), starts, lengths, random.integers(0, 2, rows).astype(np.int32)
    )


torch.set_num_threads(1)
torch.manual_seed(3)
tasks = [Task(name, "single_label", ("no", "yes")) for name in ("a", "b")]
corpora = {task.name: EncodedCorpus(task.name, task.name, {"train": split(80, 1), "dev": split(20, 2)}) for task in tasks}
network = Mortal(Section(hidden=8, dropout=0.3), tasks, {"shared": torch.randn(40, 6)})
training = Training(epochs=3, batch_size=16, device="cpu", sampler={"name": "uniform"}, patience=None)
history = fit(network, tasks, corpora, training, seed=5, checkpoints=Path(sys.argv[1]))
digest = hashlib.sha256(b"".join(tensor.numpy().tobytes() for tensor in network.state_dict().values())).hexdigest()
print(digest, history.resumed_from, len(history.epochs))
