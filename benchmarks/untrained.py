"""What the measurements of speed ask: an experiment's corpora, and networks with random weights, which are as fast as trained ones."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from mtl_models.config import Experiment
from mtl_models.config.network import Network as NetworkSection
from mtl_models.corpora.corpus import Corpus
from mtl_models.corpora.ingest import ingest
from mtl_models.networks.build import build_network
from mtl_models.networks.model import Model
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import Vocabulary, build_vocabulary

__all__ = ["arguments_for", "corpora_of", "untrained_model", "vocabularies_of"]

_DIMENSION = 50


def arguments_for(description: str | None) -> argparse.ArgumentParser:
    """The arguments that every measurement of answering has."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", nargs="?", type=Path, default=Path("configs/demo.yaml"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    return parser


def corpora_of(experiment: Experiment) -> dict[str, Corpus]:
    """Task -> its corpus, fetched as the pipeline fetches it."""
    return {name: ingest(name, task.corpus, experiment.seed, task.kind) for name, task in experiment.tasks.items()}


def vocabularies_of(experiment: Experiment, corpora: Mapping[str, Corpus]) -> dict[str, Vocabulary]:
    """Group -> its vocabulary, built from the train splits as the pipeline does."""
    found: dict[str, Vocabulary] = {}
    for group, section in experiment.vocabularies.items():
        members = [name for name, task in experiment.tasks.items() if task.vocabulary == group]
        train = {name: corpora[name].texts("train") for name in members}
        found[group] = build_vocabulary(train, {name: experiment.tasks[name].text for name in members}, section)
    return found


def untrained_model(section: NetworkSection, tasks: Sequence[Task], vocabularies: Mapping[str, Vocabulary], max_tokens: int) -> Model:
    """A network over word vectors of 50 numbers, with the same random weights at every call."""
    torch.manual_seed(0)
    wanted = {name: words for name, words in vocabularies.items() if any(task.vocabulary == name for task in tasks)}
    network = build_network(section, tasks, {name: torch.randn(words.size, _DIMENSION) for name, words in wanted.items()})
    return Model(network.eval(), tuple(tasks), wanted, section, max_tokens)
