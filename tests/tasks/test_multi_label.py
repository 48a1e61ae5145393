"""What a user loses if these fail: labels learnt from cells nobody filled, answers with labels that are not there, wrong scores."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mtl_models.tasks.kind import MISSING, kind_of
from mtl_models.tasks.missing import labelled_rows
from mtl_models.tasks.task import Task

TASK = Task("tags", "multi_label", ("new", "old", "odd"))

gold_tables = hnp.arrays(np.int64, (5, 3), elements=st.sampled_from([0, 1, MISSING]))
logit_tables = hnp.arrays(np.float64, (5, 3), elements=st.floats(-10, 10))


def slow_loss(logits, gold, weights=(1.0, 1.0, 1.0), smoothing: float = 0.0) -> float:
    total = weight_sum = 0.0
    for row in range(5):
        for k in range(3):
            if gold[row, k] == MISSING:
                continue
            target = (1 - smoothing) * gold[row, k] + smoothing / 2
            p = 1 / (1 + math.exp(-logits[row, k]))
            weight = weights[k] if gold[row, k] == 1 else 1.0
            total -= weight * (target * math.log(p) + (1 - target) * math.log(1 - p))
            weight_sum += weight
    return total / weight_sum if weight_sum else 0.0


@given(logit_tables, gold_tables)
@settings(deadline=None)
def test_loss_is_the_mean_over_the_cells_that_are_there(logits, gold) -> None:
    found = kind_of(TASK).loss(torch.tensor(logits), torch.tensor(gold)).item()
    assert found == pytest.approx(slow_loss(logits, gold), abs=1e-9)


@given(logit_tables, gold_tables, st.lists(st.floats(0.1, 9), min_size=3, max_size=3), st.floats(0, 0.9))
@settings(deadline=None)
def test_weights_and_smoothing_are_in_the_training_loss_only(logits, gold, weights, smoothing) -> None:
    kind = kind_of(Task("tags", "multi_label", TASK.labels, class_weights=tuple(weights), label_smoothing=smoothing))
    tensors = torch.tensor(logits), torch.tensor(gold)
    assert kind.loss(*tensors).item() == pytest.approx(slow_loss(logits, gold, weights, smoothing), rel=1e-5, abs=1e-7)
    assert kind.plain_loss(*tensors).item() == pytest.approx(slow_loss(logits, gold), abs=1e-9)


@given(gold_tables, st.integers(0, 2**31))
@settings(deadline=None)
def test_missing_cells_change_no_bit(gold, seed) -> None:
    torch.manual_seed(seed)
    one, noise = torch.randn(5, 3), torch.randn(5, 3)
    labels = torch.tensor(gold)
    grads = []
    for logits in (one, torch.where(labels == MISSING, noise, one)):
        logits.requires_grad_()
        loss = kind_of(TASK).loss(logits, labels)
        loss.backward()
        grads.append((loss.item(), logits.grad))
    assert grads[0][0] == grads[1][0]
    assert grads[0][1].equal(grads[1][1])
    assert grads[0][1][labels == MISSING].eq(0).all()


def test_rows_count_where_one_label_is_there() -> None:
    assert labelled_rows(torch.tensor([[0, MISSING], [MISSING, MISSING], [1, 1]])) == 2


def test_decode_joins_the_labels_and_gives_the_probability_of_the_set() -> None:
    found = kind_of(TASK).decode(np.array([[0.9, 0.5, 0.2], [0.1, 0.2, 0.3]]))
    assert [label for label, _ in found] == ["new|old", ""]
    assert [confidence for _, confidence in found] == pytest.approx([0.9 * 0.5 * 0.8, 0.9 * 0.8 * 0.7])


def test_probabilities_are_single_precision_at_least() -> None:
    found = kind_of(TASK).probabilities(torch.tensor([[0.0, 100.0, -100.0]]).bfloat16())
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, torch.tensor([[0.5, 1.0, 0.0]]))


def test_metrics_without_any_label_are_nan() -> None:
    found = kind_of(TASK).metrics(np.full((2, 3), MISSING), np.full((2, 3), 0.5))
    assert set(found) == {"accuracy", "macro_f1", "mcc", "micro_f1"}
    assert all(math.isnan(value) for value in found.values())
