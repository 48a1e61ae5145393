"""What a user loses if these fail: tasks that weigh something else than configured, or than the paper says."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mtl_models.config.objectives import FixedWeights as FixedSection
from mtl_models.training.objectives.build import build_objective
from mtl_models.training.objectives.combining import mean_over_rows, mean_over_tasks
from mtl_models.training.objectives.dynamic_average import DynamicAverage, dynamic_average
from mtl_models.training.objectives.fixed import FixedWeights
from mtl_models.training.objectives.uncertainty import UncertaintyWeights

from histories import epoch_record

LOSSES = st.dictionaries(st.sampled_from("abcd"), st.floats(0.01, 10.0), min_size=1)


@given(losses=LOSSES)
def test_fixed_weights_multiply_and_the_default_is_one(losses: dict[str, float]) -> None:
    objective = FixedWeights({"a": 0.5, "b": 0.0})
    given_ = {task: torch.tensor(loss) for task, loss in losses.items()}
    factors = {"a": 0.5, "b": 0.0}
    assert {task: float(term) for task, term in objective.terms(given_).items()} == pytest.approx(
        {task: float(loss) * factors.get(task, 1.0) for task, loss in given_.items()}
    )
    assert {task: float(weight) for task, weight in objective.weights(losses).items()} == {task: factors.get(task, 1.0) for task in losses}


def test_a_twin_weighs_one() -> None:
    """A task that counts little, or nothing, beside the others still has a twin that learns it."""
    section = FixedSection(weights={"a": 0.0})
    assert float(build_objective(section, ["a"]).weights(["a"])["a"]) == 1.0
    assert float(build_objective(section, ["a", "b"]).weights(["a"])["a"]) == 0.0


@given(losses=LOSSES, logs=st.dictionaries(st.sampled_from("abcd"), st.floats(-3, 3)))
def test_uncertainty_is_the_published_sum_with_its_gradient(losses: dict[str, float], logs: dict[str, float]) -> None:
    """d/ds = 1/2 - exp(-s) L; it vanishes where exp(s) = 2 L."""
    objective = UncertaintyWeights(list(losses))
    variances = dict(zip(losses, objective.log_variances, strict=True))
    with torch.no_grad():
        for task, variance in variances.items():
            variance.fill_(logs.get(task, 0.0))
    leaves = {task: torch.tensor(loss, requires_grad=True) for task, loss in losses.items()}
    total = sum(objective.terms(leaves).values())
    expected = sum(math.exp(-logs.get(task, 0.0)) * loss + logs.get(task, 0.0) / 2 for task, loss in losses.items())
    assert total.item() == pytest.approx(expected, rel=1e-4, abs=1e-4)
    total.backward()
    for task, loss in losses.items():
        factor = math.exp(-logs.get(task, 0.0))
        assert float(leaves[task].grad) == pytest.approx(factor, rel=1e-4)
        assert float(variances[task].grad) == pytest.approx(0.5 - factor * loss, rel=1e-3, abs=1e-4)
        assert float(objective.weights([task])[task]) == pytest.approx(factor, rel=1e-4)


def test_uncertainty_begins_as_the_plain_sum_and_finds_its_balance() -> None:
    objective = UncertaintyWeights(["easy", "hard"])
    assert {task: float(weight) for task, weight in objective.weights(["easy", "hard"]).items()} == {"easy": 1.0, "hard": 1.0}
    optimizer = torch.optim.SGD(objective.parameters(), lr=0.5)
    losses = {"easy": torch.tensor(0.1), "hard": torch.tensor(2.0)}
    for _ in range(200):
        optimizer.zero_grad()
        sum(objective.terms(losses).values()).backward()
        optimizer.step()
    assert {task: float(weight) for task, weight in objective.weights(losses).items()} == pytest.approx(
        {"easy": 1 / 0.2, "hard": 1 / 4.0}, rel=1e-2
    )


@given(
    history=st.lists(st.fixed_dictionaries({task: st.floats(0.1, 2.0) for task in "abc"}), max_size=5),
    temperature=st.floats(0.5, 10.0),
)
def test_a_dynamic_average_sums_to_the_number_of_tasks(history: list[dict[str, float]], temperature: float) -> None:
    weights = dynamic_average("abc", history, temperature)
    assert sum(weights.values()) == pytest.approx(3)
    if len(history) < 2:
        assert set(weights.values()) == {1.0}
    else:
        falls = {task: history[-1][task] / history[-2][task] for task in "abc"}
        for one in "abc":
            for other in "abc":
                assert weights[one] / weights[other] == pytest.approx(math.exp((falls[one] - falls[other]) / temperature), rel=1e-6)


def test_a_dynamic_average_is_over_the_tasks_that_still_train() -> None:
    objective = DynamicAverage(2.0)
    records = [epoch_record(1, train_loss={"a": 1.0, "b": 1.0, "c": 1.0}), epoch_record(2, train_loss={"a": 0.5, "b": 0.9, "c": 0.1})]
    objective.begin_epoch(["a", "b"], records)
    weights = objective.weights(["a", "b"])
    assert float(sum(weights.values())) == pytest.approx(2)
    assert weights["b"] > weights["a"]
    objective.begin_epoch(["a"], records)
    assert float(objective.weights(["a"])["a"]) == pytest.approx(1), "the last one left, and a twin"
    objective.begin_epoch(["a", "new"], records)
    assert float(objective.weights(["new"])["new"]) > 1.0, "a task without two epochs behind it counts as one that stands still"


@given(
    losses=st.fixed_dictionaries({task: st.floats(0.01, 10.0) for task in "abc"}),
    rows=st.fixed_dictionaries({task: st.integers(0, 9) for task in "abc"}),
)
def test_means_over_rows_and_over_tasks(losses: dict[str, float], rows: dict[str, int]) -> None:
    terms = {task: torch.tensor(loss, dtype=torch.float64) for task, loss in losses.items()}
    there = [task for task in losses if rows[task]]
    total = sum(rows.values())
    expected = sum(losses[task] * rows[task] for task in there) / total if there else 0.0
    assert float(mean_over_rows(terms, rows)) == pytest.approx(expected)
    expected = sum(losses[task] for task in there) / len(there) if there else 0.0
    assert float(mean_over_tasks(terms, rows)) == pytest.approx(expected)
