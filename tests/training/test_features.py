"""What a user loses if these fail: a frozen encoder whose kept vectors are those of other texts, words or weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedModel

from mtl_models.config.experiment import TaskSettings
from mtl_models.config.hierarchical import Hierarchical
from mtl_models.networks.backbone import read_backbone, read_tokenizer
from mtl_models.networks.build import build_network
from mtl_models.networks.network import evaluating
from mtl_models.tasks.task import Task
from mtl_models.text.words import running
from mtl_models.training.batches import collate
from mtl_models.training.encoding import EncodedSplit, encode_for
from mtl_models.training.features import ReadsOnce, with_features

import marking

LEVELS = {"low": {"tasks": ["names", "mood"], "hidden": 4}}
SECTION = Hierarchical.model_validate({"name": "hierarchical", "levels": LEVELS, "dropout": 0.0})
ROWS = {"train": 23, "dev": 5, "test": 1}


@given(runs=st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5)), max_size=8))
def test_runs_are_laid_one_after_another(runs: list[tuple[int, int]]) -> None:
    starts, lengths = (np.array([run[at] for run in runs], dtype=np.int64) for at in (0, 1))
    assert running(starts, lengths).tolist() == [place for start, length in runs for place in range(start, start + length)]


@pytest.fixture
def on_words(backbones: Callable[..., Path]) -> Callable[..., tuple[ReadsOnce, dict[str, EncodedSplit]]]:
    """A network over a frozen encoder, and the train split of its tasks."""

    def make(seed: int = 3) -> tuple[ReadsOnce, dict[str, EncodedSplit]]:
        folder = backbones("bert")
        corpora = {name: marking.corpus(name, ROWS, seed) for name in ("names", "mood")}
        tasks = [Task.of(TaskSettings(kind=marking.KINDS[name], description=name), corpus) for name, corpus in corpora.items()]
        torch.manual_seed(1)
        network = build_network(SECTION, tasks, {"shared": read_backbone(folder)})
        assert isinstance(network, ReadsOnce)
        network.backbone.requires_grad_(False)
        words = {"shared": read_tokenizer(folder)}
        return network, {task.name: encode_for(SECTION, corpora[task.name], words, task, 40, 0).splits["train"] for task in tasks}

    return make


def test_kept_states_of_words_are_those_that_the_encoder_gives(
    on_words: Callable[..., tuple[ReadsOnce, dict[str, EncodedSplit]]], tmp_path: Path
) -> None:
    network, splits = on_words()
    assert network.features_fixed
    kept = with_features(network, splits, tmp_path)
    for split in kept.values():
        assert split.features is not None
        assert len(split.features) == split.lengths.sum() > len(split)
    rows = {"mood": np.array([4, 19, 0]), "names": np.array([22, 7])}
    with evaluating(network):
        read, live = (network.states(collate(of, rows))["low"] for of in (kept, splits))
    assert read.shape[0] == 5
    torch.testing.assert_close(read, live, rtol=1e-4, atol=1e-5)


def test_the_encoder_is_not_asked_again(on_words: Callable[..., tuple[ReadsOnce, dict[str, EncodedSplit]]], tmp_path: Path) -> None:
    network, splits = on_words()
    kept = with_features(network, splits, tmp_path)
    network.backbone.forward = None
    with evaluating(network):
        assert set(network(collate(kept, {task: np.arange(3) for task in kept})).logits) == {"mood", "names"}


def test_other_words_at_the_same_places_are_read_anew(
    on_words: Callable[..., tuple[ReadsOnce, dict[str, EncodedSplit]]], tmp_path: Path
) -> None:
    network, splits = on_words()
    with_features(network, splits, tmp_path)
    known = set(tmp_path.iterdir())
    assert len(known) == 1, "both tasks label the same texts"
    with_features(network, splits, tmp_path)
    assert set(tmp_path.iterdir()) == known
    names = splits["names"]
    assert names.forms is not None
    others = replace(names, forms=replace(names.forms, pieces=names.forms.pieces[::-1].copy()))
    with_features(network, {"names": others}, tmp_path)
    assert len(set(tmp_path.iterdir()) - known) == 1


def test_an_encoder_configured_otherwise_is_read_anew(
    on_words: Callable[..., tuple[ReadsOnce, dict[str, EncodedSplit]]], tmp_path: Path
) -> None:
    network, splits = on_words()
    with_features(network, splits, tmp_path)
    next(module for module in network.backbone.modules() if isinstance(module, PreTrainedModel)).config.hidden_act = "relu"
    with_features(network, splits, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
