"""Made sentences in CoNLL columns, and a small hierarchical model over them with random weights."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mtl_models.config import Experiment, parse_experiment
from mtl_models.config import text as config
from mtl_models.config.network import JointLstm
from mtl_models.networks.build import build_network
from mtl_models.networks.model import Model
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import build_vocabulary

NOUNS = [f"{start}{end}" for start in ("gar", "lem", "tro", "pil", "sun", "mor", "kel", "bin") for end in ("den", "on", "ut", "ost", "ir")]
VERBS = [f"{start}{end}" for start in ("wal", "jum", "tas", "rea", "fin", "loo") for end in ("k", "p", "d")]
NAMES = ["Anna", "Berta", "Carl", "Dora", "Emil"]

Token = tuple[str, str, str, str]


def clause(source: random.Random) -> list[Token]:
    plural, past = source.random() < 0.5, source.random() < 0.5
    noun, verb = source.choice(NOUNS), source.choice(VERBS)
    subject = (noun + "s", "NNS") if plural else (noun, "NN")
    finite = (verb + "ed", "VBD") if past else (verb, "VBP") if plural else (verb + "s", "VBZ")
    found = [("the", "DT", "B-NP", "O"), (*subject, "I-NP", "O"), (*finite, "B-VP", "O")]
    if source.random() < 0.6:
        found += [(source.choice(["at", "by"]), "IN", "B-PP", "O"), (source.choice(NAMES), "NNP", "B-NP", "B-PER")]
    last = source.choice([("", "NN"), ("s", "NNS")])
    found += [("a", "DT", "B-NP", "O"), *(("old", "JJ", "I-NP", "O"),) * source.randint(0, 3)]
    found.append((source.choice(NOUNS) + last[0], last[1], "I-NP", "O"))
    return found


def sentence(source: random.Random) -> list[Token]:
    found = clause(source)
    if source.random() < 0.5:
        found += [(source.choice(["and", "but"]), "CC", "O", "O"), *clause(source)]
    first, *rest = found
    return [("The", *first[1:]), *rest, (".", ".", "O", "O")]


def write_conll(path: Path, seed: int, documents: int, each: int) -> None:
    source = random.Random(seed)
    with path.open("w", encoding="utf-8") as file:
        for _ in range(documents):
            file.write("-DOCSTART- -X- O O\n\n")
            for _ in range(each):
                file.writelines(" ".join(token) + "\n" for token in sentence(source))
                file.write("\n")


def make_experiment(folder: Path) -> Experiment:
    """Named entities on one level, people on the next, from files with parts of speech and chunks."""
    for seed, (name, documents) in enumerate({"train": 4, "dev": 12, "test": 12}.items()):
        write_conll(folder / f"{name}.txt", seed, documents, 25)
    corpus = {
        "source": str(folder / "train.txt"),
        "format": "conll",
        "columns": ["token", "pos", "chunk", "ner"],
        "text": "token",
        "label": "ner",
        "splits": {"sources": {name: str(folder / f"{name}.txt") for name in ("dev", "test")}},
    }
    return parse_experiment(
        {
            "name": "probed",
            "tasks": {"ner": {"kind": "tagging", "corpus": corpus}, "people": {"kind": "tagging", "corpus": corpus}},
            "network": {
                "name": "hierarchical",
                "levels": {"low": {"tasks": ["ner"], "hidden": 16}, "high": {"tasks": ["people"], "hidden": 16}},
            },
        }
    )


def make_model(experiment: Experiment) -> Model:
    """The network of the experiment as it begins."""
    tasks = tuple(Task(name, "tagging", ("PER",), text=task.text) for name, task in experiment.tasks.items())
    words = ["the a . and but at by old", *NOUNS, *VERBS, *NAMES, *(f"{noun}s" for noun in NOUNS), *(f"{verb}ed" for verb in VERBS)]
    built = build_vocabulary({"ner": [" ".join(words)]}, {"ner": tasks[0].text}, config.Vocabulary(min_count=1))
    torch.manual_seed(5)
    network = build_network(experiment.network, tasks, {"shared": torch.randn(built.size, 16)})
    return Model(network.eval(), tasks, {"shared": built}, experiment.network, max_tokens=64)


@pytest.fixture(scope="session")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    return make_experiment(tmp_path_factory.mktemp("conll"))


@pytest.fixture(scope="session")
def model(experiment: Experiment) -> Model:
    return make_model(experiment)


@pytest.fixture
def make_flat() -> Callable[[], Model]:
    """A network without levels, whose one task labels whole texts."""

    def make() -> Model:
        task = Task("mood", "single_label", ("bad", "good"))
        built = build_vocabulary(
            {"mood": [" ".join(["the a . and but", *NOUNS, *VERBS])]}, {"mood": task.text}, config.Vocabulary(min_count=1)
        )
        torch.manual_seed(6)
        section = JointLstm(hidden=8)
        network = build_network(section, (task,), {"shared": torch.randn(built.size, 8)})
        return Model(network.eval(), (task,), {"shared": built}, section, max_tokens=64)

    return make
