"""The recurrence of a DLN-LSTM in PyTorch operations, forward and backward by hand: any device, any precision.

The formulas are the layer's own: z = LN_x(W_x x) + LN_h(W_h h), gates in the order f, i, o, g, c' = f c + i g, h' = o act(LN_c(c')).
What is fed to the next step is h times the dropout mask of its text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from mtl_models.layers.dln.schedule import Schedule

__all__ = ["EPSILON", "Gradients", "Norms", "Recurrence", "Trace", "backward", "empty_trace", "forward", "summed_by_owner"]

EPSILON = 1e-5

_normalised = torch.ops.aten.native_layer_norm.default
_normalised_backward = torch.ops.aten.native_layer_norm_backward.default
_logistic_backward = torch.ops.aten.sigmoid_backward.grad_input
_tanh_backward = torch.ops.aten.tanh_backward.grad_input


class Norms(NamedTuple):
    """Layer norms of T tasks: gains of W_x x and W_h h and the sum of their shifts, each (T, 4H); gain and shift of the cell (T, H)."""

    gain_x: Tensor
    gain_h: Tensor
    shift: Tensor
    gain_c: Tensor
    shift_c: Tensor


@dataclass(frozen=True)
class Recurrence:
    """What the recurrence works on: N packed places, B rows, longest first.

    `products` (N, 4H) are W_x x; `weight` (4H, H) is W_h; `owner` (B,) int64 names each row's norms; `mask` (B, H) is the dropout of
    what is fed back, None for none; `tanh` puts the normalised cell state through tanh.
    """

    products: Tensor
    weight: Tensor
    norms: Norms
    owner: Tensor
    mask: Tensor | None
    schedule: Schedule
    tanh: bool


class Trace(NamedTuple):
    """What the backward pass needs of the forward one: W_h h and gates (N, 4H), cell states and what was fed to the place (N, H).

    `statistics` (N, 6) are mean and 1/deviation of W_x x, of W_h h and of the cell state.
    """

    products_h: Tensor
    gates: Tensor
    cell: Tensor
    fed: Tensor
    statistics: Tensor


class Gradients(NamedTuple):
    """Gradients of `Recurrence.products`, of W_h h at every place (those of the first position mean nothing), and of the norms."""

    products: Tensor
    products_h: Tensor
    norms: Norms


def empty_trace(problem: Recurrence) -> Trace:
    """Room for the trace, not filled."""
    products = problem.products
    places, wide = products.shape
    hidden = wide // 4
    return Trace(
        torch.empty_like(products),
        torch.empty_like(products),
        products.new_empty(places, hidden),
        products.new_empty(places, hidden),
        products.new_empty(places, 6),
    )


def forward(problem: Recurrence) -> Trace:
    """Run the texts; the states are in the trace."""
    trace = empty_trace(problem)
    hidden = problem.weight.shape[1]
    norms = [norm.index_select(0, problem.owner) for norm in problem.norms]
    gain_x, gain_h, shift, gain_c, shift_c = norms
    _, gates, cell, fed, statistics = trace
    normal, statistics[:, 0:1], statistics[:, 1:2] = _normalised(problem.products, [4 * hidden], None, None, EPSILON)
    steps = list(zip(problem.schedule.starts, problem.schedule.sizes, strict=True))
    for step, (at, size) in enumerate(steps):
        here = slice(at, at + size)
        z = torch.addcmul(shift[:size], normal[here], gain_x[:size], out=gates[here])
        if step:
            product = torch.mm(fed[here], problem.weight.t(), out=trace.products_h[here])
            y, statistics[here, 2:3], statistics[here, 3:4] = _normalised(product, [4 * hidden], None, None, EPSILON)
            z.addcmul_(y, gain_h[:size])
        z[:, : 3 * hidden].sigmoid_()
        z[:, 3 * hidden :].tanh_()
        f, i, o, g = z.chunk(4, 1)
        c = torch.mul(i, g, out=cell[here])
        if step:
            before = steps[step - 1][0]
            c.addcmul_(f, cell[before : before + size])
        if step + 1 < len(steps):
            after, going = steps[step + 1]
            mean, scale = statistics[at : at + going, 4:5], statistics[at : at + going, 5:6]
            y, mean[:], scale[:] = _normalised(c[:going], [hidden], None, None, EPSILON)
            out = torch.addcmul(shift_c[:going], y, gain_c[:going], out=fed[after : after + going])
            if problem.tanh:
                out.tanh_()
            out.mul_(o[:going])
            if problem.mask is not None:
                out.mul_(problem.mask[:going])
    return trace


def backward(problem: Recurrence, trace: Trace, grad_cell: Tensor, grad_out: Tensor) -> Gradients:
    """From the gradients (B, H) of every row's last cell state and last output gate."""
    hidden = problem.weight.shape[1]
    gain_x, gain_h, _, gain_c, shift_c = (norm.index_select(0, problem.owner) for norm in problem.norms)
    sums = Norms(*(torch.zeros_like(rows) for rows in (gain_x, gain_h, gain_x, gain_c, gain_c)))
    grad_x, grad_h = torch.empty_like(problem.products), torch.zeros_like(problem.products)
    statistics = trace.statistics
    flow, fed = grad_cell.clone(), torch.empty_like(grad_cell)
    steps = list(zip(problem.schedule.starts, problem.schedule.sizes, strict=True))
    for step in reversed(range(len(steps))):
        at, size = steps[step]
        here = slice(at, at + size)
        dz, gates, dc = grad_x[here], trace.gates[here], flow[:size]
        df, di, do, dg = dz.chunk(4, 1)
        f, i, _, g = gates.chunk(4, 1)
        going = steps[step + 1][1] if step + 1 < len(steps) else 0
        do[going:] = grad_out[going:size]
        if going:
            _through_output(problem, trace, at, going, fed[:going], gain_c, shift_c, sums, do, dc)
        if step:
            before = steps[step - 1][0]
            torch.mul(dc, trace.cell[before : before + size], out=df)
        else:
            df.zero_()
        torch.mul(dc, g, out=di)
        _logistic_backward(dz[:, : 3 * hidden], gates[:, : 3 * hidden], grad_input=dz[:, : 3 * hidden])
        _tanh_backward(dc * i, g, grad_input=dg)
        dc.mul_(f)
        sums.shift[:size] += dz
        if step:
            product, mean, scale = trace.products_h[here], statistics[here, 2:3], statistics[here, 3:4]
            sums.gain_h[:size].addcmul_(dz, (product - mean).mul_(scale))
            grad_h[here] = _through_norm(dz * gain_h[:size], product, mean, scale)
            torch.mm(grad_h[here], problem.weight, out=fed[:size])
        product, mean, scale = problem.products[here], statistics[here, 0:1], statistics[here, 1:2]
        sums.gain_x[:size].addcmul_(dz, (product - mean).mul_(scale))
        dz.copy_(_through_norm(dz * gain_x[:size], product, mean, scale))
    count = len(problem.norms.gain_x)
    return Gradients(grad_x, grad_h, Norms(*(summed_by_owner(rows, problem.owner, count) for rows in sums)))


