"""What a user loses if these fail: rows never trained on, rows trained on twice as often, a task with another share than configured."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtl_models.config.samplers import ProportionalSampler, UniformSampler
from mtl_models.training.samplers.build import build_sampler
from mtl_models.training.samplers.draw import draw

SECTIONS = [ProportionalSampler(), UniformSampler(name="uniform")]
ROWS = st.dictionaries(st.sampled_from(["tweets", "movie", "product", "editorials"]), st.integers(1, 60), min_size=1)
SEEDS = st.integers(0, 2**31 - 1)


@given(rows=ROWS, epoch=st.integers(1, 5), seed=SEEDS)
def test_proportional_takes_every_row_exactly_once(rows: dict[str, int], epoch: int, seed: int) -> None:
    drawn = draw(build_sampler(ProportionalSampler()), rows, epoch, 5, seed)
    assert {task: sorted(chosen.tolist()) for task, chosen in drawn.items()} == {task: list(range(n)) for task, n in rows.items()}


@given(rows=ROWS, epoch=st.integers(1, 5))
def test_uniform_gives_equal_shares_of_the_same_total(rows: dict[str, int], epoch: int) -> None:
    quotas = build_sampler(UniformSampler(name="uniform")).quotas(rows, epoch, 5)
    assert sum(quotas.values()) == sum(rows.values())
    assert max(quotas.values()) - min(quotas.values()) <= 1
    assert min(quotas.values()) >= 1


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
@given(rows=ROWS, epochs=st.integers(1, 6), seed=SEEDS)
def test_no_row_comes_again_before_all_have_come(section: ProportionalSampler, rows: dict[str, int], epochs: int, seed: int) -> None:
    sampler = build_sampler(section)
    seen = {task: Counter(dict.fromkeys(range(count), 0)) for task, count in rows.items()}
    for epoch in range(1, epochs + 1):
        drawn = draw(sampler, rows, epoch, epochs, seed)
        assert {task: len(chosen) for task, chosen in drawn.items()} == sampler.quotas(rows, epoch, epochs)
        for task, chosen in drawn.items():
            seen[task].update(chosen.tolist())
            assert set(seen[task]) == set(range(rows[task]))
            assert max(seen[task].values()) - min(seen[task].values()) <= 1


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_an_oversampled_task_is_shuffled_anew_in_every_pass(section: ProportionalSampler) -> None:
    rows = {"small": 50, "large": 450}
    passes = np.concatenate([draw(build_sampler(section), rows, epoch, 5, 0)["small"] for epoch in range(1, 6)]).reshape(-1, 50)
    assert len({tuple(one) for one in passes.tolist()}) == len(passes)
    assert tuple(range(50)) not in {tuple(one) for one in passes.tolist()}


@given(rows=ROWS, epoch=st.integers(1, 5), seed=SEEDS)
def test_a_draw_follows_from_its_arguments(rows: dict[str, int], epoch: int, seed: int) -> None:
    sampler = build_sampler(UniformSampler(name="uniform"))
    once, again = (draw(sampler, rows, epoch, 5, seed) for _ in range(2))
    assert {task: chosen.tolist() for task, chosen in once.items()} == {task: chosen.tolist() for task, chosen in again.items()}


def test_seeds_and_epochs_give_other_orders() -> None:
    sampler = build_sampler(ProportionalSampler())
    orders = [draw(sampler, {"t": 100}, epoch, 3, seed)["t"].tolist() for epoch in (1, 2, 3) for seed in (0, 1)]
    assert len({tuple(order) for order in orders}) == len(orders)


def test_a_twin_sees_its_rows_in_the_order_of_the_joint_model() -> None:
    """The comparison joint against twin then differs by the other tasks alone."""
    sampler = build_sampler(ProportionalSampler())
    joint = draw(sampler, {"tweets": 30, "movie": 70}, 2, 3, 5)
    assert joint["movie"].tolist() == draw(sampler, {"movie": 70}, 2, 3, 5)["movie"].tolist()
