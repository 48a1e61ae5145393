"""The recurrence of a DLN-LSTM with its cell in C, for single precision on a CPU: one pass over the numbers between two matrix products.

`cell.c` is compiled when it is first needed, in about a second, with the machine's own C compiler (`$CC`, else `cc`), for this process
only: nothing is kept that could meet another processor. Without a compiler `steps` does the same, slower.
"""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mtl_models.layers.dln.steps import EPSILON, Gradients, Norms, Recurrence, Trace, empty_trace
from mtl_models.progress import say

__all__ = ["available", "backward", "forward"]

_SOURCE = Path(__file__).with_name("cell.c")
_FLAGS = ("-O3", "-march=native", "-fopenmp-simd", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC")
_WIDEST = ("-mprefer-vector-width=512",) if platform.machine() in ("x86_64", "AMD64") else ()
"""Compilers use half of AVX-512 unless told to use it all, which takes two thirds of the time here; without AVX-512 it changes nothing."""
_SECONDS = 60
_POINTERS = (
    *("owner", *Norms._fields, "mask", "products_x", *Trace._fields),
    *("grad_cell", "grad_out", "flow", "grad_fed", "grad_x", "grad_h", *(f"grad_{name}" for name in Norms._fields)),
)


class _Cell(ctypes.Structure):
    """`Cell` of cell.c, member for member."""

    _fields_ = (
        ("hidden", ctypes.c_int64),
        ("tanh", ctypes.c_int64),
        ("epsilon", ctypes.c_float),
        *((name, ctypes.c_void_p) for name in _POINTERS),
    )


def available() -> bool:
    """Whether the C cell can be had in this process; the first call compiles it."""
    return _library() is not None


def forward(problem: Recurrence) -> Trace:
    """As `steps.forward`."""
    step = _loaded().step_forward
    trace = empty_trace(problem)
    cell = _cell(problem, trace)
    weight = problem.weight.t()
    starts, sizes = (*problem.schedule.starts, 0), (*problem.schedule.sizes, 0)
    before = 0
    for number, at in enumerate(problem.schedule.starts):
        size = sizes[number]
        if number:
            torch.mm(trace.fed[at : at + size], weight, out=trace.products_h[at : at + size])
        step(ctypes.byref(cell), size, sizes[number + 1], at, before, starts[number + 1], number == 0)
        before = at
    return trace


def backward(problem: Recurrence, trace: Trace, grad_cell: Tensor, grad_out: Tensor) -> Gradients:
    """As `steps.backward`."""
    step = _loaded().step_backward
    grad_x, grad_h = torch.empty_like(problem.products), torch.empty_like(problem.products)
    gradients = Gradients(grad_x, grad_h, Norms(*(torch.zeros_like(norm) for norm in problem.norms)))
    flow, fed = torch.empty_like(grad_cell), torch.empty_like(grad_cell)
    cell = _cell(
        problem,
        trace,
        grad_cell=grad_cell.contiguous(),
        grad_out=grad_out.contiguous(),
        flow=flow,
        grad_fed=fed,
        grad_x=grad_x,
        grad_h=grad_h,
        **{f"grad_{name}": sums for name, sums in gradients.norms._asdict().items()},
    )
    starts, sizes = problem.schedule.starts, (*problem.schedule.sizes, 0)
    for number in reversed(range(len(starts))):
        at, size = starts[number], sizes[number]
        step(ctypes.byref(cell), size, sizes[number + 1], at, starts[max(0, number - 1)], number == 0)
        if number:
            torch.mm(grad_h[at : at + size], problem.weight, out=fed[:size])
    return gradients


def _cell(problem: Recurrence, trace: Trace, **gradients: Tensor) -> _Cell:
    """The addresses of all tensors; whoever holds the result holds the tensors too."""
    tensors = {"owner": problem.owner, "products_x": problem.products, **problem.norms._asdict(), **trace._asdict(), **gradients}
    if problem.mask is not None:
        tensors["mask"] = problem.mask
    if not all(tensor.is_contiguous() for tensor in tensors.values()):
        raise ValueError("the C cell reads contiguous tensors only")
    cell = _Cell(problem.weight.shape[1], problem.tanh, EPSILON, **{name: tensor.data_ptr() for name, tensor in tensors.items()})
    cell.tensors = tensors
    return cell


def _loaded() -> ctypes.CDLL:
    library = _library()
    if library is None:
        raise RuntimeError("there is no C compiler; ask available() first")
    return library


@functools.cache
def _library() -> ctypes.CDLL | None:
    """cell.c, compiled and loaded; None, and a line that says why, where that cannot be done."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "cell.so"
        command = [*shlex.split(os.environ.get("CC") or "cc"), *_FLAGS, *_WIDEST, "-o", str(path), str(_SOURCE), "-lm"]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=_SECONDS)  # noqa: S603  # the user's own compiler
            library = ctypes.CDLL(str(path))
        except (OSError, subprocess.SubprocessError) as error:
            say(f"DLN-LSTM: no fast CPU cell, as {_reason(error)}; training is about half as fast. Install a C compiler, or set CC")
            return None
    for function in (library.step_forward, library.step_backward):
        function.restype = None
    places = [ctypes.c_int64] * 6
    library.step_forward.argtypes = [ctypes.POINTER(_Cell), *places]
    library.step_backward.argtypes = [ctypes.POINTER(_Cell), *places[1:]]
    return library


def _reason(error: Exception) -> str:
    detail: Any = getattr(error, "stderr", None)
    last = detail.strip().splitlines()[-1:] if isinstance(detail, str) else []
    return f"compiling it failed ({last[0] if last else error})"
