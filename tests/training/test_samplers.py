"""What a user loses if these fail: rows never trained on, rows trained on twice as often, a task with another share than configured."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from mtl_models.config.samplers import Sampler as Section
from mtl_models.config.training import Training
from mtl_models.training.samplers.build import build_sampler
from mtl_models.training.samplers.draw import draw
from mtl_models.training.samplers.quotas import count_updates, drawn_quotas, expected_quotas

TASKS = ["tweets", "movie", "product", "editorials"]
GIVEN = {"name": "given", "probabilities": {"tweets": 3, "movie": 1, "product": 0.5, "editorials": 2}}
SHARING = [
    {"name": "proportional"},
    {"name": "uniform"},
    {"name": "temperature", "alpha": 0.5},
    {"name": "temperature", "alpha": 0.3, "cap": 20},
    {"name": "annealed"},
    GIVEN,
]
ORDERING = [{"name": "sequential"}, {"name": "round_robin"}]
ROWS = st.dictionaries(st.sampled_from(TASKS), st.integers(1, 60), min_size=1)
SEEDS = st.integers(0, 2**31 - 1)


def training(section: dict[str, Any], epochs: int = 5, **options: Any) -> Training:
    mode = {"updates": "single_task"} if section in ORDERING else {}
    return Training(sampler=section, epochs=epochs, **(mode | options))


def named(section: dict[str, Any]) -> str:
    return "-".join(str(value) for value in section.values() if not isinstance(value, dict))


def shares(section: dict[str, Any], rows: dict[str, int], epoch: int, epochs: int) -> dict[str, float]:
    return build_sampler(TypeAdapter(Section).validate_python(section)).shares(rows, epoch, epochs)


@pytest.mark.parametrize(
    ("section", "power"),
    [
        ({"name": "proportional"}, 1.0),
        ({"name": "sequential"}, 1.0),
        ({"name": "uniform"}, 0.0),
        ({"name": "round_robin"}, 0.0),
        ({"name": "temperature"}, 0.5),
        ({"name": "temperature", "alpha": 1.0}, 1.0),
        ({"name": "temperature", "alpha": 0.0}, 0.0),
        ({"name": "temperature", "alpha": 0.25}, 0.25),
    ],
    ids=str,
)
@given(rows=ROWS, epoch=st.integers(1, 5))
def test_shares_are_the_published_powers(section: dict[str, Any], power: float, rows: dict[str, int], epoch: int) -> None:
    total = sum(count**power for count in rows.values())
    expected = {task: count**power / total for task, count in rows.items()}
    assert shares(section, rows, epoch, 5) == pytest.approx(expected)


def test_a_cap_bounds_what_a_large_task_counts() -> None:
    capped = shares({"name": "temperature", "alpha": 1.0, "cap": 50}, {"a": 1000, "b": 50, "c": 25}, 1, 1)
    assert capped == pytest.approx({"a": 0.4, "b": 0.4, "c": 0.2})


def test_annealing_goes_from_proportional_to_alpha_a_fifth() -> None:
    rows, section = {"large": 10_000, "small": 100}, {"name": "annealed"}
    by_epoch = [shares(section, rows, epoch, 9)["small"] for epoch in range(1, 10)]
    assert by_epoch[0] == pytest.approx(100 / 10_100)
    assert by_epoch[4] == pytest.approx(100**0.6 / (100**0.6 + 10_000**0.6))
    assert by_epoch[-1] == pytest.approx(100**0.2 / (100**0.2 + 10_000**0.2))
    assert by_epoch == sorted(by_epoch)
    assert shares(section, rows, 1, 1) == shares({"name": "proportional"}, rows, 1, 1), "one epoch divides by no zero"


@given(rows=st.dictionaries(st.sampled_from(TASKS), st.integers(1, 60), min_size=1))
def test_given_shares_sum_to_one_over_the_tasks_at_hand(rows: dict[str, int]) -> None:
    found, weights = shares(GIVEN, rows, 1, 1), GIVEN["probabilities"]
    assert sum(found.values()) == pytest.approx(1)
    for one in rows:
        for other in rows:
            assert found[one] / found[other] == pytest.approx(weights[one] / weights[other])


@pytest.mark.parametrize("section", SHARING, ids=named)
@given(rows=ROWS, epoch=st.integers(1, 5))
def test_quotas_are_the_shares_within_one_row(section: dict[str, Any], rows: dict[str, int], epoch: int) -> None:
    quotas, total = expected_quotas(training(section), rows, epoch), sum(rows.values())
    for task, share in shares(section, rows, epoch, 5).items():
        assert quotas[task] >= 1
        assert abs(quotas[task] - share * total) <= 1
    raised = sum(share * total < 1 for share in shares(section, rows, epoch, 5).values())
    assert total <= sum(quotas.values()) <= total + raised, "an epoch is as long as all rows together"


@pytest.mark.parametrize("section", [{"name": "proportional"}, {"name": "sequential"}], ids=named)
@given(rows=ROWS, epoch=st.integers(1, 5), seed=SEEDS)
def test_every_row_of_every_task_exactly_once(section: dict[str, Any], rows: dict[str, int], epoch: int, seed: int) -> None:
    drawn = draw(training(section), rows, epoch, seed)
    assert {task: sorted(chosen.tolist()) for task, chosen in drawn.items()} == {task: list(range(n)) for task, n in rows.items()}


@given(rows=ROWS, seed=SEEDS)
def test_round_robin_ends_with_the_largest_task(rows: dict[str, int], seed: int) -> None:
    drawn = draw(training({"name": "round_robin"}), rows, 1, seed)
    assert {len(chosen) for chosen in drawn.values()} == {max(rows.values())}
    assert all(set(chosen.tolist()) == set(range(rows[task])) for task, chosen in drawn.items()), "every row of every task is seen"


@pytest.mark.parametrize("draws", ["exact", "random"])
@pytest.mark.parametrize("updates", ["mixed", "single_task", "aggregate"])
@pytest.mark.parametrize("section", SHARING, ids=named)
@settings(max_examples=15)
@given(rows=ROWS, epochs=st.integers(1, 4), seed=SEEDS)
def test_no_row_comes_again_before_all_have_come(
    section: dict[str, Any], updates: str, draws: str, rows: dict[str, int], epochs: int, seed: int
) -> None:
    setting = training(section | {"draws": draws}, epochs, updates=updates, batch_size=8)
    seen = {task: Counter(dict.fromkeys(range(count), 0)) for task, count in rows.items()}
    for epoch in range(1, epochs + 1):
        drawn = draw(setting, rows, epoch, seed)
        assert {task: len(chosen) for task, chosen in drawn.items()} == drawn_quotas(setting, rows, epoch, seed)
        for task, chosen in drawn.items():
            seen[task].update(chosen.tolist())
            assert set(seen[task]) == set(range(rows[task]))
            assert max(seen[task].values()) - min(seen[task].values()) <= 1


@pytest.mark.parametrize(("updates", "unit"), [("mixed", 1), ("single_task", 10)])
def test_random_draws_have_the_expected_proportions_and_vary(updates: str, unit: int) -> None:
    """Over 40 epochs of 1,000 draws a share lies within four standard deviations of its own."""
    rows, expected = {"tweets": 600, "movie": 400}, 600**0.5 / (600**0.5 + 400**0.5)
    section = {"name": "temperature", "draws": "random"}
    setting = training(section, 40, updates=updates, batch_size=unit)
    quotas = [drawn_quotas(setting, {task: unit * count for task, count in rows.items()}, epoch, 3) for epoch in range(1, 41)]
    assert {sum(quota.values()) for quota in quotas} == {1000 * unit}
    assert {count % unit for quota in quotas for count in quota.values()} == {0}
    draws = 40 * 1000
    found = sum(quota["tweets"] for quota in quotas) / (draws * unit)
    assert abs(found - expected) < 4 * math.sqrt(expected * (1 - expected) / draws)
    deviation = np.std([quota["tweets"] / unit for quota in quotas])
    assert deviation == pytest.approx(math.sqrt(1000 * expected * (1 - expected)), rel=0.35)


@given(rows=ROWS, epoch=st.integers(1, 3), seed=SEEDS, size=st.integers(1, 9), draws=st.sampled_from(["exact", "random"]))
def test_every_task_has_a_row_in_every_update_that_aggregates(rows: dict[str, int], epoch: int, seed: int, size: int, draws: str) -> None:
    setting = training({"name": "proportional", "draws": draws}, 3, updates="aggregate", batch_size=size)
    quotas = drawn_quotas(setting, rows, epoch, seed)
    updates = count_updates(setting, quotas)
    assert min(quotas.values()) >= updates
    assert (updates - 1) * size * len(rows) < sum(quotas.values()) <= updates * size * len(rows)


@pytest.mark.parametrize("section", SHARING + ORDERING, ids=named)
def test_an_oversampled_task_is_shuffled_anew_in_every_pass(section: dict[str, Any]) -> None:
    rows = {"tweets": 50, "movie": 450}
    drawn = np.concatenate([draw(training(section), rows, epoch, 0)["tweets"] for epoch in range(1, 6)])
    passes = drawn[: len(drawn) // 50 * 50].reshape(-1, 50)
    assert len({tuple(one) for one in passes.tolist()}) == len(passes)
    assert tuple(range(50)) not in {tuple(one) for one in passes.tolist()}


@pytest.mark.parametrize("draws", ["exact", "random"])
@given(rows=ROWS, epoch=st.integers(1, 5), seed=SEEDS)
def test_a_draw_follows_from_its_arguments(draws: str, rows: dict[str, int], epoch: int, seed: int) -> None:
    setting = training({"name": "uniform", "draws": draws})
    once, again = (draw(setting, rows, epoch, seed) for _ in range(2))
    assert {task: chosen.tolist() for task, chosen in once.items()} == {task: chosen.tolist() for task, chosen in again.items()}


def test_seeds_and_epochs_give_other_orders() -> None:
    setting = training({"name": "proportional"}, 3)
    orders = [draw(setting, {"t": 100}, epoch, seed)["t"].tolist() for epoch in (1, 2, 3) for seed in (0, 1)]
    assert len({tuple(order) for order in orders}) == len(orders)


def test_a_twin_sees_its_rows_in_the_order_of_the_joint_model() -> None:
    """The comparison joint against twin then differs by the other tasks alone."""
    setting = training({"name": "proportional"}, 3)
    joint = draw(setting, {"tweets": 30, "movie": 70}, 2, 5)
    assert joint["movie"].tolist() == draw(setting, {"movie": 70}, 2, 5)["movie"].tolist()
