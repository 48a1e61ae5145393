"""The recurrence of a DLN-LSTM as one differentiable operation, run by the fastest means at hand."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import shutil
from types import ModuleType
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from mtl_models.layers.dln import native, steps
from mtl_models.layers.dln.schedule import Schedule
from mtl_models.layers.dln.steps import Norms, Recurrence, Trace

__all__ = ["recur"]


def recur(
    products: Tensor, weight: Tensor, norms: Norms, owner: Tensor, mask: Tensor | None, schedule: Schedule, tanh: bool = False
) -> tuple[Tensor, Tensor]:
    """Last cell state and last output gate (B, H) of every row; the arguments are those of `steps.Recurrence`.

    The backward pass is written by hand: it keeps the activations of every step and forms the gradient of `weight` as one product
    after the loop. It may run several times over one graph; a second derivative is refused.
    """
    last: tuple[Tensor, Tensor] = _Recur.apply(products, weight, *norms, owner, mask, schedule, tanh)  # type: ignore[no-untyped-call]
    return last


def _means(products: Tensor) -> ModuleType:
    """The module whose `forward` and `backward` run this."""
    if products.dtype == torch.float32:
        if products.device.type == "cuda" and _triton():
            return importlib.import_module("mtl_models.layers.dln.cuda")
        if products.device.type == "cpu" and native.available():
            return native
    return steps


@functools.cache
def _triton() -> bool:
    """Whether Triton is there, and the C compiler it starts its kernels with."""
    compilers = [os.environ.get("CC"), "cc", "gcc", "clang"]
    return importlib.util.find_spec("triton") is not None and any(name and shutil.which(name) for name in compilers)


class _Recur(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        products: Tensor,
        weight: Tensor,
        gain_x: Tensor,
        gain_h: Tensor,
        shift: Tensor,
        gain_c: Tensor,
        shift_c: Tensor,
        owner: Tensor,
        mask: Tensor | None,
        schedule: Schedule,
        tanh: bool,
    ) -> tuple[Tensor, Tensor]:
        norms = Norms(gain_x, gain_h, shift, gain_c, shift_c)
        problem = Recurrence(products, weight, norms, owner, mask, schedule, tanh)
        trace: Trace = _means(products).forward(problem)
        ctx.save_for_backward(products, weight, *norms, owner, mask, *trace)
        ctx.schedule, ctx.tanh = schedule, tanh
        hidden = weight.shape[1]
        return trace.cell[schedule.last], trace.gates[schedule.last, 2 * hidden : 3 * hidden]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_cell: Tensor, grad_out: Tensor) -> tuple[Tensor | None, ...]:
        products, weight, *rest = ctx.saved_tensors
        norms, owner, mask, trace = Norms(*rest[:5]), rest[5], rest[6], Trace(*rest[7:])
        problem = Recurrence(products, weight, norms, owner, mask, ctx.schedule, ctx.tanh)
        gradients = _means(products).backward(problem, trace, grad_cell, grad_out)
        first = problem.schedule.sizes[0]  # h_0 = 0: the first position feeds nothing back
        grad_weight = gradients.products_h[first:].t() @ trace.fed[first:]
        return gradients.products, grad_weight, *gradients.norms, None, None, None, None
