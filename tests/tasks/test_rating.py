"""What a user loses if these fail: ratings on the wrong scale, or missing ones that poison all."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mtl_models.tasks.kind import kind_of
from mtl_models.tasks.task import Task

TASK = Task("stars", "rating", ("stars",), mean=3.0, deviation=2.0)
ratings = st.floats(-50, 50, width=32) | st.just(math.nan)


@given(hnp.arrays(np.float32, (6, 1), elements=st.floats(-9, 9, width=32)), hnp.arrays(np.float32, 6, elements=ratings))
@settings(deadline=None)
def test_loss_is_hubers_of_standardised_ratings(logits, gold) -> None:
    losses = []
    for found, true in zip(logits[:, 0], gold, strict=True):
        if not math.isnan(true):
            gap = abs(float(found) - (float(true) - 3.0) / 2.0)
            losses.append(0.5 * gap**2 if gap <= 1 else gap - 0.5)
    tensors = torch.tensor(logits), torch.tensor(gold)
    assert kind_of(TASK).loss(*tensors).item() == pytest.approx(np.mean(losses) if losses else 0.0, rel=1e-4, abs=1e-5)
    assert kind_of(TASK).plain_loss(*tensors).equal(kind_of(TASK).loss(*tensors))


def test_a_missing_rating_gives_no_gradient() -> None:
    logits = torch.randn(2, 1, requires_grad=True)
    kind_of(TASK).loss(logits, torch.tensor([math.nan, 9.0])).backward()
    assert logits.grad[0].item() == 0.0
    assert logits.grad[1].item() != 0.0


def test_answers_are_on_the_scale_of_the_ratings() -> None:
    kind = kind_of(TASK)
    found = kind.probabilities(torch.tensor([[0.0], [1.5]]))
    assert found.tolist() == [[3.0], [6.0]]
    assert kind.decode(found.numpy()) == [("3.00", None), ("6.00", None)]


def test_metrics_have_the_names_that_every_kind_has() -> None:
    found = kind_of(TASK).metrics(np.array([1.0, 2.0, 4.0, math.nan]), np.array([[2.0], [3.0], [5.0], [0.0]]))
    assert found == pytest.approx({"accuracy": 1, "macro_f1": 1, "mcc": 1, "pearson": 1, "mae": 1, "rmse": 1})
