"""What a user loses if these fail: a network that is not the one the paper and the documentation describe.

Every network against a slow, obvious one in float64: one text at a time, one word after the other.
"""

from __future__ import annotations

import math
import zlib

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from mtl_models.config import network as config
from mtl_models.layers.ngrams import ngram_hashes
from mtl_models.networks.build import build_network
from mtl_models.networks.network import Batch
from mtl_models.tasks.task import Task

TASKS = (
    Task("tweets", "single_label", ("bad", "good")),
    Task("type", "single_label", ("a", "b", "c")),
    Task("hindi", "single_label", ("bad", "good"), vocabulary="hi"),
)
TEXTS = [[1, 2, 3, 4], [5], [6, 1]]
HIDDEN, DIMENSION, HEADS = 4, 6, 3

Weights = dict[str, np.ndarray]


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("with_ngrams", [False, True])
@pytest.mark.parametrize("name", ["joint_lstm", "joint_lstm_attention", "joint_transformer_lstm", "joint_transformer_lstm_attention"])
def test_equals_a_slow_obvious_reference(name: str, with_ngrams: bool, layers: int, bidirectional: bool) -> None:
    options: dict[str, object] = {"pooling": ["last", "max", "mean"]}
    if name.endswith("_attention"):
        options = {"attention": {"hops": 3, "hidden": 5, "fc": 7}}
    if "transformer" in name:
        options["transformer"] = {"heads": HEADS, "feedforward": 5}
    if with_ngrams:
        options["ngrams"] = {"max_n": 2, "buckets": 64, "dimension": 3}
    section = {"name": name, "hidden": HIDDEN, "layers": layers, "bidirectional": bidirectional, **options}
    torch.manual_seed(5)
    matrices = {"shared": torch.randn(11, DIMENSION), "hi": torch.randn(7, DIMENSION)}
    network = build_network(TypeAdapter(config.Network).validate_python(section), TASKS, matrices).double().eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)  # biases and norms that are not 0 and 1
    weights = {name: weight.numpy() for name, weight in network.state_dict().items()}
    for text, task in zip(TEXTS, TASKS, strict=True):
        batch = Batch(torch.tensor([text]), torch.tensor([len(text)]), {task.name: torch.tensor([0])})
        expected = _reference(weights, text, task, layers, bidirectional)
        np.testing.assert_allclose(network(batch).logits[task.name][0].detach().numpy(), expected, atol=1e-10)


def _reference(w: Weights, text: list[int], task: Task, layers: int, bidirectional: bool) -> np.ndarray:
    states = np.stack([w[f"embeddings.tables.{task.vocabulary}.weight"][token] for token in text])
    if "transformer.layers.0.inner.weight" in w:
        states = states * math.sqrt(DIMENSION) + _positions(len(text))
        for depth in range(2):
            states = _transformed(_below(w, f"transformer.layers.{depth}."), states)
    for depth in range(layers):
        ahead = _run(_below(w, f"lstm.ahead.{depth}."), states)
        back = [_run(_below(w, f"lstm.back.{depth}."), states[::-1])[::-1]] if bidirectional else []
        states = np.concatenate([ahead, *back], axis=1)
    features = _attended(w, states) if "reader.fc.weight" in w else _pooled(states)
    if "ngrams.table.weight" in w:
        features = np.concatenate([features, _ngrams(w["ngrams.table.weight"], text, task.vocabulary)])
    head: np.ndarray = w[f"heads.{task.name}.weight"] @ features + w[f"heads.{task.name}.bias"]
    return head


def _below(w: Weights, prefix: str) -> Weights:
    return {name.removeprefix(prefix): weight for name, weight in w.items() if name.startswith(prefix)}


def _positions(positions: int) -> np.ndarray:
    angles = [[place / 10_000 ** ((column - column % 2) / DIMENSION) for column in range(DIMENSION)] for place in range(positions)]
    return np.array([[math.cos(a) if column % 2 else math.sin(a) for column, a in enumerate(row)] for row in angles])


def _transformed(w: Weights, x: np.ndarray) -> np.ndarray:
    size = DIMENSION // HEADS
    queries, keys, values = np.split(x @ w["attention.project.weight"].T + w["attention.project.bias"], 3, axis=1)
    mixed = np.zeros_like(x)
    for head in range(HEADS):
        cut = slice(head * size, (head + 1) * size)
        for place in range(len(x)):
            mixed[place, cut] = _softmax(keys[:, cut] @ queries[place, cut] / math.sqrt(size)) @ values[:, cut]
    x = _normed(x + mixed @ w["attention.out.weight"].T + w["attention.out.bias"], _below(w, "attention_norm."))
    inner = np.maximum(0.0, x @ w["inner.weight"].T + w["inner.bias"])
    return _normed(x + inner @ w["outer.weight"].T + w["outer.bias"], _below(w, "feedforward_norm."))


def _normed(x: np.ndarray, w: Weights) -> np.ndarray:
    deviation = np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)
    return (x - x.mean(axis=1, keepdims=True)) / deviation * w["weight"] + w["bias"]


def _run(w: Weights, inputs: np.ndarray) -> np.ndarray:
    h, c, states = np.zeros(HIDDEN), np.zeros(HIDDEN), []
    for x in inputs:
        z = w["weight_ih_l0"] @ x + w["bias_ih_l0"] + w["weight_hh_l0"] @ h + w["bias_hh_l0"]
        i, f, g, o = np.split(z, 4)
        c = _logistic(f) * c + _logistic(i) * np.tanh(g)
        h = _logistic(o) * np.tanh(c)
        states.append(h)
    return np.stack(states)


def _pooled(states: np.ndarray) -> np.ndarray:
    last = np.concatenate([states[-1][:HIDDEN], states[0][HIDDEN:]])
    return np.concatenate([last, states.max(axis=0), states.mean(axis=0)])


def _attended(w: Weights, states: np.ndarray) -> np.ndarray:
    scores = w["reader.attention.outer.weight"] @ np.tanh(w["reader.attention.inner.weight"] @ states.T)
    attended = np.concatenate([_softmax(hop) @ states for hop in scores])
    return np.maximum(0.0, w["reader.fc.weight"] @ attended + w["reader.fc.bias"])


def _ngrams(table: np.ndarray, text: list[int], vocabulary: str) -> np.ndarray:
    """The sum over the square root of how many there are; the hashes have a reference of their own in the tests of the layer."""
    salt = torch.tensor([zlib.crc32(vocabulary.encode())])
    hashes, there = ngram_hashes(torch.tensor([text]), torch.tensor([len(text)]), salt, 2)
    assert there.all()
    return np.sum([table[number % len(table)] for number in hashes[0].tolist()], axis=0) / math.sqrt(hashes.shape[1])


def _softmax(scores: np.ndarray) -> np.ndarray:
    weights: np.ndarray = np.exp(scores - scores.max())
    return weights / weights.sum()


def _logistic(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))
