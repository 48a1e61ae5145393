"""What a user loses if these fail: tasks that read with one another's norms, or texts that answer for their neighbours in the batch."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mtl_models.layers.dln.lstm import DlnCell, DlnLstm
from mtl_models.layers.dln.norms import DomainNorms, stacked_norms

INPUTS, HIDDEN = 3, 5


def _norms(tasks: int, has_input: bool = True) -> list[DomainNorms]:
    modules = [DomainNorms(HIDDEN, has_input).double() for _ in range(tasks)]
    for parameter in (parameter for module in modules for parameter in module.parameters()):
        torch.nn.init.normal_(parameter)
    return modules


def _normal(z: Tensor) -> Tensor:
    return (z - z.mean()) / (z.var(unbiased=False) + 1e-5).sqrt()


def _step(layer: DlnLstm | DlnCell, norms: DomainNorms, x: Tensor | None, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """The cell as it is published, for one text."""
    z = _normal(layer.weight_h @ h) * norms.gain_h + norms.shift_h
    if x is not None:
        z = z + _normal(layer.weight_x @ x) * norms.gain_x + norms.shift_x
    f, i, o, g = z.chunk(4)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    state = _normal(c) * norms.gain_c + norms.shift_c
    return o.sigmoid() * (state.tanh() if layer.activation == "tanh" else state), c


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.integers(0, 2), st.sampled_from(["none", "tanh"]))
@settings(deadline=None, max_examples=30)
def test_every_text_is_read_to_its_end_under_its_own_norms(lengths: list[int], extra: int, activation: str) -> None:
    torch.manual_seed(1)
    layer, norms = DlnLstm(INPUTS, HIDDEN, activation, recurrent_dropout=0.5).double().eval(), _norms(2)
    owner = torch.arange(len(lengths)) % 2
    x = torch.randn(len(lengths), max(lengths) + extra, INPUTS, dtype=torch.float64)
    for row, length in enumerate(lengths):
        x[row, length:] = torch.nan  # whoever looks at padding is found out
    state, cell = layer(x, torch.tensor(lengths), stacked_norms(norms), owner)
    for row, length in enumerate(lengths):
        h = c = torch.zeros(HIDDEN, dtype=torch.float64)
        for position in range(length):
            h, c = _step(layer, norms[owner[row]], x[row, position], h, c)
        torch.testing.assert_close(state[row], h, atol=1e-12, rtol=0)
        torch.testing.assert_close(cell[row], c, atol=1e-12, rtol=0)


@pytest.mark.parametrize("activation", ["none", "tanh"])
@pytest.mark.parametrize("inputs", [INPUTS, None])
def test_the_cell_is_one_step_from_a_given_state(inputs: int | None, activation: str) -> None:
    torch.manual_seed(2)
    cell, norms = DlnCell(inputs, HIDDEN, activation).double(), _norms(3, has_input=inputs is not None)
    h, c = torch.randn(2, 4, HIDDEN, dtype=torch.float64)
    x = None if inputs is None else torch.randn(4, inputs, dtype=torch.float64)
    owner = torch.tensor([2, 0, 0, 1])
    state = cell(x, h, c, stacked_norms(norms), owner)
    for row in range(4):
        expected, _ = _step(cell, norms[owner[row]], None if x is None else x[row], h[row], c[row])
        torch.testing.assert_close(state[row], expected, atol=1e-12, rtol=0)


def test_recurrent_dropout_has_one_mask_per_text_and_spares_the_last_state() -> None:
    torch.manual_seed(3)
    layer, norms, owner = DlnLstm(INPUTS, 400, recurrent_dropout=0.25), [DomainNorms(400)], torch.zeros(2, dtype=torch.int64)
    mask = layer._mask(2)
    assert mask is not None
    assert mask.shape == (2, 400)
    assert set(mask.unique().tolist()) == {0.0, torch.tensor(1 / 0.75).item()}
    assert mask.mean().item() == pytest.approx(1.0, abs=0.1)
    once = torch.randn(2, 1, INPUTS)
    short, long = torch.tensor([1, 1]), torch.tensor([2, 2])
    assert layer(once, short, stacked_norms(norms), owner)[0].equal(layer(once, short, stacked_norms(norms), owner)[0])
    twice = once.repeat(1, 2, 1)
    assert not layer(twice, long, stacked_norms(norms), owner)[0].equal(layer(twice, long, stacked_norms(norms), owner)[0])
    layer.eval()
    assert layer(twice, long, stacked_norms(norms), owner)[0].equal(layer(twice, long, stacked_norms(norms), owner)[0])


def test_a_task_owns_18_numbers_per_unit_and_starts_as_plain_layer_norm() -> None:
    norms = DomainNorms(HIDDEN)
    assert sum(parameter.numel() for parameter in norms.parameters()) == 18 * HIDDEN
    assert sum(parameter.numel() for parameter in DomainNorms(HIDDEN, has_input=False).parameters()) == 10 * HIDDEN
    assert all(parameter.eq(1 if name.startswith("gain") else 0).all() for name, parameter in norms.named_parameters())


@pytest.mark.parametrize("has_input", [True, False])
def test_a_new_task_starts_at_the_mean_of_the_others(has_input: bool) -> None:
    torch.manual_seed(4)
    others, new = _norms(3, has_input), DomainNorms(HIDDEN, has_input).double()
    before = [parameter.detach().clone() for other in others for parameter in other.parameters()]
    new.start_at_mean(others)
    for name, parameter in new.named_parameters():
        torch.testing.assert_close(parameter, sum(other.get_parameter(name) for other in others) / 3)
        assert parameter.requires_grad
    assert all(old.equal(now) for old, now in zip(before, (p for other in others for p in other.parameters()), strict=True))


@pytest.mark.parametrize("dtype", [torch.bfloat16])
def test_in_mixed_precision_the_recurrence_keeps_the_weights_own(dtype: torch.dtype) -> None:
    torch.manual_seed(5)
    layer, norms, owner = DlnLstm(INPUTS, HIDDEN), [DomainNorms(HIDDEN)], torch.zeros(2, dtype=torch.int64)
    x, lengths = torch.randn(2, 4, INPUTS), torch.tensor([4, 2])
    plain = layer(x, lengths, stacked_norms(norms), owner)[0]
    with torch.autocast("cpu", dtype):
        state, cell = layer(x, lengths, stacked_norms(norms), owner)
    assert cell.dtype == torch.float32
    torch.testing.assert_close(state.float(), plain, atol=0.05, rtol=0.05)
    state.float().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in layer.parameters())


NEEDS_GPU = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")]


@pytest.mark.parametrize("device", [pytest.param("cuda", marks=NEEDS_GPU)])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-4)])
def test_a_gpu_computes_the_same(device: str, dtype: torch.dtype, tolerance: float) -> None:
    torch.manual_seed(6)
    layer, norms = DlnLstm(INPUTS, HIDDEN).double(), torch.nn.ModuleList(_norms(2))
    x, lengths, owner = torch.randn(4, 6, INPUTS, dtype=torch.float64), torch.tensor([6, 2, 6, 1]), torch.tensor([0, 1, 1, 0])
    found = []
    for place, kind in (("cpu", torch.float64), (device, dtype)):
        layer, norms = layer.to(place, kind), norms.to(place, kind)
        state, cell = layer(x.to(place, kind), lengths, stacked_norms(list(norms)), owner.to(place))
        gradients = torch.autograd.grad(state.sum() + cell.square().sum(), [*layer.parameters(), *norms.parameters()])
        found.append([tensor.detach().cpu().double() for tensor in (state, cell, *gradients)])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, atol=tolerance, rtol=tolerance)
