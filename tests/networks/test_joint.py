"""What a user loses if these fail: a text's answer would depend on its neighbours, or a task would not learn at all."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mtl_models.config.network import JointLstm as Config
from mtl_models.networks.build import build_network
from mtl_models.networks.network import PAD, Batch, Network, evaluating
from mtl_models.tasks.kind import kind_of
from mtl_models.tasks.task import Task

TASKS = (
    Task("tweets", "single_label", ("bad", "good")),
    Task("type", "single_label", ("a", "b", "c")),
    Task("hindi", "single_label", ("bad", "good"), vocabulary="hi"),
)
VOCABULARY = {"shared": 11, "hi": 7}


def _network(tasks: tuple[Task, ...] = TASKS, **options: object) -> Network:
    torch.manual_seed(5)
    config = Config.model_validate({"hidden": 4, "pooling": ("last", "max", "mean"), **options})
    return build_network(config, tasks, {name: torch.randn(size, 3) for name, size in VOCABULARY.items()})


def _batch(texts: list[list[int]], tasks: list[str], extra: int = 0) -> Batch:
    ids = torch.full((len(texts), max(map(len, texts)) + extra), PAD)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = torch.tensor(text)
    rows = {name: torch.tensor([row for row, task in enumerate(tasks) if task == name]) for name in dict.fromkeys(tasks)}
    return Batch(ids, torch.tensor([len(text) for text in texts]), rows)


@st.composite
def _mixed(draw: st.DrawFn) -> tuple[list[list[int]], list[str]]:
    tasks = draw(st.lists(st.sampled_from([task.name for task in TASKS]), min_size=1, max_size=6))
    size = {task.name: VOCABULARY[task.vocabulary] for task in TASKS}
    return [draw(st.lists(st.integers(1, size[task] - 1), min_size=1, max_size=6)) for task in tasks], tasks


@given(_mixed(), st.integers(0, 4), st.integers(1, 2), st.booleans())
@settings(deadline=None, max_examples=40)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
def test_a_text_alone_and_among_others_and_behind_padding(
    dtype: torch.dtype, tolerance: float, mixed: tuple[list[list[int]], list[str]], extra: int, layers: int, bidirectional: bool
) -> None:
    network = _network(layers=layers, bidirectional=bidirectional).to(dtype).eval()
    texts, tasks = mixed
    together, padded = network(_batch(texts, tasks)).logits, network(_batch(texts, tasks, extra)).logits
    seen = dict.fromkeys(tasks, 0)
    for text, task in zip(texts, tasks, strict=True):
        alone = network(_batch([text], [task])).logits[task][0]
        torch.testing.assert_close(together[task][seen[task]], alone, atol=tolerance, rtol=0)
        torch.testing.assert_close(padded[task][seen[task]], alone, atol=tolerance, rtol=0)
        seen[task] += 1


@pytest.mark.parametrize(("layers", "bidirectional"), itertools.product([1, 2], [False, True]))
def test_equals_a_slow_obvious_reference(layers: int, bidirectional: bool) -> None:
    network = _network(layers=layers, bidirectional=bidirectional).double().eval()
    texts = [[1, 2, 3, 4], [5], [6, 1]]
    logits = network(_batch(texts, ["tweets", "type", "hindi"])).logits
    for text, task in zip(texts, TASKS, strict=True):
        expected = _reference(network.state_dict(), text, task, layers, bidirectional)
        np.testing.assert_allclose(logits[task.name][0].detach().numpy(), expected, atol=1e-12)


def _reference(weights: dict[str, Tensor], text: list[int], task: Task, layers: int, bidirectional: bool) -> np.ndarray:
    """The network for one text, cell by cell, in float64."""
    w = {name: weight.numpy() for name, weight in weights.items()}
    states = [w[f"embeddings.tables.{task.vocabulary}.weight"][token] for token in text]
    for depth in range(layers):
        ahead = _run(w, f"lstm.ahead.{depth}", states)
        if bidirectional:
            back = _run(w, f"lstm.back.{depth}", states[::-1])[::-1]
            states = [np.concatenate(pair) for pair in zip(ahead, back, strict=True)]
        else:
            states = ahead
    last = np.concatenate([states[-1][:4], states[0][4:]])
    features = np.concatenate([last, np.max(states, axis=0), np.mean(states, axis=0)])
    return w[f"heads.{task.name}.weight"] @ features + w[f"heads.{task.name}.bias"]


def _run(w: dict[str, np.ndarray], cell: str, inputs: list[np.ndarray]) -> list[np.ndarray]:
    h, c, states = np.zeros(4), np.zeros(4), []
    for x in inputs:
        z = w[f"{cell}.weight_ih_l0"] @ x + w[f"{cell}.bias_ih_l0"] + w[f"{cell}.weight_hh_l0"] @ h + w[f"{cell}.bias_hh_l0"]
        i, f, g, o = z[:4], z[4:8], z[8:12], z[12:]
        c = _logistic(f) * c + _logistic(i) * np.tanh(g)
        h = _logistic(o) * np.tanh(c)
        states.append(h)
    return states


def _logistic(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


@given(st.sets(st.sampled_from(TASKS), min_size=1))
@settings(deadline=None)
def test_the_tasks_of_a_batch_learn_and_the_absent_do_not(present: set[Task]) -> None:
    network = _network(layers=2)
    names = sorted(task.name for task in present)
    logits = network(_batch([[1, 2, 3]] * len(names), names)).logits
    torch.stack([kind_of(task).loss(logits[task.name], torch.tensor([1])) for task in present]).sum().backward()
    for name, parameter in network.named_parameters():
        part, _, rest = name.partition(".")
        wanted = {task.name for task in present} if part == "heads" else {task.vocabulary for task in present}
        owner = rest.split(".")[0 if part == "heads" else 1]
        learns = part == "lstm" or owner in wanted
        assert learns == (parameter.grad is not None and bool(parameter.grad.ne(0).any())), name


def test_everything_a_task_owns_is_saved() -> None:
    names = set(_network().state_dict())
    assert {f"heads.{task.name}.weight" for task in TASKS} <= names
    assert {f"embeddings.tables.{name}.weight" for name in VOCABULARY} <= names


def test_frozen_embeddings_stay() -> None:
    network = _network(trainable_embeddings=False)
    network(_batch([[1, 2]], ["tweets"])).logits["tweets"].sum().backward()
    assert all(parameter.grad is None for name, parameter in network.named_parameters() if name.startswith("embeddings"))


def test_equal_seeds_give_equal_weights_and_only_the_vocabularies_in_use() -> None:
    first, second = _network(TASKS[:2]).state_dict(), _network(TASKS[:2]).state_dict()
    assert all(first[name].equal(second[name]) for name in first)
    assert "embeddings.tables.hi.weight" not in first


NEEDS_GPU = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")]


@pytest.mark.parametrize("device", ["meta", pytest.param("cuda", marks=NEEDS_GPU)])
def test_the_whole_network_moves_to_a_device(device: str) -> None:
    network = _network().to(device)
    assert all(tensor.device.type == device for tensor in network.state_dict().values())
    logits = network(_batch([[1, 2], [3]], ["tweets", "hindi"]).to(network.device)).logits
    assert {task: (tuple(rows.shape), rows.device.type) for task, rows in logits.items()} == {
        "tweets": ((1, 2), device),
        "hindi": ((1, 2), device),
    }


def test_evaluating_drops_nothing_and_puts_every_module_back() -> None:
    network = _network().train()
    network.lstm.eval()
    batch = _batch([[1, 2, 3]], ["tweets"])
    with evaluating(network):
        first, second = network(batch).logits["tweets"], network(batch).logits["tweets"]
        assert first.equal(second)
        assert not first.requires_grad
    assert network.training
    assert not network.lstm.training
    assert not network(batch).logits["tweets"].equal(network(batch).logits["tweets"])
