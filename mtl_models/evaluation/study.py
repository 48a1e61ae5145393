"""Studies: the same tasks under several variants and seeds, and what the results say together.

A cell is one trained candidate of one variant with one seed; of the twins, the twin of one task. It is kept as soon as it is trained, under
a name that covers all it depends on, so that a study that was stopped goes on where it was, and two processes may share the work.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import BaseModel

from mtl_models import __version__
from mtl_models.config.experiment import Experiment
from mtl_models.corpora.corpus import Split
from mtl_models.evaluation.comparison import JOINT, POOLED, SINGLE, TWIN
from mtl_models.evaluation.prediction_set import PredictionSet
from mtl_models.evaluation.predictions import Predictions, predict_split
from mtl_models.evaluation.references import train_pooled_reference, train_single_reference
from mtl_models.files import writing_folder
from mtl_models.training.history import History
from mtl_models.training.prepared import Prepared
from mtl_models.training.train import train

__all__ = ["Cell", "CellRecord", "run_cell"]

_SPLITS: tuple[Split, ...] = ("dev", "test")


class CellRecord(BaseModel):
    """What training a cell took; of several, the sums."""

    cpu_seconds: float
    parameters: int
    epochs: list[int]
    """Epoch that was kept, one number per training."""
    histories: dict[str, History] = {}
    """Task -> the account of the training it was in; empty in cells that an earlier version kept."""


@dataclass(frozen=True)
class Cell:
    """One candidate (`joint`, `twin`, a reference) of an experiment; `seed` is of weights and batches, `prepared` what it reads.

    With `task`, the twin of that task alone.
    """

    candidate: str
    seed: int
    experiment: Experiment
    prepared: Prepared
    task: str | None = None

    @property
    def key(self) -> str:
        """Equal for cells that must come out equal."""
        named = [self.candidate] if self.task is None else [self.candidate, self.task]
        depends: list[object] = [__version__, *named, {name: corpus.fingerprint for name, corpus in self.prepared.corpora.items()}]
        if self.candidate in (JOINT, TWIN):
            depends += [self.seed, self.experiment.network.model_dump(mode="json"), self.experiment.training.model_dump(mode="json")]
            depends += [repr(self.prepared.tasks), {name: matrix.fingerprint for name, matrix in self.prepared.matrices.items()}]
            depends += [{name: words.fingerprint for name, words in self.prepared.vocabularies.items()}]
        else:
            depends.append(self.experiment.reference.model_dump(mode="json"))
        return hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()[:32]


def run_cell(cell: Cell, folder: Path) -> tuple[PredictionSet, CellRecord]:
    """The cell's predictions, `dev` and `test` -> task -> predictions, from `folder` or trained now and kept there.

    All twins are one cell per task.
    """
    if cell.candidate == TWIN and cell.task is None:
        return _together([run_cell(replace(cell, task=task.name), folder) for task in cell.prepared.tasks])
    place = folder / cell.key
    record = place / "cell.json"
    if not record.is_file():
        predictions, found = _trained(cell)
        with writing_folder(place) as draft:
            predictions.save(draft / "predictions")
            (draft / "cell.json").write_text(found.model_dump_json(indent=2), encoding="utf-8")
    return PredictionSet.load(place / "predictions"), CellRecord.model_validate_json(record.read_text(encoding="utf-8"))


def _together(cells: Sequence[tuple[PredictionSet, CellRecord]]) -> tuple[PredictionSet, CellRecord]:
    sets, records = zip(*cells, strict=True)
    found = {split: {task: part for one in sets for task, part in one.candidates[split].items()} for split in sets[0].candidates}
    return PredictionSet(found), CellRecord(
        cpu_seconds=sum(record.cpu_seconds for record in records),
        parameters=sum(record.parameters for record in records),
        epochs=[epoch for record in records for epoch in record.epochs],
        histories={task: history for record in records for task, history in record.histories.items()},
    )


def _trained(cell: Cell) -> tuple[PredictionSet, CellRecord]:
    began = time.process_time()
    corpora = cell.prepared.corpora
    if cell.candidate in (SINGLE, POOLED):
        found: dict[str, dict[str, Predictions]] = {split: _reference(cell, split) for split in _splits(cell.prepared)}
        return PredictionSet(found), CellRecord(cpu_seconds=time.process_time() - began, parameters=0, epochs=[])
    tasks = [task for task in cell.prepared.tasks if cell.task in (None, task.name)]
    model, history = train(
        tasks,
        {task.name: corpora[task.name] for task in tasks},
        cell.prepared.vocabularies,
        cell.prepared.matrices,
        cell.experiment.network,
        cell.experiment.training,
        cell.seed,
    )
    by_split: dict[str, dict[str, Predictions]] = {
        split: {task.name: predict_split(model, corpora[task.name], split) for task in tasks} for split in _splits(cell.prepared)
    }
    return PredictionSet(by_split), CellRecord(
        cpu_seconds=time.process_time() - began,
        parameters=history.parameters,
        epochs=[history.best_epoch],
        histories={task.name: history for task in tasks},
    )


def _splits(prepared: Prepared) -> list[Split]:
    """dev and test, or the one of them that every task has."""
    return [split for split in _SPLITS if all(len(corpus.splits[split]) for corpus in prepared.corpora.values())]


def _reference(cell: Cell, split: Split) -> dict[str, Predictions]:
    corpora, config, seed = [*cell.prepared.corpora.values()], cell.experiment.reference, cell.experiment.seed
    if cell.candidate == POOLED:
        return train_pooled_reference(corpora, config, seed, split)
    return {corpus.task: train_single_reference(corpus, config, seed, split) for corpus in corpora}
