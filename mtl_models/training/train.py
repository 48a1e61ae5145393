"""From corpora to a trained model: encode, build, fit. The joint model and every twin come from this one function."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from mtl_models.config.network import Network as NetworkSection
from mtl_models.config.network import vocabularies_of
from mtl_models.config.training import Training
from mtl_models.corpora.corpus import Corpus
from mtl_models.home import home_folder
from mtl_models.networks.backbone import Pretrained, starting_weights
from mtl_models.networks.build import build_network
from mtl_models.networks.model import Model
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import Vocabulary
from mtl_models.training.calibration import calibrated
from mtl_models.training.distributed import first_here
from mtl_models.training.encoding import EncodedCorpus, encode_for
from mtl_models.training.freezing import moving_sizes
from mtl_models.training.history import History
from mtl_models.training.processes import fit_model

__all__ = ["train"]


def train(
    tasks: Sequence[Task],
    corpora: Mapping[str, Corpus],
    vocabularies: Mapping[str, Vocabulary],
    matrices: Mapping[str, Pretrained],
    network: NetworkSection,
    training: Training,
    seed: int,
) -> tuple[Model, History]:
    """Train one model for `tasks`; `corpora` by task, `vocabularies` and `matrices` by vocabulary group, others among them left alone.

    An interrupted training of the same inputs goes on from its last epoch; equal inputs on one machine give equal weights.
    """
    groups = vocabularies_of(network, tasks)
    vocabularies, matrices = {group: vocabularies[group] for group in groups}, {group: matrices[group] for group in groups}
    with first_here():
        encoded = {task.name: encode_for(network, corpora[task.name], vocabularies, task, training.max_tokens, seed) for task in tasks}
    torch.manual_seed(seed)
    untrained = build_network(network, tasks, starting_weights(matrices))
    moving_sizes(untrained, training, [task.name for task in tasks])  # refuses before hours of training what one of its twins would refuse
    model = Model(untrained, tuple(tasks), vocabularies, network, training.max_tokens)
    checkpoints = _checkpoints(encoded, matrices, network, training, seed)
    label = "joint" if len(tasks) > 1 else tasks[0].name
    histories = []
    for number, (named, settings) in enumerate(training.in_phases(), start=1):
        chosen = [task for task in tasks if named is None or task.name in named]
        if chosen:
            told = f"{label} phase {number}" if training.phases else label
            histories.append(fit_model(model, chosen, encoded, settings, seed, checkpoints / f"phase-{number}", told))
    history = History.of_phases(histories)
    shutil.rmtree(checkpoints, ignore_errors=True)
    if training.calibration == "none":
        return model, history
    model, calibration = calibrated(model, encoded, label)
    return model, history.model_copy(update={"calibration": calibration})


def _checkpoints(
    encoded: Mapping[str, EncodedCorpus], matrices: Mapping[str, Pretrained], network: NetworkSection, training: Training, seed: int
) -> Path:
    """A folder for this training alone; the checkpoints in it know by themselves whether they belong to it."""
    digest = hashlib.sha256(f"{seed}{network.model_dump_json()}{training.model_dump_json()}".encode())
    for name, corpus in encoded.items():
        digest.update(f"{name}{corpus.fingerprint}".encode())
    for name, matrix in matrices.items():
        digest.update(f"{name}{matrix.fingerprint}".encode())
    return home_folder("checkpoints") / digest.hexdigest()[:32]
