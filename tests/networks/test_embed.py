"""What a user loses if these fail: vectors of other texts than those given, or other vectors than the model's answers come from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from mtl_models.config import network as config
from mtl_models.config.backbone import SentenceEncoder as Section
from mtl_models.errors import ConfigError
from mtl_models.networks.backbone import read_backbone, read_tokenizer
from mtl_models.networks.build import build_network
from mtl_models.networks.model import Model
from mtl_models.tasks.task import Task

from batches import stirred

TEXTS = ["a good film", "bad phone , bad", "two hours", "", "of love ! ! a waste of two hours"]
NETWORKS = ["joint_lstm", "joint_lstm_attention", "joint_transformer_lstm", "lstm_linear"]


def with_network(model: Model, name: str, **options: object) -> Model:
    """Another network over the vocabularies and tasks of `model`."""
    section = TypeAdapter(config.Network).validate_python({"name": name, "hidden": 4, "dropout": 0.9, **options})
    torch.manual_seed(0)
    vectors = {vocabulary: torch.randn(found.size, 8) for vocabulary, found in model.vocabularies.items()}
    return Model(stirred(build_network(section, model.tasks, vectors)), model.tasks, model.vocabularies, section, model.max_tokens)


def over_backbone(folder: Path, **options: object) -> Model:
    """A sentence encoder in training mode, whose adapters say something."""
    tasks = (Task("films", "single_label", ("bad", "good")), Task("phones", "single_label", ("bad", "good")))
    section = Section.model_validate(
        {"name": "sentence_encoder", "backbone": str(folder), "hidden_dropout": 0.5, "dropout": 0.5, **options}
    )
    torch.manual_seed(2)
    network = build_network(section, tasks, {"shared": read_backbone(folder)})
    for name, weight in network.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.5)
    return Model(network.train(), tasks, {"shared": read_tokenizer(folder)}, section, 16)


def assert_read_by_heads(model: Model, task: str, vectors: np.ndarray) -> None:
    with torch.inference_mode():
        logits = model.network.heads[task](torch.from_numpy(vectors))
    torch.testing.assert_close(logits, model.logits(TEXTS, [task])[task], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_vectors_are_what_the_heads_read(plain_model: Model, name: str) -> None:
    options = {"ngrams": {"buckets": 64}} if name == "joint_lstm" else {}
    model = with_network(plain_model, name, **options)
    vectors = model.embed(TEXTS, "tweets", batch_size=2)
    assert vectors.dtype == np.float32
    assert len(vectors) == len(TEXTS)
    assert_read_by_heads(model, "tweets", vectors)
    assert model.network.training, "the mode is given back"


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_of_a_sentence_encoder_too(backbones: Callable[..., Path], pooling: str) -> None:
    model = over_backbone(backbones(), pooling=pooling)
    vectors = model.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), 16)
    for task in ("films", "phones"):
        assert_read_by_heads(model, task, vectors)


def test_with_an_adapter_per_task_a_text_has_a_vector_per_task_and_one_without(backbones: Callable[..., Path]) -> None:
    model = over_backbone(backbones(), lora={"rank": 2})
    films, phones, plain = model.embed(TEXTS, "films"), model.embed(TEXTS, "phones"), model.embed(TEXTS)
    assert_read_by_heads(model, "films", films)
    assert_read_by_heads(model, "phones", phones)
    assert not np.allclose(films, phones, atol=1e-3)
    np.testing.assert_allclose(plain, over_backbone(backbones()).embed(TEXTS), atol=1e-5, err_msg="the backbone as it came")


@given(st.lists(st.lists(st.sampled_from(["good", "bad", "film", "Day", "!"]), max_size=15).map(" ".join), max_size=6), st.integers(1, 4))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=12, derandomize=True)
def test_a_vector_depends_on_its_own_text_alone(model: Model, texts: list[str], batch_size: int) -> None:
    together = model.embed(texts, "tweets", batch_size)
    assert together.shape == (len(texts), model.embed(["a"], "tweets").shape[1])
    for row, text in enumerate(texts):
        np.testing.assert_allclose(together[row], model.embed([text], "tweets")[0], atol=1e-5)


def test_tasks_that_read_differently_must_be_chosen_from(model: Model) -> None:
    with pytest.raises(ConfigError, match=r"differ in vocabulary or normalising; say as which .*: tweets, type, cased, hindi"):
        model.embed(["Day"])
    assert not np.array_equal(model.embed(["Day"], "tweets"), model.embed(["Day"], "cased"))
    assert not np.array_equal(model.embed(["अच्छा"], "tweets"), model.embed(["अच्छा"], "hindi"))
    with pytest.raises(ConfigError, match="did you mean 'tweets'"):
        model.embed(["Day"], "tweet")


def test_a_network_whose_vectors_belong_to_a_task_says_so(plain_model: Model) -> None:
    with pytest.raises(ConfigError, match="dlnc has no one vector of a text"):
        with_network(plain_model, "dlnc").embed(["a"])
