"""What a user loses if these fail: a DLN-LSTM that trains on wrong gradients, or answers otherwise where there is a C compiler."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mtl_models.layers.dln import native, steps
from mtl_models.layers.dln.kernel import recur
from mtl_models.layers.dln.schedule import Schedule
from mtl_models.layers.dln.steps import Norms, Recurrence

LENGTHS = st.lists(st.integers(1, 7), min_size=1, max_size=6)
CPU = torch.device("cpu")


def _problem(lengths: list[int], hidden: int, tanh: bool, dropped: bool, dtype: torch.dtype = torch.float64) -> Recurrence:
    """Seeded numbers, drawn in float64 whatever the type; the norms of three tasks, of which one may have no rows."""
    random = torch.Generator().manual_seed(sum(lengths) + hidden)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random, dtype=torch.float64).to(dtype)

    norms = Norms(*(draw(3, width * hidden) for width in (4, 4, 4, 1, 1)))
    mask = torch.rand(len(lengths), hidden, generator=random, dtype=torch.float64).gt(0.3).to(dtype) / 0.7 if dropped else None
    owner = torch.randint(0, 3, (len(lengths),), generator=random)
    schedule = Schedule.of(torch.tensor(lengths), max(lengths), CPU)
    return Recurrence(draw(sum(lengths), 4 * hidden), draw(4 * hidden, hidden) / 2, norms, owner, mask, schedule, tanh)


def _slow(problem: Recurrence, products: Tensor, weight: Tensor, norms: Norms) -> tuple[Tensor, Tensor]:
    """Row by row and step by step, as the formulas are written; autograd does the rest."""
    hidden, cells, outs = weight.shape[1], [], []
    for row, owner in enumerate(problem.owner.tolist()):
        gain_x, gain_h, shift, gain_c, shift_c = (norm[owner] for norm in norms)
        h = c = o = products.new_zeros(hidden)
        for start, size in zip(problem.schedule.starts, problem.schedule.sizes, strict=True):
            if row >= size:
                break
            fed = h if problem.mask is None else h * problem.mask[row]
            z = _normal(products[start + row]) * gain_x + _normal(weight @ fed) * gain_h + shift
            f, i, o, g = (*z[: 3 * hidden].sigmoid().chunk(3), z[3 * hidden :].tanh())
            c = f * c + i * g
            state = _normal(c) * gain_c + shift_c
            h = o * (state.tanh() if problem.tanh else state)
        cells.append(c)
        outs.append(o)
    return torch.stack(cells), torch.stack(outs)


def _normal(z: Tensor) -> Tensor:
    return (z - z.mean()) / (z.var(unbiased=False) + 1e-5).sqrt()


def _results(problem: Recurrence, slow: bool = False) -> list[Tensor]:
    """Outputs, and the gradients of every floating argument for a fixed weighting of the outputs."""
    leaves = [tensor.clone().requires_grad_() for tensor in (problem.products, problem.weight, *problem.norms)]
    products, weight, norms = leaves[0], leaves[1], Norms(*leaves[2:])
    if slow:
        cell, out = _slow(problem, products, weight, norms)
    else:
        cell, out = recur(products, weight, norms, problem.owner, problem.mask, problem.schedule, problem.tanh)
    by = torch.linspace(-1, 2, 2 * cell.numel(), dtype=torch.float64).view(2, *cell.shape).to(cell.dtype)
    gradients = torch.autograd.grad((cell * by[0]).sum() + (out * by[1]).sum(), leaves, materialize_grads=True)
    return [cell, out, *gradients]


@given(LENGTHS, st.integers(1, 5), st.booleans(), st.booleans())
@settings(deadline=None, max_examples=25)
def test_in_pytorch_operations_it_equals_the_formulas(lengths: list[int], hidden: int, tanh: bool, dropped: bool) -> None:
    problem = _problem(lengths, hidden, tanh, dropped)
    for ours, expected in zip(_results(problem), _results(problem, slow=True), strict=True):
        torch.testing.assert_close(ours, expected, atol=1e-9, rtol=1e-7)


@pytest.mark.parametrize("tanh", [False, True])
@pytest.mark.parametrize("dropped", [False, True])
@pytest.mark.parametrize("lengths", [[3], [1, 1], [2, 4, 1, 4]])
def test_gradcheck(lengths: list[int], dropped: bool, tanh: bool) -> None:
    problem = _problem(lengths, 3, tanh, dropped)
    leaves = tuple(tensor.clone().requires_grad_() for tensor in (problem.products, problem.weight, *problem.norms))

    def run(products: Tensor, weight: Tensor, *norms: Tensor) -> tuple[Tensor, Tensor]:
        return recur(products, weight, Norms(*norms), problem.owner, problem.mask, problem.schedule, tanh)

    assert torch.autograd.gradcheck(run, leaves)


needs_compiler = pytest.mark.skipif(not native.available(), reason="no C compiler")
MEANS = [steps, pytest.param(native, marks=needs_compiler)]


@pytest.mark.parametrize("means", MEANS)
@pytest.mark.parametrize("tanh", [False, True])
@pytest.mark.parametrize("dropped", [False, True])
@pytest.mark.parametrize(("lengths", "hidden"), [([1], 3), ([5, 5, 5], 8), ([9, 2, 4, 9, 1], 17), ([30, 11, 6], 70)])
def test_in_single_precision_every_means_comes_close_to_the_formulas(
    monkeypatch: pytest.MonkeyPatch, means: ModuleType, lengths: list[int], hidden: int, dropped: bool, tanh: bool
) -> None:
    monkeypatch.setattr(native, "available", lambda: means is native)
    ours = _results(_problem(lengths, hidden, tanh, dropped, torch.float32))
    expected = _results(_problem(lengths, hidden, tanh, dropped), slow=True)
    for one, other in zip(ours, expected, strict=True):
        assert (one.double() - other).abs().max() <= 2e-5 * (1 + other.abs().max())


@pytest.mark.parametrize("means", MEANS)
def test_what_is_not_a_number_stays_so(monkeypatch: pytest.MonkeyPatch, means: ModuleType) -> None:
    monkeypatch.setattr(native, "available", lambda: means is native)
    problem = _problem([4, 4], 6, False, False, torch.float32)
    problem.products[problem.schedule.starts[2]] = torch.nan  # third position of the first text
    cell, out = recur(problem.products, problem.weight, problem.norms, problem.owner, None, problem.schedule)
    assert cell[0].isnan().all()
    assert out[0].isnan().all()
    assert cell[1].isfinite().all()
    assert out[1].isfinite().all()


@pytest.mark.parametrize("means", MEANS)
def test_gates_that_are_wide_open_or_shut_stay_exact(monkeypatch: pytest.MonkeyPatch, means: ModuleType) -> None:
    monkeypatch.setattr(native, "available", lambda: means is native)
    problem = _problem([4, 4, 2], 6, False, False, torch.float32)
    large = Norms(*(norm * 1e4 for norm in problem.norms))  # far beyond what exp takes in single precision
    cell, out = recur(problem.products, problem.weight, large, problem.owner, None, problem.schedule)
    double = [norm.double() for norm in large]
    expected = _slow(problem, problem.products.double(), problem.weight.double(), Norms(*double))
    torch.testing.assert_close(cell.double(), expected[0], atol=1e-4, rtol=0)
    torch.testing.assert_close(out.double(), expected[1], atol=1e-4, rtol=0)


@pytest.mark.parametrize("means", MEANS)
def test_the_backward_pass_may_run_again_over_one_graph(monkeypatch: pytest.MonkeyPatch, means: ModuleType) -> None:
    monkeypatch.setattr(native, "available", lambda: means is native)
    problem = _problem([3, 5], 6, True, True, torch.float32)
    weight = problem.weight.requires_grad_()
    cell, _ = recur(problem.products, weight, problem.norms, problem.owner, problem.mask, problem.schedule, problem.tanh)
    first, second = (torch.autograd.grad(cell.sum(), weight, retain_graph=True)[0] for _ in range(2))
    assert first.equal(second)


@needs_compiler
def test_the_c_cell_gives_equal_bits_with_any_number_of_threads() -> None:
    problem = _problem([9, 2, 4, 9, 1], 17, False, True, torch.float32)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = _results(problem)[:2]
        torch.set_num_threads(2)
        two = _results(problem)[:2]
    finally:
        torch.set_num_threads(before)
    assert all(a.equal(b) for a, b in zip(one, two, strict=True))


@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="needs Triton, which comes with PyTorch for GPUs")
def test_the_gpu_kernels_equal_the_pytorch_operations_in_tritons_interpreter() -> None:
    script = (
        "import torch\nfrom mtl_models.layers.dln import cuda, steps\nfrom mtl_models.layers.dln.schedule import Schedule\n"
        "lengths, hidden = torch.tensor([2, 4, 1, 4]), 5\n"
        "schedule = Schedule.of(lengths, 4, torch.device('cpu'))\n"
        "for tanh, mask in ((False, None), (True, torch.rand(4, hidden))):\n"
        "    torch.manual_seed(1)\n"
        "    norms = steps.Norms(*(torch.randn(3, width * hidden) for width in (4, 4, 4, 1, 1)))\n"
        "    products, weight, owner = torch.randn(11, 4 * hidden), torch.randn(4 * hidden, hidden), torch.tensor([2, 0, 0, 1])\n"
        "    problem = steps.Recurrence(products, weight, norms, owner, mask, schedule, tanh)\n"
        "    last = torch.randn(2, 4, hidden)\n"
        "    found = []\n"
        "    for means in (cuda, steps):\n"
        "        trace = means.forward(problem)\n"
        "        gradients = means.backward(problem, trace, *last)\n"
        "        found.append([trace.gates, trace.cell, trace.fed[4:], gradients.products, gradients.products_h[4:], *gradients.norms])\n"
        "    for one, other in zip(*found, strict=True):\n"
        "        torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-3)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[2], env={**os.environ, "TRITON_INTERPRET": "1"})


def test_without_a_compiler_it_says_so_once_and_goes_on() -> None:
    script = (
        "import torch\nfrom mtl_models.layers.dln import native\nfrom mtl_models.layers.dln.lstm import DlnLstm\n"
        "from mtl_models.layers.dln.norms import DomainNorms, stacked_norms\n"
        "layer, norms, owner = DlnLstm(3, 4), stacked_norms([DomainNorms(4)]), torch.zeros(2, dtype=torch.int64)\n"
        "for _ in range(2):\n    layer(torch.randn(2, 5, 3), torch.tensor([5, 2]), norms, owner)[0].sum().backward()\n"
        "print(native.available(), layer.weight_h.grad.abs().sum() > 0)\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=root,
        env={**os.environ, "CC": "no-such-compiler"},
    )
    assert "False tensor(True)" in done.stdout
    assert (done.stdout + done.stderr).count("no fast CPU cell") == 1


@given(LENGTHS, st.integers(0, 3))
@settings(deadline=None)
def test_the_schedule_packs_as_pytorch_does(lengths: list[int], extra: int) -> None:
    tensor, positions = torch.tensor(lengths), max(lengths) + extra
    schedule = Schedule.of(tensor, positions, CPU)
    x = torch.arange(len(lengths) * positions).view(len(lengths), positions)
    packed = torch.nn.utils.rnn.pack_padded_sequence(x[schedule.order], tensor[schedule.order], batch_first=True)
    assert x.flatten()[schedule.source].equal(packed.data)
    assert list(schedule.sizes) == packed.batch_sizes.tolist()
    ends = x[torch.arange(len(lengths)), tensor - 1]
    assert packed.data[schedule.last].equal(ends[schedule.order])
