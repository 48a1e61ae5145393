"""What people import: a trained model to ask, and an experiment to train, without pipelines.

from mtl_models import load_model, train_experiment
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from mtl_models.config import Experiment, load_experiment, parse_experiment
from mtl_models.corpora.corpus import Corpus, Split
from mtl_models.errors import ConfigError
from mtl_models.evaluation.metrics import TaskMeasures, measure
from mtl_models.evaluation.predictions import predict_split
from mtl_models.files import writing_file
from mtl_models.home import home_folder
from mtl_models.inference import predictor
from mtl_models.inference.predictor import Prediction, Predictor
from mtl_models.training.history import History
from mtl_models.training.prepared import prepare_experiment
from mtl_models.training.train import train

__all__ = ["Experiment", "Prediction", "Predictor", "TrainedExperiment", "load_experiment", "load_model", "train_experiment"]

Rows = Mapping[str, Iterable[tuple[str, Any]]]
"""Task -> its texts, each with its label: the class, of several labels a list of them, of a rating the number."""


@dataclass(frozen=True)
class TrainedExperiment:
    """What came of an experiment: the joint model, the account of its training, and how good it is."""

    experiment: Experiment
    model: Predictor
    history: History
    corpora: Mapping[str, Corpus]
    """Task -> its rows, in three splits."""

    @cached_property
    def dev(self) -> dict[str, TaskMeasures]:
        """Task -> measures on its dev split, which training has looked at; a task without dev rows is missing."""
        return self._measured("dev")

    @cached_property
    def test(self) -> dict[str, TaskMeasures]:
        """Task -> measures on its test split, computed when first asked for. Ask once, when all choices are made."""
        return self._measured("test")

    def _measured(self, split: Split) -> dict[str, TaskMeasures]:
        there = {name: corpus for name, corpus in self.corpora.items() if len(corpus.splits[split])}
        return {name: measure(predict_split(self.model.model, corpus, split)) for name, corpus in there.items()}


def load_model(model: str | Path, device: str | torch.device = "cpu") -> Predictor:
    """A predictor for a model folder, or for a registered model, `models:/NAME@ALIAS` or `models:/NAME/VERSION`.

    Registered models are looked for where `polytask` does: in MLFLOW_TRACKING_URI, else in the home folder (`runs/`, or POLYTASK_HOME).
    Raises `ModelFolderError` where there is no sound model folder, `TrackingError` where the registry has no such model.
    """
    if isinstance(model, str) and model.startswith("models:"):
        from mtl_models.inference.registered import registered_folder

        model = registered_folder(model)
    return predictor.load_model(model, device)


def train_experiment(experiment: Experiment | Mapping[str, Any] | str | Path, rows: Rows | None = None) -> TrainedExperiment:
    """Train the joint model of an experiment in this process; no twins, no gate, nothing registered.

    `experiment` is one, or a mapping with the keys of an experiment file, or the path of such a file. With a mapping, `rows` may give the
    texts and labels of its tasks from memory; tasks that are only there need not be named in the mapping. What is read, encoded and
    trained is kept in the home folder, so an interrupted training goes on from its last epoch. Equal inputs give equal weights.

    Raises `PolytaskError` with all that is wrong with the experiment or its rows.
    """
    if isinstance(experiment, Mapping):
        experiment = parse_experiment(experiment if rows is None else _with_rows(experiment, rows))
    elif rows is not None:
        raise ConfigError("rows go with an experiment that is a mapping, such as {'name': 'mine'}; a file names its own sources")
    elif not isinstance(experiment, Experiment):
        experiment = load_experiment(Path(experiment))
    prepared = prepare_experiment(experiment)
    model, history = train(
        prepared.tasks, prepared.corpora, prepared.vocabularies, prepared.matrices, experiment.network, experiment.training, experiment.seed
    )
    return TrainedExperiment(experiment, Predictor(model), history, prepared.corpora)


def _with_rows(experiment: Mapping[str, Any], rows: Rows) -> dict[str, Any]:
    """The experiment with a file of JSON lines as the source of each task in `rows`."""
    tasks = dict(experiment.get("tasks", {}))
    for name, pairs in rows.items():
        task = tasks.get(name, {})
        if not isinstance(task, Mapping) or not isinstance(task.get("corpus", {}), Mapping) or "source" in task.get("corpus", {}):
            raise ConfigError(f"tasks.{name}: has a source, and rows from memory too; give one of them")
        tasks[name] = {**task, "corpus": {**task.get("corpus", {}), "source": {"path": str(_written(pairs))}}}
    return {**experiment, "tasks": tasks}


def _written(pairs: Iterable[tuple[str, Any]]) -> Path:
    """The rows as a file, kept by its content."""
    lines = [json.dumps({"text": text, "label": label}, ensure_ascii=False, default=str) for text, label in pairs]
    content = "".join(f"{line}\n" for line in lines).encode("utf-8", errors="surrogatepass")
    path = home_folder("cache", "rows") / f"{hashlib.sha256(content).hexdigest()}.jsonl"
    if not path.exists():
        with writing_file(path) as draft:
            draft.write_bytes(content)
    return path
