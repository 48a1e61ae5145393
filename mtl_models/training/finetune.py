"""New tasks on a trained model, and the proof of what it did to the old ones."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence

import torch
from pydantic import BaseModel

from mtl_models.config.finetuning import Finetuning
from mtl_models.config.hierarchical import Hierarchical
from mtl_models.config.training import Training
from mtl_models.corpora.corpus import Corpus
from mtl_models.errors import ConfigError
from mtl_models.home import home_folder
from mtl_models.networks.backbone import Pretrained, starting_weights
from mtl_models.networks.model import Model
from mtl_models.networks.surgery import shared_fingerprint, with_tasks
from mtl_models.progress import say
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import Vocabulary
from mtl_models.training.calibration import calibrated
from mtl_models.training.encoding import encode_for
from mtl_models.training.freezing import FinetuneFreezing
from mtl_models.training.history import History
from mtl_models.training.processes import fit_model

__all__ = ["OldTask", "Preservation", "finetune"]

_REPLAYED = 200
"""Texts of each new task whose old answers are stored before training and asked for again afterwards."""


class OldTask(BaseModel):
    """One of the tasks that the model had, on the same texts before and after."""

    rows: int
    identical: bool
    """Every logit the same to the bit."""
    largest_difference: float
    """Between two logits."""
    changed_answers: int


class Preservation(BaseModel):
    """What training new tasks did to a model: hashes of every weight that the new tasks do not own, and a replay of stored logits."""

    base: str
    """Fingerprint of the model it began with."""
    freeze: str
    new_tasks: list[str]
    weights_before: str
    weights_after: str
    trained_parameters: int
    old_tasks: dict[str, OldTask]

    @property
    def changed(self) -> list[str]:
        """Old tasks that may answer otherwise: all, where weights have moved that they read."""
        return [] if self.weights_before == self.weights_after else list(self.old_tasks)

    @property
    def proven(self) -> bool:
        """Whether every old task answers as before, to the bit."""
        return not self.changed and all(task.identical for task in self.old_tasks.values())

    def lines(self) -> list[str]:
        """In plain words."""
        same = "are the same to the bit" if self.weights_before == self.weights_after else "have changed"
        lines = [f"weights that the new tasks do not own {same} (sha256 {self.weights_before[:12]}, now {self.weights_after[:12]})"]
        for name, task in self.old_tasks.items():
            if task.identical:
                lines.append(f"task '{name}': all logits of {task.rows} texts are the same to the bit")
            else:
                lines.append(
                    f"task '{name}': logits of {task.rows} texts differ by up to {task.largest_difference:.3g}; "
                    f"{task.changed_answers} answers changed"
                )
        return lines


def finetune(
    base: Model,
    tasks: Sequence[Task],
    corpora: Mapping[str, Corpus],
    vocabularies: Mapping[str, Vocabulary],
    matrices: Mapping[str, Pretrained],
    section: Finetuning,
    training: Training,
    seed: int,
) -> tuple[Model, History, Preservation]:
    """Train `tasks` on top of `base`: those it does not have are added, those it has are trained further; `base` itself stays as it is.

    `vocabularies` and `matrices` are for groups of words that the model does not have. Texts are cut where the model cuts them.
    An interrupted training of the same inputs goes on from its last epoch.
    """
    if training.max_tokens != base.max_tokens:
        say(f"texts are cut after {base.max_tokens} tokens, as the model does; training.max_tokens {training.max_tokens} is not used")
    if isinstance(base.config, Hierarchical):
        raise ConfigError(
            "network: a hierarchical model has levels for the tasks it was trained with, and none for others; "
            "put all tasks on levels of one experiment, and train that with `polytask run`"
        )
    if training.phases or training.freeze.anything:
        raise ConfigError(
            "training.phases and training.freeze are for models trained from their start; here finetune.freeze says what moves"
        )
    torch.manual_seed(seed)
    model = with_tasks(base, tasks, vocabularies, starting_weights(matrices))
    tasks = [model.task(task.name) for task in tasks]
    new = [task.name for task in model.tasks[len(base.tasks) :]]
    if section.freeze == "all_but_new" and not new:
        raise ConfigError(
            f"finetune.freeze: all_but_new, but the model has every task already ({', '.join(task.name for task in tasks)}), "
            "so nothing would move; name a new task, or take `freeze: encoder`, `gradual` or `none`"
        )
    encoded = {task.name: encode_for(model.config, corpora[task.name], model.vocabularies, task, base.max_tokens, seed) for task in tasks}
    texts = [text for task in tasks for text in corpora[task.name].splits["train"][:_REPLAYED]["text"]]
    stored, before = base.logits(texts), shared_fingerprint(model.network, new)
    digest = hashlib.sha256(f"{base.fingerprint()}{section}{training}{seed}".encode())
    for corpus in encoded.values():
        digest.update(corpus.fingerprint.encode())
    checkpoints = home_folder("checkpoints") / digest.hexdigest()[:32]
    freezing = FinetuneFreezing(section, new, model.network)
    history = fit_model(model, tasks, encoded, training, seed, checkpoints, "finetune", freezing)
    shutil.rmtree(checkpoints, ignore_errors=True)
    if training.calibration == "temperature":
        model, calibration = calibrated(model, encoded, "finetune")
        history = history.model_copy(update={"calibration": calibration})
    replayed = model.logits(texts, [*stored])
    preservation = Preservation(
        base=base.fingerprint(),
        freeze=section.freeze,
        new_tasks=new,
        weights_before=before,
        weights_after=shared_fingerprint(model.network, new),
        trained_parameters=history.parameters,
        old_tasks={name: _compared(logits, replayed[name]) for name, logits in stored.items()},
    )
    return model, history, preservation


def _compared(before: torch.Tensor, after: torch.Tensor) -> OldTask:
    return OldTask(
        rows=len(before),
        identical=bool(before.contiguous().view(torch.uint8).equal(after.contiguous().view(torch.uint8))),
        largest_difference=float((before - after).abs().max()),
        changed_answers=int((before.argmax(-1) != after.argmax(-1)).sum()) if before.ndim > 1 else 0,
    )
