"""Tasks added to a trained model and taken out of it, with proof that the others answer as before."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from mtl_models.config.network import vocabularies_of
from mtl_models.errors import ConfigError, ModelFolderError
from mtl_models.networks.backbone import Backbone
from mtl_models.networks.build import build_network
from mtl_models.networks.folder import probe_logits
from mtl_models.networks.model import Model
from mtl_models.networks.network import Network
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import Vocabulary

__all__ = ["same_answers", "shared_fingerprint", "with_tasks", "without_task"]


def with_tasks(
    model: Model, tasks: Sequence[Task], vocabularies: Mapping[str, Vocabulary], start: Mapping[str, Tensor | Backbone]
) -> Model:
    """`model` with `tasks` beside its own, their parts drawn from PyTorch's global generator and all else as it was.

    A task in a vocabulary of the model reads the model's words; `vocabularies` and `start` (as `build_network` takes it) bring the others.
    Raises `ConfigError` for a task that the model has with other labels, of another kind, or reading another vocabulary.
    """
    new = [task for task in tasks if not _known(model, task)]
    named = {task.name: task for task in tasks}
    names = {task.vocabulary for task in new} - set(model.vocabularies)
    tables = model.network.starting_weights()
    everything = (*(_as_told(task, named.get(task.name, task)) for task in model.tasks), *new)
    network = build_network(model.config, everything, {**tables, **{name: start[name] for name in names}})
    _fill(network, model.network.state_dict(), [task.name for task in new])
    for task in new:
        network.start_like_others(task.name)
    return Model(network.eval(), everything, {**model.vocabularies, **{n: vocabularies[n] for n in names}}, model.config, model.max_tokens)


def _as_told(known: Task, told: Task) -> Task:
    """`told`, with what the weights of `known` were made for: the scale of its outputs, and how many layers of mentions they hold."""
    return replace(told, mean=known.mean, deviation=known.deviation, temperature=known.temperature, depth=known.depth)


def without_task(model: Model, task: str) -> Model:
    """`model` without one of its tasks and the words that only this task read. `ConfigError` for its only task, or one it has not."""
    gone = model.task(task)
    kept = tuple(other for other in model.tasks if other is not gone)
    if not kept:
        raise ConfigError(f"'{task}' is the only task of the model; a model without tasks answers nothing")
    tables = model.network.starting_weights()
    with torch.random.fork_rng(devices=[]):
        network = build_network(model.config, kept, tables)
    _fill(network, model.network.state_dict(), [])
    groups = vocabularies_of(model.config, kept)
    vocabularies = {name: words for name, words in model.vocabularies.items() if name in groups}
    return Model(network.eval(), kept, vocabularies, model.config, model.max_tokens)


def shared_fingerprint(network: Network, apart: Collection[str]) -> str:
    """sha256 of every weight but those in the heads of the tasks `apart` and in the words that only they read."""
    own = network.owned_by(apart)
    digest = hashlib.sha256()
    for name, weight in sorted(network.state_dict().items()):
        if not name.startswith(own):
            digest.update(f"{name} {weight.dtype} {tuple(weight.shape)}".encode())
            digest.update(weight.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def _known(model: Model, task: Task) -> bool:
    """Whether the model has the task already, and as the same thing."""
    mine = next((own for own in model.tasks if own.name == task.name), None)
    if mine is None:
        return False
    for what in ("kind", "labels", "vocabulary", "text"):
        if getattr(mine, what) != getattr(task, what):
            raise ConfigError(
                f"tasks.{task.name}: the model has this task with {what} {getattr(mine, what)}, not {getattr(task, what)}; "
                "give the new task another name, or the same settings"
            )
    return True


def _fill(network: Network, state: Mapping[str, Tensor], new: Collection[str]) -> None:
    """Give the network the weights of `state`; only what the `new` tasks own may stay as it is."""
    fresh, own = network.owned_by(new), network.state_dict()
    kept = {name: state.get(name) for name in own if not name.startswith(fresh)}
    for name, weight in kept.items():
        if weight is None or weight.shape != own[name].shape:
            raise ModelFolderError(f"the model's {name} does not fit; it was written by another version: train it again")
    network.load_state_dict(kept, strict=False)


def same_answers(model: Model, other: Model, tasks: Sequence[str]) -> None:
    """`ModelFolderError` unless both give the same logits, to the bit, for each of `tasks` on a fixed batch of made-up texts."""
    mine, theirs = probe_logits(model, tasks), probe_logits(other, tasks)
    changed = [task for task in tasks if not mine[task].equal(theirs[task])]
    if changed:
        raise ModelFolderError(f"the answers for {', '.join(changed)} would change; nothing was written")
