"""What a user loses if these fail: answers given to the wrong text, or that change with the company a text keeps."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtl_models.errors import ConfigError
from mtl_models.networks.model import Model
from mtl_models.networks.network import Batch, Network

TEXTS = st.lists(
    st.one_of(st.text(max_size=8), st.lists(st.sampled_from(["good", "bad", "film", "Day", "बुरा", "!"]), max_size=20).map(" ".join)),
    max_size=6,
)


@given(TEXTS, st.integers(1, 4))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=12)
def test_answers_are_in_the_order_of_the_texts_whatever_the_batches(model: Model, texts: list[str], batch_size: int) -> None:
    together = model.probabilities(texts, batch_size=batch_size)
    assert list(together) == ["tweets", "type", "cased", "hindi"]
    for task, found in together.items():
        assert found.shape == (len(texts), len(model.task(task).labels))
        assert found.dtype == np.float32
        for row, text in enumerate(texts):
            np.testing.assert_allclose(found[row], model.probabilities([text], [task])[task][0], atol=1e-5)


def test_every_task_reads_with_its_own_normalising_and_vocabulary(model: Model) -> None:
    found = model.probabilities(["Day", "day", "अच्छा", "बुरा"])
    assert np.array_equal(found["tweets"][0], found["tweets"][1])  # lower-cased: both are <unk> here
    assert not np.array_equal(found["cased"][0], found["cased"][1])
    assert np.array_equal(found["tweets"][2], found["tweets"][3])
    assert not np.array_equal(found["hindi"][2], found["hindi"][3])


def test_no_more_than_max_tokens_are_read(model: Model) -> None:
    long = "good film " * 6
    found = model.probabilities([long, long + "bad " * 100])["tweets"]
    assert np.array_equal(found[0], found[1])
    assert not np.array_equal(found[0], model.probabilities(["bad " + long])["tweets"][0])


def test_tasks_that_read_alike_share_one_pass(model: Model) -> None:
    passes: list[set[str]] = []
    model.network.register_forward_pre_hook(lambda network, arguments: passes.append(set(arguments[0].rows)))
    model.probabilities(["a", "b", "c"], batch_size=8)
    assert sorted(map(sorted, passes)) == [["cased"], ["hindi"], ["tweets", "type"]]


def test_only_the_tasks_asked_for_in_the_order_asked_for(model: Model) -> None:
    assert list(model.probabilities(["a"], ["hindi", "tweets"])) == ["hindi", "tweets"]


def test_an_unknown_task_is_named_with_those_there_are(model: Model) -> None:
    with pytest.raises(ConfigError, match=r"unknown task 'twets'; did you mean 'tweets'\? the model's tasks: tweets, type, cased, hindi"):
        model.probabilities(["a"], ["twets"])


def test_training_goes_on_where_it_was(model: Model) -> None:
    model.network.train()
    model.probabilities(["a"])
    assert all(module.training for module in model.network.modules())


def test_the_fingerprint_follows_all_that_decides_an_answer(model: Model, plain_model: Model) -> None:
    first = model.fingerprint()
    assert model.fingerprint() == first
    described = dataclasses.replace(model.tasks[0], description="other words")
    assert dataclasses.replace(model, tasks=(described, *model.tasks[1:])).fingerprint() == first
    renamed = dataclasses.replace(model.tasks[0], labels=("negative", "positive"))
    others = [
        plain_model.fingerprint(),
        dataclasses.replace(model, max_tokens=13).fingerprint(),
        dataclasses.replace(model, tasks=(renamed, *model.tasks[1:])).fingerprint(),
        dataclasses.replace(model, vocabularies={**model.vocabularies, "hi": model.vocabularies["shared"]}).fingerprint(),
    ]
    with torch.no_grad():
        next(model.network.parameters())[-1, -1].add_(1e-6)
    others.append(model.fingerprint())
    assert len({first, *others}) == 6


def test_heads_only_see_rows_that_ask_for_them(model: Model) -> None:
    network: Network = model.network
    batch = Batch(torch.tensor([[2, 3], [3, 4]]), torch.tensor([2, 2]), {"tweets": torch.tensor([1]), "hindi": torch.tensor([0])})
    assert {task: tuple(logits.shape) for task, logits in network(batch).logits.items()} == {"tweets": (1, 2), "hindi": (1, 2)}
