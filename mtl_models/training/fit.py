"""Train a network on its tasks: the one entry point, for the joint model and for every twin."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean

from mtl_models import __version__
from mtl_models.config.training import Training
from mtl_models.home import home_folder
from mtl_models.networks.network import Network
from mtl_models.progress import say
from mtl_models.tasks.kind import kind_of
from mtl_models.tasks.scores.scores import shown_metric
from mtl_models.tasks.task import Task
from mtl_models.training.checkpoints import Checkpoint, Checkpoints, Tensors, copied_state, restore_optimizers
from mtl_models.training.dev import measure_dev
from mtl_models.training.devices import accelerator_for, chosen_device, chosen_precision, repeatable
from mtl_models.training.distributed import Workers, first_here
from mtl_models.training.encoding import EncodedCorpus, EncodedSplit
from mtl_models.training.features import ReadsOnce, with_features
from mtl_models.training.freezing import Freezing, TrainingFreezing, moved
from mtl_models.training.history import EpochRecord, History
from mtl_models.training.learner import Learner
from mtl_models.training.loop import Loop, TrainedEpoch
from mtl_models.training.objectives.build import build_objective
from mtl_models.training.optimizers import build_optimizers, distinct
from mtl_models.training.plan import refuse_empty
from mtl_models.training.stopping import best_epoch, stopped_tasks

__all__ = ["fit"]


def _nothing(record: EpochRecord) -> None:
    """The report of someone who wants none."""


def fit(
    network: Network,
    tasks: Sequence[Task],
    encoded: Mapping[str, EncodedCorpus],
    training: Training,
    seed: int,
    checkpoints: Path | None = None,
    report: Callable[[EpochRecord], None] = _nothing,
    label: str = "training",
    freezing: Freezing | None = None,
) -> History:
    """Train `network` (on the CPU, with its first weights) on `tasks`; it ends with its best weights, on the CPU, in evaluation mode.

    `encoded` task name -> its corpus. With a folder for `checkpoints` the state is kept there after every epoch, and the same call
    after an interruption goes on from the last whole epoch to the same weights, to the bit; a folder is for one training at a time.
    `report` gets the record of every epoch trained by this call; `label` begins its lines; `freezing` says what may move, by default
    what `training.freeze` does not hold. Texts of an encoder that never moves are read once. One machine and number of threads: one result.
    In a process that is one of several (`distributed.joined`) all of them call this with the same arguments and get the same weights; the
    first one alone evaluates and keeps checkpoints.

    Raises `CorpusError` for a task without training rows, `ConfigError` for a GPU that is not there, `PolytaskError` if the loss is
    no longer finite or a checkpoint cannot be written.
    """
    refuse_empty({task.name: len(encoded[task.name].splits["train"]) for task in tasks})
    if freezing is None and training.freeze.anything:
        freezing = TrainingFreezing(training.freeze, network)
    first = {} if freezing is None else copied_state(network)
    device, precision = chosen_device(training), chosen_precision(training)
    store = None if checkpoints is None else Checkpoints(checkpoints, _fingerprint(network, tasks, encoded, training, seed, freezing))
    with repeatable(device), accelerator_for(training) as accelerator:
        workers = Workers.of(accelerator)
        network.to(accelerator.device)
        kinds = {task.name: kind_of(task) for task in tasks}
        dev = {task.name: encoded[task.name].splits["dev"] for task in tasks}
        train = {task.name: encoded[task.name].splits["train"] for task in tasks}
        objective = build_objective(training.objective, list(kinds)).to(accelerator.device)
        if freezing is not None:
            freezing.apply(network, training.epochs)  # in the last epoch everything moves that ever does: the optimizers know it all
        if isinstance(network, ReadsOnce) and network.features_fixed:
            with first_here():
                train, dev = (with_features(network, splits, home_folder("cache", "features")) for splits in (train, dev))
        moving = sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
        optimizers = build_optimizers(network, training, list(kinds), objective.parameters())
        learner = Learner(network, kinds, training, objective, optimizers, accelerator, freezing, workers)
        records, best = _resumed(store, learner, label)
        done = len(records)

        def stopped() -> dict[str, int]:
            return stopped_tasks(records, training.patience, training.metric)

        began = time.perf_counter()
        for state in Loop(learner, train, seed, label).states(records, stopped):
            records.append(workers.recorded(EpochRecord, partial(_measured, state, learner, dev, began)))
            if best_epoch(records, training.metric, training.pick_by) == state.epoch:
                best = copied_state(network)
            if store is not None and workers.first:
                store.save(records, network, objective, distinct(optimizers.values()), best)
            say(_line(label, records[-1], training, tasks))
            report(records[-1])
            began = time.perf_counter()
        network.load_state_dict(best)
        workers.same(network)
        network.to("cpu").eval()
        if freezing is not None:
            freezing.lift(network)
            say(f"{label}: {moved(first, network)}")
    return History(
        epochs=records,
        best_epoch=best_epoch(records, training.metric, training.pick_by),
        stopped=stopped(),
        seconds=sum(record.seconds for record in records),
        resumed_from=done or None,
        device=device,
        precision=precision,
        parameters=moving,
    )


def _resumed(store: Checkpoints | None, learner: Learner, label: str) -> tuple[list[EpochRecord], Tensors]:
    """Put network, objective and optimizers where the checkpoint left them; the records and best weights so far."""
    saved = _saved(store, learner.workers)
    if saved is None:
        return [], {}
    learner.network.load_state_dict(saved.network)
    learner.objective.load_state_dict(saved.objective)
    restore_optimizers(distinct(learner.optimizers.values()), saved.optimizer)
    say(f"{label}: goes on after epoch {len(saved.records)}, from a checkpoint")
    return saved.records, saved.best


def _saved(store: Checkpoints | None, workers: Workers) -> Checkpoint | None:
    """What the first process finds, the only one that may have a place for checkpoints."""
    if workers.count == 1:
        return None if store is None else store.load()
    data = workers.said(lambda: b"" if store is None or (found := store.load()) is None else found.packed())
    return Checkpoint.unpacked(data) if data else None


def _fingerprint(
    network: Network, tasks: Sequence[Task], encoded: Mapping[str, EncodedCorpus], training: Training, seed: int, freezing: Freezing | None
) -> str:
    """sha256 over all that the final weights depend on: version, settings, seed, tasks, corpora, architecture, first weights."""
    digest = hashlib.sha256(json.dumps([__version__, training.model_dump(mode="json"), seed], sort_keys=True).encode())
    for task in tasks:
        digest.update(repr((task, encoded[task.name].fingerprint)).encode())
    digest.update(repr((network, freezing)).encode())
    for name, tensor in copied_state(network).items():
        digest.update(repr((name, tensor.dtype, tuple(tensor.shape))).encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def _measured(state: TrainedEpoch, learner: Learner, dev: Mapping[str, EncodedSplit], began: float) -> EpochRecord:
    measures = measure_dev(learner.network, learner.kinds, dev, learner.accelerator.device)
    return _record(state, measures, time.perf_counter() - began)


def _record(state: TrainedEpoch, dev: dict[str, dict[str, float]], seconds: float) -> EpochRecord:
    return EpochRecord(
        epoch=state.epoch,
        updates=state.updates,
        seconds=seconds,
        learning_rate=state.learning_rate,
        train_loss=state.losses,
        dev=dev,
        examples=state.examples,
        examples_per_second={task: count / state.seconds for task, count in state.examples.items()},
        padded=state.padded,
        weights=state.weights,
        conflicts=state.conflicts,
    )


def _line(label: str, record: EpochRecord, training: Training, tasks: Sequence[Task]) -> str:
    """One plain line: epoch, seconds, mean training loss, dev metric of every task, named where another stands for it."""
    rows = sum(record.examples.values())
    loss = sum(record.train_loss[task] * count for task, count in record.examples.items()) / rows
    scores = {task: measures[training.metric] for task, measures in record.dev.items()}
    shown = {task.name: shown_metric(task.kind, training.metric) for task in tasks}
    named = {name: name if shown[name] == training.metric else f"{name} {shown[name]}" for name in scores}
    listed = ", ".join(f"{named[task]} {score:.3f}" for task, score in scores.items())
    dev = f"; dev {training.metric} {fmean(scores.values()):.3f} ({listed})" if scores else ""
    return f"{label}: epoch {record.epoch}/{training.epochs} in {record.seconds:.1f} s, loss {loss:.3f}{dev}"
