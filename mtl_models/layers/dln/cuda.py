# mypy: disallow-untyped-decorators=False, disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-incomplete-defs=False
# (Triton reads these functions as programs: their arguments are pointers and numbers that Python's types do not describe.)
"""The recurrence of a DLN-LSTM with its cell in Triton, for single precision on a GPU: one kernel between two matrix products.

Kernel for function these are `cell.c`: one program per row, the same formulas in the same order. The sums over steps are kept per
row and added up by owner at the end, so that they are repeatable. Triton comes with the CUDA builds of PyTorch; without it `steps`
does the same. Held to the formulas in Triton's interpreter; not yet run on a GPU.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from mtl_models.layers.dln.steps import EPSILON, Gradients, Norms, Recurrence, Trace, empty_trace, summed_by_owner

__all__ = ["backward", "forward"]

_PLACES = ["at", "before", "going"]  # they differ at every step: kernels compiled for their values would never end


def forward(problem: Recurrence) -> Trace:
    """As `steps.forward`."""
    trace = empty_trace(problem)
    weight, norms, sizes = problem.weight.t(), problem.norms, (*problem.schedule.sizes, 0)
    starts, before = (*problem.schedule.starts, 0), 0
    for step, at in enumerate(problem.schedule.starts):
        size = sizes[step]
        if step:
            torch.mm(trace.fed[at : at + size], weight, out=trace.products_h[at : at + size])
        _step_forward[(size,)](
            *(problem.products, *trace, problem.owner, *norms, problem.owner if problem.mask is None else problem.mask),
            *(at, before, starts[step + 1], sizes[step + 1]),
            epsilon=EPSILON,
            **_constants(problem, step == 0),
        )
        before = at
    return trace


def backward(problem: Recurrence, trace: Trace, grad_cell: Tensor, grad_out: Tensor) -> Gradients:
    """As `steps.backward`."""
    grad_x, grad_h = torch.empty_like(problem.products), torch.empty_like(problem.products)
    flow, fed = torch.empty_like(grad_cell), torch.empty_like(grad_cell)
    rows, norms = len(problem.owner), problem.norms
    sums = Norms(*(norm.new_zeros(rows, norm.shape[1]) for norm in norms))
    starts, sizes = problem.schedule.starts, (*problem.schedule.sizes, 0)
    for step in reversed(range(len(starts))):
        at, size = starts[step], sizes[step]
        _step_backward[(size,)](
            *(problem.products, trace.products_h, trace.gates, trace.cell, trace.statistics, problem.owner),
            *(norms.gain_x, norms.gain_h, norms.gain_c, norms.shift_c, problem.owner if problem.mask is None else problem.mask),
            *(grad_cell.contiguous(), grad_out.contiguous(), flow, fed, grad_x, grad_h, *sums),
            *(at, starts[max(0, step - 1)], sizes[step + 1]),
            **_constants(problem, step == 0),
        )
        if step:
            torch.mm(grad_h[at : at + size], problem.weight, out=fed[:size])
    return Gradients(grad_x, grad_h, Norms(*(summed_by_owner(one, problem.owner, len(norms.gain_x)) for one in sums)))


def _constants(problem: Recurrence, first: bool) -> dict[str, object]:
    hidden = problem.weight.shape[1]
    block = triton.next_power_of_2(hidden)
    shape = {"hidden": hidden, "block": block, "num_warps": 8 if block >= 256 else 4}
    return {**shape, "first": first, "tanh": problem.tanh, "masked": problem.mask is not None}


@triton.jit
def _four(pointer, j, inside, hidden: tl.constexpr):
    """The four parts of a row of 4H numbers, zero outside."""
    a = tl.load(pointer + j, mask=inside, other=0.0)
    b = tl.load(pointer + hidden + j, mask=inside, other=0.0)
    c = tl.load(pointer + 2 * hidden + j, mask=inside, other=0.0)
    d = tl.load(pointer + 3 * hidden + j, mask=inside, other=0.0)
    return a, b, c, d


@triton.jit
def _moments(a, b, c, d, inside, hidden: tl.constexpr, epsilon: tl.constexpr):
    """Mean and 1/deviation of a row in four parts."""
    mean = tl.sum(a + b + c + d, 0) / (4 * hidden)
    a, b, c, d = a - mean, b - mean, c - mean, d - mean
    squares = tl.sum(tl.where(inside, a * a + b * b + c * c + d * d, 0.0), 0) / (4 * hidden)
    return mean, 1.0 / tl.sqrt(squares + epsilon)


@triton.jit
def _hyperbolic(x):
    return 2.0 * tl.sigmoid(2.0 * x) - 1.0


@triton.jit(do_not_specialize=[*_PLACES, "after"])
def _step_forward(
    products_x,
    products_h,
    gates,
    cell,
    fed,
    statistics,
    owner,
    gain_x,
    gain_h,
    shift,
    gain_c,
    shift_c,
    mask,
    at,
    before,
    after,
    going,
    epsilon: tl.constexpr,
    hidden: tl.constexpr,
    block: tl.constexpr,
    first: tl.constexpr,
    tanh: tl.constexpr,
    masked: tl.constexpr,
):
    row = tl.program_id(0).to(tl.int64)
    place, task = row + at, tl.load(owner + row)
    j = tl.arange(0, block)
    inside = j < hidden
    moments = statistics + place * 6
    xf, xi, xo, xg = _four(products_x + place * 4 * hidden, j, inside, hidden)
    mean, scale = _moments(xf, xi, xo, xg, inside, hidden, epsilon)
    tl.store(moments, mean)
    tl.store(moments + 1, scale)
    gf, gi, go, gg = _four(gain_x + task * 4 * hidden, j, inside, hidden)
    zf, zi, zo, zg = _four(shift + task * 4 * hidden, j, inside, hidden)
    zf += (xf - mean) * scale * gf
    zi += (xi - mean) * scale * gi
    zo += (xo - mean) * scale * go
    zg += (xg - mean) * scale * gg
    if not first:
        yf, yi, yo, yg = _four(products_h + place * 4 * hidden, j, inside, hidden)
        mean, scale = _moments(yf, yi, yo, yg, inside, hidden, epsilon)
        tl.store(moments + 2, mean)
        tl.store(moments + 3, scale)
        gf, gi, go, gg = _four(gain_h + task * 4 * hidden, j, inside, hidden)
        zf += (yf - mean) * scale * gf
        zi += (yi - mean) * scale * gi
        zo += (yo - mean) * scale * go
        zg += (yg - mean) * scale * gg
    f, i, o, g = tl.sigmoid(zf), tl.sigmoid(zi), tl.sigmoid(zo), _hyperbolic(zg)
    out = gates + place * 4 * hidden + j
    tl.store(out, f, mask=inside)
    tl.store(out + hidden, i, mask=inside)
    tl.store(out + 2 * hidden, o, mask=inside)
    tl.store(out + 3 * hidden, g, mask=inside)
    c = i * g
    if not first:
        c += f * tl.load(cell + (row + before) * hidden + j, mask=inside, other=0.0)
    tl.store(cell + place * hidden + j, c, mask=inside)
    if row < going:
        mean = tl.sum(tl.where(inside, c, 0.0), 0) / hidden
        centred = tl.where(inside, c - mean, 0.0)
        scale = 1.0 / tl.sqrt(tl.sum(centred * centred, 0) / hidden + epsilon)
        tl.store(moments + 4, mean)
        tl.store(moments + 5, scale)
        gain = tl.load(gain_c + task * hidden + j, mask=inside, other=0.0)
        state = centred * scale * gain + tl.load(shift_c + task * hidden + j, mask=inside, other=0.0)
        if tanh:
            state = _hyperbolic(state)
        state *= o
        if masked:
            state *= tl.load(mask + row * hidden + j, mask=inside, other=0.0)
        tl.store(fed + (row + after) * hidden + j, state, mask=inside)


@triton.jit
def _add(pointer, j, inside, value):
    tl.store(pointer + j, tl.load(pointer + j, mask=inside, other=0.0) + value, mask=inside)


@triton.jit
def _through_norm(
    products, gain, grad_gain, gradient, task, row, place, mean, scale, df, di, do, dg, j, inside, hidden: tl.constexpr
):  # fmt: skip
    """Gradient of the normalised product of a row from that of the gates; that of its gain is added up."""
    f, i, o, g = _four(products + place * 4 * hidden, j, inside, hidden)
    f, i, o, g = (f - mean) * scale, (i - mean) * scale, (o - mean) * scale, (g - mean) * scale
    sums = grad_gain + row * 4 * hidden
    _add(sums, j, inside, df * f)
    _add(sums + hidden, j, inside, di * i)
    _add(sums + 2 * hidden, j, inside, do * o)
    _add(sums + 3 * hidden, j, inside, dg * g)
    gf, gi, go, gg = _four(gain + task * 4 * hidden, j, inside, hidden)
    df, di, do, dg = df * gf, di * gi, do * go, dg * gg
    total = tl.sum(df + di + do + dg, 0) / (4 * hidden)
    along = tl.sum(df * f + di * i + do * o + dg * g, 0) / (4 * hidden)
    out = gradient + place * 4 * hidden + j
    tl.store(out, scale * (df - total - f * along), mask=inside)
    tl.store(out + hidden, scale * (di - total - i * along), mask=inside)
    tl.store(out + 2 * hidden, scale * (do - total - o * along), mask=inside)
    tl.store(out + 3 * hidden, scale * (dg - total - g * along), mask=inside)


@triton.jit(do_not_specialize=_PLACES)
def _step_backward(
    products_x,
    products_h,
    gates,
    cell,
    statistics,
    owner,
    gain_x,
    gain_h,
    gain_c,
    shift_c,
    mask,
    grad_cell,
    grad_out,
    flow,
    grad_fed,
    grad_x,
    grad_h,
    grad_gain_x,
    grad_gain_h,
    grad_shift,
    grad_gain_c,
    grad_shift_c,
    at,
    before,
    going,
    hidden: tl.constexpr,
    block: tl.constexpr,
    first: tl.constexpr,
    tanh: tl.constexpr,
    masked: tl.constexpr,
):
    row = tl.program_id(0).to(tl.int64)
    place, task = row + at, tl.load(owner + row)
    j = tl.arange(0, block)
    inside = j < hidden
    moments = statistics + place * 6
    f, i, o, g = _four(gates + place * 4 * hidden, j, inside, hidden)
    if row < going:
        mean, scale = tl.load(moments + 4), tl.load(moments + 5)
        normal = tl.where(inside, (tl.load(cell + place * hidden + j, mask=inside, other=0.0) - mean) * scale, 0.0)
        gain = tl.load(gain_c + task * hidden + j, mask=inside, other=0.0)
        state = normal * gain + tl.load(shift_c + task * hidden + j, mask=inside, other=0.0)
        gradient = tl.load(grad_fed + row * hidden + j, mask=inside, other=0.0)
        if masked:
            gradient *= tl.load(mask + row * hidden + j, mask=inside, other=0.0)
        if tanh:
            state = _hyperbolic(state)
            do = gradient * state
            gradient *= o * (1.0 - state * state)
        else:
            do = gradient * state
            gradient *= o
        _add(grad_shift_c + row * hidden, j, inside, gradient)
        _add(grad_gain_c + row * hidden, j, inside, gradient * normal)
        gradient *= gain
        total, along = tl.sum(gradient, 0) / hidden, tl.sum(gradient * normal, 0) / hidden
        dc = tl.load(flow + row * hidden + j, mask=inside, other=0.0) + scale * (gradient - total - normal * along)
    else:
        do = tl.load(grad_out + row * hidden + j, mask=inside, other=0.0)
        dc = tl.load(grad_cell + row * hidden + j, mask=inside, other=0.0)
    df = dc * 0.0
    if not first:
        df = dc * tl.load(cell + (row + before) * hidden + j, mask=inside, other=0.0) * f * (1.0 - f)
    di = dc * g * i * (1.0 - i)
    do = do * o * (1.0 - o)
    dg = dc * i * (1.0 - g * g)
    tl.store(flow + row * hidden + j, dc * f, mask=inside)
    sums = grad_shift + row * 4 * hidden
    _add(sums, j, inside, df)
    _add(sums + hidden, j, inside, di)
    _add(sums + 2 * hidden, j, inside, do)
    _add(sums + 3 * hidden, j, inside, dg)
    if not first:
        mean, scale = tl.load(moments + 2), tl.load(moments + 3)
        _through_norm(products_h, gain_h, grad_gain_h, grad_h, task, row, place, mean, scale, df, di, do, dg, j, inside, hidden)
    mean, scale = tl.load(moments), tl.load(moments + 1)
    _through_norm(products_x, gain_x, grad_gain_x, grad_x, task, row, place, mean, scale, df, di, do, dg, j, inside, hidden)
