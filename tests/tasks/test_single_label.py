"""What a user loses if these fail: a wrong loss, a wrong score, or rows without a label that poison both."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mtl_models.errors import ConfigError
from mtl_models.tasks.kind import MISSING, kind_of
from mtl_models.tasks.task import Task

TASK = Task("mood", "single_label", ("bad", "fair", "good"))


def test_unknown_kind_names_the_key_and_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"tasks\.mood\.kind.*'ranking'.*single_label"):
        kind_of(Task("mood", "ranking", ("a", "b")))


def test_head_gives_one_logit_per_class() -> None:
    assert kind_of(TASK).head(7)(torch.zeros(4, 7)).shape == (4, 3)


@given(
    hnp.arrays(np.float64, (6, 3), elements=st.floats(-20, 20)),
    st.lists(st.sampled_from([0, 1, 2, MISSING]), min_size=6, max_size=6),
)
@settings(deadline=None)
def test_loss_is_the_mean_over_labelled_rows(logits: np.ndarray, labels: list[int]) -> None:
    losses = [math.log(sum(math.exp(z - row[k]) for z in row)) for row, k in zip(logits, labels, strict=True) if k != MISSING]
    expected = sum(losses) / len(losses) if losses else 0.0
    assert kind_of(TASK).loss(torch.tensor(logits), torch.tensor(labels)).item() == pytest.approx(expected, abs=1e-9)


def test_rows_without_a_label_get_no_gradient_and_none_at_all_gives_zero_with_a_graph() -> None:
    logits = torch.randn(3, 3, requires_grad=True)
    kind_of(TASK).loss(logits, torch.tensor([0, MISSING, 2])).backward()
    assert logits.grad is not None
    assert logits.grad[1].eq(0).all()
    assert logits.grad[[0, 2]].ne(0).any(1).all()
    logits.grad = None
    loss = kind_of(TASK).loss(logits, torch.full((3,), MISSING))
    loss.backward()
    assert loss.item() == 0.0
    assert logits.grad is not None
    assert logits.grad.eq(0).all()


def test_probabilities_add_up_even_from_half_precision() -> None:
    probabilities = kind_of(TASK).probabilities(torch.randn(5, 3).bfloat16())
    assert probabilities.dtype == torch.float32
    torch.testing.assert_close(probabilities.sum(1), torch.ones(5))


def test_decode_gives_the_best_class_and_its_probability() -> None:
    assert kind_of(TASK).decode(np.array([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]])) == [("fair", 0.5), ("bad", 0.4)]


def test_metrics_by_hand_and_without_missing_rows() -> None:
    gold = np.array([0, 0, 1, MISSING, 1])
    probabilities = np.eye(3)[[0, 1, 1, 2, 1]]
    # classes bad: P 1, R 1/2, F 2/3; fair: P 2/3, R 1, F 4/5; good: neither there nor found, F 0
    found = kind_of(TASK).metrics(gold, probabilities)
    assert found["accuracy"] == pytest.approx(3 / 4)
    assert found["macro_f1"] == pytest.approx((2 / 3 + 4 / 5 + 0) / 3)
    assert found["mcc"] == pytest.approx((2 * 1 - 0 * 1) / math.sqrt(3 * 1 * 2 * 2))


def test_metrics_of_no_labelled_row_are_nan() -> None:
    found = kind_of(TASK).metrics(np.array([MISSING]), np.array([[1.0, 0.0, 0.0]]))
    assert set(found) == {"accuracy", "macro_f1", "mcc"}
    assert all(math.isnan(value) for value in found.values())


@given(hnp.arrays(np.int64, st.integers(1, 30), elements=st.integers(0, 2)))
@settings(deadline=None)
def test_perfect_answers_score_one(gold: np.ndarray) -> None:
    found = kind_of(TASK).metrics(gold, np.eye(3)[gold])
    assert found["accuracy"] == 1.0
    assert found["macro_f1"] == pytest.approx(len(set(gold.tolist())) / 3)


@given(
    hnp.arrays(np.float64, (6, 3), elements=st.floats(-20, 20)),
    st.lists(st.sampled_from([0, 1, 2, MISSING]), min_size=6, max_size=6),
    st.lists(st.floats(0.1, 9), min_size=3, max_size=3),
    st.floats(0, 0.9),
)
@settings(deadline=None)
def test_weights_and_smoothing_are_in_the_training_loss_only(logits, labels, weights, smoothing) -> None:
    kind = kind_of(Task("mood", "single_label", TASK.labels, class_weights=tuple(weights), label_smoothing=smoothing))
    total = weight_sum = 0.0
    for row, label in zip(logits, labels, strict=True):
        if label != MISSING:
            log_p = row - math.log(sum(math.exp(z) for z in row))
            total -= weights[label] * ((1 - smoothing) * log_p[label] + smoothing * log_p.mean())
            weight_sum += weights[label]
    tensors = torch.tensor(logits), torch.tensor(labels)
    assert kind.loss(*tensors).item() == pytest.approx(total / weight_sum if weight_sum else 0.0, rel=1e-5, abs=1e-7)
    assert kind.plain_loss(*tensors).equal(kind_of(TASK).loss(*tensors))


def test_smoothing_is_pytorchs_and_one_for_all_weights_is_none() -> None:
    logits, labels = torch.randn(9, 3, dtype=torch.float64), torch.randint(0, 3, (9,))
    smooth = kind_of(Task("mood", "single_label", TASK.labels, label_smoothing=0.1))
    torch.testing.assert_close(smooth.loss(logits, labels), torch.nn.functional.cross_entropy(logits, labels, label_smoothing=0.1))
    even = kind_of(Task("mood", "single_label", TASK.labels, class_weights=(2.0, 2.0, 2.0)))
    torch.testing.assert_close(even.loss(logits, labels), kind_of(TASK).loss(logits, labels))
