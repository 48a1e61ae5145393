"""A home folder with a fresh MLflow database, a small model, and the record of a made training."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import datasets
import numpy as np
import pytest
import torch
from mlflow import MlflowClient

from mtl_models.config import Experiment
from mtl_models.config import text as config
from mtl_models.config.judging import Evaluation
from mtl_models.config.network import JointLstm
from mtl_models.config.text import TextOptions
from mtl_models.corpora.corpus import FEATURES, Corpus, CorpusReport
from mtl_models.evaluation.comparison import compare
from mtl_models.evaluation.predictions import Predictions
from mtl_models.networks.build import build_network
from mtl_models.networks.model import Model
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import build_vocabulary
from mtl_models.training.history import History
from steps.lineage import PipelineRun
from steps.tracking.client import connect
from steps.tracking.runs import TrainingRecord

from folders import saved
from histories import epoch_record, history

TASKS = ("films", "phones")
LABELS = ("bad", "good")


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's migrations take seconds: once, and then copied."""
    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    connect(f"sqlite:///{path}")
    return path


@pytest.fixture
def home(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own, and a working folder where nothing may appear."""
    folder = tmp_path / "home"
    folder.mkdir()
    shutil.copy(empty_database, folder / "mlflow.db")
    monkeypatch.setenv("POLYTASK_HOME", str(folder))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "working").mkdir()
    monkeypatch.chdir(tmp_path / "working")
    return folder


@pytest.fixture
def client(home: Path) -> MlflowClient:
    """A real client on the home folder's SQLite."""
    return connect()


def build_model(seed: int) -> Model:
    words = {"shared": ["waste of two hours", "love this phone"]}
    vocabulary = build_vocabulary(words, {"shared": TextOptions()}, config.Vocabulary(min_count=1))
    tasks = tuple(Task(name, "single_label", LABELS) for name in TASKS)
    torch.manual_seed(seed)
    section = JointLstm(hidden=3)
    network = build_network(section, tasks, {"shared": torch.randn(vocabulary.size, 4)})
    return Model(network.eval(), tasks, {"shared": vocabulary}, section, max_tokens=20)


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Model folders of three models with the same tasks and different weights."""
    return saved(map(build_model, range(3)), tmp_path_factory.mktemp("models"))


def build_corpus(task: str) -> Corpus:
    splits = {
        split: datasets.Dataset.from_dict(
            {
                "id": [f"{task}-{split}-{n}" for n in range(rows)],
                "text": [f"{task} {split} text {n}" for n in range(rows)],
                "label": [n % 2 for n in range(rows)],
                "group": [""] * rows,
            },
            features=FEATURES,
        )
        for split, rows in (("train", 6), ("dev", 2), ("test", 20))
    }
    report = CorpusReport(task=task, source=f"{task}.csv", source_sha256="0" * 64, labels=LABELS, rows_read=30, dropped={"duplicate": 2})
    return Corpus(report, splits)


def build_history(tasks: tuple[str, ...], epochs: int) -> History:
    records = [
        epoch_record(
            epoch,
            updates=10 * epoch,
            seconds=1.5,
            learning_rate=0.001 / epoch,
            train_loss=dict.fromkeys(tasks, 1.0 / epoch),
            dev={task: {"loss": 0.9 / epoch, "accuracy": 0.5 + epoch / 10, "macro_f1": 0.4 + epoch / 10, "mcc": 0.1} for task in tasks},
            examples=dict.fromkeys(tasks, 6),
            examples_per_second=dict.fromkeys(tasks, 100.0),
            padded=0.1,
        )
        for epoch in range(1, epochs + 1)
    ]
    return history(records, best_epoch=epochs - 1, parameters=99)


def build_predictions(corpus: Corpus, right: float, seed: int) -> Predictions:
    gold = np.array(corpus.splits["test"]["label"])
    found = np.where(np.random.default_rng(seed).random(len(gold)) < right, gold, 1 - gold)
    return Predictions(corpus.task, LABELS, tuple(corpus.splits["test"]["id"]), gold, np.eye(2)[found])


@pytest.fixture
def record() -> TrainingRecord:
    """A training of two tasks, as if it had happened."""
    corpora = [build_corpus(task) for task in TASKS]
    experiment = Experiment.model_validate(
        {
            "name": "made",
            "description": "two made tasks",
            "tasks": {
                "films": {"corpus": {"source": "films.csv", "label": {"column": "stars", "map": {"★": "bad", "★★": "good"}}}},
                "phones": "phones.csv",
            },
        }
    )
    joint, twins, tfidf = (
        {corpus.task: build_predictions(corpus, right, seed + n) for n, corpus in enumerate(corpora)}
        for right, seed in ((0.9, 0), (0.7, 10), (0.6, 20))
    )
    return TrainingRecord(
        experiment=experiment,
        made_by=PipelineRun("made-1", "zenml-1", "c" * 40),
        corpora=corpora,
        joint=build_history(TASKS, 4),
        twins={task: build_history((task,), 3) for task in TASKS},
        comparison=compare(joint, twins, {"tfidf_single": tfidf}, Evaluation(resamples=100), seed=1),
        model_fingerprint="f" * 64,
        artifacts={"report.html": "<p>ünï</p>", "plan/plan.json": b"{}"},
        tags={"decision": "promote"},
    )


@pytest.fixture
def with_fingerprint():
    """The same record for another model."""

    def make(record: TrainingRecord, fingerprint: str) -> TrainingRecord:
        return dataclasses.replace(record, model_fingerprint=fingerprint)

    return make
