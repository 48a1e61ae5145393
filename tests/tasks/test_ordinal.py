"""What a user loses if these fail: ordered classes learnt without their order, or probabilities that are none."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mtl_models.tasks.kind import MISSING, kind_of
from mtl_models.tasks.task import Task

CLASSES = ("awful", "poor", "fair", "good")
TASK = Task("stars", "ordinal", CLASSES)

labels = st.lists(st.sampled_from([0, 1, 2, 3, MISSING]), min_size=5, max_size=5)
logits = hnp.arrays(np.float64, (5, 3), elements=st.floats(-10, 10))


def log_sigmoid(z: float) -> float:
    return -math.log1p(math.exp(-z)) if z > 0 else z - math.log1p(math.exp(z))


def slow_loss(scores: np.ndarray, gold: list[int], weights=None, smoothing: float = 0.0) -> float:
    total = weight_sum = 0.0
    for row, label in zip(scores, gold, strict=True):
        if label == MISSING:
            continue
        weight = weights[label] if weights else 1.0
        for k, z in enumerate(row):
            target = (1 - smoothing) * (label > k) + smoothing / 2
            total -= weight * (target * log_sigmoid(z) + (1 - target) * log_sigmoid(-z))
        weight_sum += weight
    return total / weight_sum if weight_sum else 0.0


@given(logits, labels)
@settings(deadline=None)
def test_loss_is_the_papers(scores: np.ndarray, gold: list[int]) -> None:
    found = kind_of(TASK).loss(torch.tensor(scores), torch.tensor(gold)).item()
    assert found == pytest.approx(slow_loss(scores, gold), abs=1e-9)


@given(logits, labels, st.lists(st.floats(0.1, 9), min_size=4, max_size=4), st.floats(0, 0.9))
@settings(deadline=None)
def test_weights_and_smoothing_are_in_the_training_loss_only(scores, gold, weights, smoothing) -> None:
    kind = kind_of(Task("stars", "ordinal", CLASSES, class_weights=tuple(weights), label_smoothing=smoothing))
    tensors = torch.tensor(scores), torch.tensor(gold)
    assert kind.loss(*tensors).item() == pytest.approx(slow_loss(scores, gold, weights, smoothing), rel=1e-5, abs=1e-7)
    assert kind.plain_loss(*tensors).item() == pytest.approx(slow_loss(scores, gold), abs=1e-9)


@given(st.integers(2, 7), st.integers(0, 2**31), st.floats(0.01, 30))
@settings(deadline=None)
def test_probabilities_sum_to_one_and_the_cumulative_ones_fall(classes: int, seed: int, scale: float) -> None:
    kind = kind_of(Task("stars", "ordinal", tuple(map(str, range(classes)))))
    torch.manual_seed(seed)
    head = kind.head(4)
    with torch.no_grad():
        for weight in head.parameters():
            weight.mul_(scale).add_(torch.randn_like(weight))
        found = head(torch.randn(6, 4))
    assert found.shape == (6, classes - 1)
    assert (found.diff(dim=1) <= 0).all()
    probabilities = kind.probabilities(found)
    assert probabilities.shape == (6, classes)
    assert (probabilities >= 0).all()
    torch.testing.assert_close(probabilities.sum(1), torch.ones(6))
    above = 1 - probabilities.cumsum(1)[:, :-1]
    torch.testing.assert_close(above, found.sigmoid(), atol=1e-5, rtol=0)


def test_a_new_head_finds_every_class_as_likely_and_learns_all_its_biases() -> None:
    head = kind_of(TASK).head(3)
    flat = kind_of(TASK).probabilities(head(torch.zeros(1, 3)))
    torch.testing.assert_close(flat, torch.full((1, 4), 0.25))
    kind_of(TASK).loss(head(torch.randn(8, 3)), torch.tensor([0, 1, 2, 3] * 2)).backward()
    assert all(weight.grad is not None and weight.grad.ne(0).all() for weight in head.parameters())


def test_half_precision_gives_whole_probabilities() -> None:
    probabilities = kind_of(TASK).probabilities(torch.tensor([[8.0, 1.0, -9.0]]).bfloat16())
    assert probabilities.dtype == torch.float32
    torch.testing.assert_close(probabilities.sum(1), torch.ones(1))


def test_answers_and_metrics_know_the_order() -> None:
    kind = kind_of(TASK)
    spread = np.eye(4)[[0, 1, 3, 3]]
    assert [label for label, _ in kind.decode(spread)] == ["awful", "poor", "good", "good"]
    found = kind.metrics(np.array([0, 3, 3, MISSING]), spread)
    assert found["rank_error"] == pytest.approx(2 / 3)
    assert {"accuracy", "macro_f1", "mcc", "rank_error", "quadratic_kappa"} == set(found)


def test_missing_labels_change_no_bit() -> None:
    kind = kind_of(TASK)
    gold = torch.tensor([0, MISSING, 2])
    one, other = torch.randn(3, 3, requires_grad=True), torch.randn(3, 3)
    changed = one.detach().clone()
    changed[1] = other[1]
    changed.requires_grad_()
    for scores in (one, changed):
        kind.loss(scores, gold).backward()
    assert kind.loss(one, gold).item() == kind.loss(changed, gold).item()
    assert one.grad.equal(changed.grad)
    assert one.grad[1].eq(0).all()
