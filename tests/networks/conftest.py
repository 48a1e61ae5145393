"""A small model of three tasks: two that read alike, one with a vocabulary and a normalising of its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from mtl_models.config import text as config
from mtl_models.config.network import JointLstm
from mtl_models.config.text import TextOptions
from mtl_models.networks.build import build_network
from mtl_models.networks.model import Model
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import build_vocabulary

WORDS = {"shared": "a bad good film phone , ! Day the of two hours waste love", "hi": "अच्छा बुरा फ़िल्म यह है"}


def make_model(*vocabularies: str, layers: int = 1) -> Model:
    tasks = tuple(
        task
        for task in (
            Task("tweets", "single_label", ("bad", "good")),
            Task("type", "single_label", ("a", "b", "ç")),
            Task("cased", "single_label", ("no", "yes"), text=TextOptions(lowercase=False)),
            Task("hindi", "single_label", ("bad", "good"), vocabulary="hi"),
        )
        if task.vocabulary in vocabularies
    )
    built = {
        name: build_vocabulary({name: [WORDS[name]]}, {name: TextOptions(lowercase=False)}, config.Vocabulary(min_count=1))
        for name in vocabularies
    }
    torch.manual_seed(4)
    section = JointLstm(hidden=5, layers=layers)
    network = build_network(section, tasks, {name: torch.randn(vocabulary.size, 3) for name, vocabulary in built.items()})
    return Model(network.eval(), tasks, built, section, max_tokens=12)


@pytest.fixture
def model() -> Model:
    return make_model("shared", "hi")


@pytest.fixture
def plain_model() -> Model:
    """One vocabulary, two layers."""
    return make_model("shared", layers=2)


@pytest.fixture
def made_model() -> Callable[..., Model]:
    """Makes models of the tasks in the vocabularies named."""
    return make_model
