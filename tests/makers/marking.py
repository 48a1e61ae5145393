"""A small model whose tasks label words: made sentences of people, places and firms, learnt by heart in a second or two."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
import torch

from mtl_models.config.experiment import TaskSettings
from mtl_models.config.hierarchical import Hierarchical
from mtl_models.config.text import Vocabulary
from mtl_models.config.training import Training
from mtl_models.corpora.corpus import SPLITS, Corpus, CorpusReport, features_of
from mtl_models.networks.folder import save_model
from mtl_models.networks.model import Model
from mtl_models.tasks.task import Task
from mtl_models.text.matrix import EmbeddingMatrix
from mtl_models.text.vocabulary import build_vocabulary
from mtl_models.training.history import History
from mtl_models.training.train import train

PEOPLE = ("Anna Berg", "Omar Said", "Lucy Hill", "Jon Snow", "Maria del Mar", "Ivo Kent")
PLACES = ("Paris", "New York", "Rome", "Hong Kong", "Lima", "Oslo")
FIRMS = ("Acme Corp", "Globex", "Initech")
KINDS = {"names": "tagging", "phrases": "mentions", "pairs": "relations", "same": "coreference", "mood": "single_label"}
LABELS = {
    "names": ("LOC", "ORG", "PER"),
    "phrases": ("entity",),
    "pairs": ("lives in", "works for"),
    "same": ("cluster",),
    "mood": ("dull", "glad"),
}


def sentence(draw: random.Random) -> tuple[str, dict[str, Any]]:
    """A text of words and spaces, and its labels for every task."""
    who, where, firm = (draw.choice(names).split() for names in (PEOPLE, PLACES, FIRMS))
    glad = draw.random() < 0.5
    tokens, at = [], {}
    for name, words in {
        "who": who,
        "lives": ["lives", "in"],
        "where": where,
        ".": ["."],
        "they": ["They"],
        "work": ["love" if glad else "hate", "work", "at"],
        "firm": firm,
        "..": ["."],
    }.items():
        at[name] = [len(tokens), len(tokens) + len(words)]
        tokens += words
    last = {name: [end - 1, end] for name, (_, end) in at.items()}
    return " ".join(tokens), {
        "names": [*at["who"], 2, *at["where"], 0, *at["firm"], 1],
        "phrases": [*at["who"], 0, *at["where"], 0, at["work"][0] + 1, at["firm"][1], 0, *at["firm"], 0],
        "pairs": [*last["who"], *last["where"], 0, *last["who"], *last["firm"], 1],
        "same": [*at["who"], 0, *at["they"], 0],
        "mood": int(glad),
    }


def corpus(task: str, sizes: Mapping[str, int] | None = None, seed: int = 3) -> Corpus:
    """So many rows of every split; the same texts for every task."""
    draw = random.Random(seed)
    splits = {}
    for split in SPLITS:
        rows = [sentence(draw) for _ in range((sizes or {"train": 128, "dev": 16, "test": 40})[split])]
        columns = {
            "id": [f"{split}-{number}" for number in range(len(rows))],
            "text": [text for text, _ in rows],
            "label": [labels[task] for _, labels in rows],
            "group": [""] * len(rows),
        }
        splits[split] = datasets.Dataset.from_dict(columns, features=features_of(KINDS[task]))
    report = CorpusReport(task=task, kind=KINDS[task], source="made", labels=LABELS[task], rows_read=sum(map(len, splits.values())))
    return Corpus(report, splits)


def trained(tasks: Sequence[str], epochs: int = 3) -> tuple[Model, History, dict[str, Corpus]]:
    """A hierarchical network over `tasks`, one level each."""
    torch.set_num_threads(1)
    corpora = {name: corpus(name) for name in tasks}
    values = tuple(Task.of(TaskSettings(kind=KINDS[name], description=f"Made {name}"), corpora[name]) for name in tasks)
    texts = {task.name: corpora[task.name].splits["train"]["text"] for task in values}
    words = build_vocabulary(texts, {task.name: task.text for task in values}, Vocabulary(min_count=1))
    matrix = EmbeddingMatrix(torch.randn(words.size, 16, generator=torch.Generator().manual_seed(1)).numpy(), {}, "made")
    levels = {name: {"tasks": [name], "hidden": 12} for name in tasks}
    section = Hierarchical.model_validate({"name": "hierarchical", "characters": None, "dropout": 0.0, "levels": levels})
    training = Training.model_validate({"epochs": epochs, "learning_rate": 0.03, "batch_size": 16, "patience": None, "max_tokens": 40})
    model, history = train(values, corpora, {"shared": words}, {"shared": matrix}, section, training, 5)
    return model, history, corpora


def write_model(folder: Path, tasks: Sequence[str]) -> Path:
    """The same in a model folder, and the account of its training in history.json beside it."""
    model, history, _ = trained(tasks)
    save_model(model, folder)
    folder.with_name("history.json").write_text(history.model_dump_json())
    return folder