def summed_by_owner(rows: Tensor, owner: Tensor, count: int) -> Tensor:
    """(B, F) -> (count, F): the sum of every owner's rows, as a product, whose order of summation is fixed on any device."""
    members = torch.arange(count, device=owner.device).unsqueeze(1) == owner
    return members.to(rows.dtype) @ rows


def _through_output(
    problem: Recurrence,
    trace: Trace,
    at: int,
    going: int,
    fed: Tensor,
    gain_c: Tensor,
    shift_c: Tensor,
    sums: Norms,
    do: Tensor,
    dc: Tensor,
) -> None:
    """What comes back through h of the rows that go on, fed (going, H): written to `do`, added to `dc` and to the sums."""
    hidden = problem.weight.shape[1]
    cell, o = trace.cell[at : at + going], trace.gates[at : at + going, 2 * hidden : 3 * hidden]
    mean, scale = trace.statistics[at : at + going, 4:5], trace.statistics[at : at + going, 5:6]
    normal = (cell - mean).mul_(scale)
    state = torch.addcmul(shift_c[:going], normal, gain_c[:going])
    if problem.mask is not None:
        fed.mul_(problem.mask[:going])
    if problem.tanh:
        state.tanh_()
    torch.mul(fed, state, out=do[:going])
    fed.mul_(o)
    if problem.tanh:
        _tanh_backward(fed, state, grad_input=fed)
    sums.shift_c[:going] += fed
    sums.gain_c[:going].addcmul_(fed, normal)
    dc[:going] += _through_norm(fed.mul_(gain_c[:going]), cell, mean, scale)


def _through_norm(gradient: Tensor, x: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
    grad: Tensor = _normalised_backward(
        gradient.contiguous(), x, [x.shape[1]], mean.contiguous(), scale.contiguous(), None, None, [True, False, False]
    )[0]
    return grad
