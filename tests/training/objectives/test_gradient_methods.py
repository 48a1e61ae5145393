"""What a user loses if these fail: a method by name that does not do what its paper promises of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mtl_models.training.objectives.cagrad import CaGrad
from mtl_models.training.objectives.mgda import Mgda
from mtl_models.training.objectives.nash_mtl import NashMtl
from mtl_models.training.objectives.objective import GradientMethod
from mtl_models.training.objectives.pcgrad import PcGrad
from mtl_models.training.objectives.upgrad import UpGrad

METHODS: dict[str, Callable[[], GradientMethod]] = {
    "upgrad": UpGrad,
    "pcgrad": PcGrad,
    "mgda": Mgda,
    "cagrad": lambda: CaGrad(0.4),
    "nash_mtl": lambda: NashMtl(1),
}
every_method = pytest.mark.parametrize("name", METHODS)


@st.composite
def gradients(draw: st.DrawFn, tasks: tuple[int, int] = (2, 4)) -> Tensor:
    """(T, 6) float64, of lengths from 1e-3 to 1e3, in agreement or not."""
    count = draw(st.integers(*tasks))
    random = torch.Generator().manual_seed(draw(st.integers(0, 10_000)))
    scale = 10.0 ** draw(st.integers(-3, 3))
    common = draw(st.sampled_from([0.0, 1.0, 3.0]))
    return scale * (torch.randn(count, 6, generator=random, dtype=torch.float64) + common * torch.randn(6, generator=random).double())


def combined(method: GradientMethod, rows: Tensor) -> Tensor:
    torch.manual_seed(0)
    return method.weights(rows @ rows.T) @ rows


@every_method
def test_one_task_is_plain_descent(name: str) -> None:
    """A twin must not train at another pace than the joint model because of a method that has nothing to do."""
    assert METHODS[name]().weights(torch.tensor([[7.3]])).tolist() == [1.0]


@every_method
def test_gradients_of_zero_do_no_harm(name: str) -> None:
    method = METHODS[name]()
    assert method.weights(torch.zeros(3, 3)).isfinite().all()
    rows = torch.tensor([[1.0, 2.0, 0.0], [0.0, 0.0, 0.0], [2.0, -1.0, 0.5]], dtype=torch.float64)
    assert combined(method, rows).isfinite().all()


@every_method
@settings(max_examples=5, deadline=None)
@given(rows=gradients((2, 3)), order=st.randoms(use_true_random=False))
def test_the_order_of_the_tasks_does_not_matter(name: str, rows: Tensor, order: object) -> None:
    """Of PCGrad for two tasks only: with three its own order is random."""
    if name == "pcgrad":
        rows = rows[:2]
    for permutation in itertools.permutations(range(len(rows))):
        places = list(permutation)
        assert torch.allclose(combined(METHODS[name](), rows[places]), combined(METHODS[name](), rows), rtol=2e-2, atol=1e-2 * rows.norm())


@every_method
@settings(max_examples=5, deadline=None)
@given(rows=gradients())
def test_only_the_direction_of_all_gradients_together_matters(name: str, rows: Tensor) -> None:
    """Losses written in another unit give the same factors, however small gradients get."""
    ones, others = (METHODS[name]() for _ in range(2))
    torch.manual_seed(0)
    expected = ones.weights(rows @ rows.T)
    torch.manual_seed(0)
    assert torch.allclose(others.weights(1e-6 * rows @ rows.T), expected, rtol=1e-3, atol=1e-4)


@settings(max_examples=100, deadline=None)
@given(rows=gradients())
def test_upgrad_harms_no_task(rows: Tensor) -> None:
    """Non-conflict: no inner product with a gradient is negative, but for the solver's regularisation."""
    found = combined(UpGrad(), rows)
    assert ((rows @ found) >= -1e-3 * rows.norm() ** 2).all()


@settings(max_examples=50, deadline=None)
@given(rows=gradients())
def test_upgrad_without_conflicts_is_the_mean(rows: Tensor) -> None:
    agreeing = rows.abs()
    assert torch.allclose(combined(UpGrad(), agreeing), agreeing.mean(0), rtol=1e-6)


@settings(max_examples=100, deadline=None)
@given(rows=gradients((2, 2)))
def test_pcgrad_of_two_gradients_is_its_formula(rows: Tensor) -> None:
    one, other = rows
    dot = one @ other
    least = min(dot, torch.zeros_like(dot))
    expected = one - least / (other @ other) * other + other - least / (one @ one) * one
    assert torch.allclose(combined(PcGrad(), rows), expected, atol=1e-9 * float(rows.norm()))


@settings(max_examples=40, deadline=None)
@given(rows=gradients((2, 3)))
def test_mgda_is_the_shortest_convex_combination(rows: Tensor) -> None:
    """Against every point of a grid over the simplex."""
    method = Mgda()
    weights = method.weights(rows @ rows.T)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= -1e-9).all()
    steps = 60
    grid = [point for point in itertools.product(range(steps + 1), repeat=len(rows)) if sum(point) == steps]
    shortest = (torch.tensor(grid, dtype=torch.float64) / steps @ rows).norm(dim=1).min()
    assert (weights @ rows).norm() <= shortest + 0.02 * rows.norm()


@settings(max_examples=25, deadline=None)
@given(rows=gradients(), c=st.sampled_from([0.0, 0.2, 0.4, 0.9]))
def test_cagrad_stays_within_its_radius_and_helps_the_worst_off(rows: Tensor, c: float) -> None:
    mean, found = rows.mean(0), combined(CaGrad(c), rows)
    if found.norm() == 0:  # a Pareto-stationary point: nothing helps every task
        return
    assert (found - mean).norm() <= c * mean.norm() * 1.01 + 1e-6 * rows.norm()
    assert (rows @ found).min() >= (rows @ mean).min() - 1e-3 * rows.norm() ** 2
    if c == 0.0:
        assert torch.allclose(found, mean, atol=1e-6 * float(rows.norm()))


@settings(max_examples=12, deadline=None)
@given(rows=gradients((2, 3)))
def test_nash_mtl_solves_the_bargain(rows: Tensor) -> None:
    """Claim 3.1: alpha_i times the gain of task i is the same for every task, so the gains are inverse to alpha."""
    weights = NashMtl(1).weights(rows @ rows.T)
    gains = (rows @ (weights @ rows)) * weights
    assert (weights > 0).all()
    assert gains.min() > 0
    assert float(gains.max() / gains.min()) < 1.25, "the solver stops after 20 steps, near the solution"


def test_nash_mtl_keeps_a_solution_for_as_long_as_asked_and_begins_anew_with_an_epoch() -> None:
    random = torch.Generator().manual_seed(1)
    first, second = (torch.randn(2, 5, generator=random, dtype=torch.float64) for _ in range(2))
    method = NashMtl(2)
    once = method.weights(first @ first.T)
    assert torch.equal(method.weights(second @ second.T), once)
    assert not torch.equal(method.weights(second @ second.T), once)
    method.begin_epoch(["a", "b"], [])
    assert torch.equal(method.weights(first @ first.T), once), "nothing is left from the epoch before"


def test_nash_mtl_keeps_a_solution_through_updates_that_conflict() -> None:
    agreeing, opposed = torch.tensor([[1.0, 0.2], [0.2, 0.5]]).double(), torch.tensor([[1.0, -0.9], [-0.9, 1.0]]).double()
    method = NashMtl(10)
    once = method.weights(agreeing)
    assert torch.equal(method.weights(opposed), once)
    assert torch.equal(method.weights(agreeing), once)
