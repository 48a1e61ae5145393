"""Where a training runs and in which precision, through accelerate."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState

from mtl_models.config.resources import GPUS_WANTED
from mtl_models.config.training import Training
from mtl_models.errors import ConfigError

__all__ = ["accelerator_for", "chosen_device", "chosen_precision", "repeatable"]


def chosen_device(training: Training) -> str:
    """`cpu` or `cuda`. `ConfigError` if a GPU is asked for, in the experiment or of the cluster, and none is there."""
    if training.device == "cuda" and not torch.cuda.is_available():
        raise ConfigError(
            "training.device: cuda, but PyTorch finds no GPU here; take `device: auto` or `device: cpu`, or install a CUDA build"
        )
    wanted = os.environ.get(GPUS_WANTED, "0")
    if training.device == "auto" and wanted != "0" and not torch.cuda.is_available():
        raise ConfigError(
            f"resources: {wanted} GPU was asked for and PyTorch finds none here (does the image have a CUDA build, the node a driver?); "
            "to train on the CPU say so with `resources: {default: {gpu: 0}}` or `training: {device: cpu}`"
        )
    if training.device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return training.device


def chosen_precision(training: Training) -> str:
    """`fp32` or `bf16`. `ConfigError` if bf16 is asked for on a GPU that cannot compute in it."""
    if chosen_device(training) == "cpu":
        return "fp32" if training.precision == "auto" else training.precision
    able = torch.cuda.is_bf16_supported(including_emulation=False)
    if training.precision == "bf16" and not able:
        raise ConfigError("training.precision: bf16, but this GPU cannot compute in it; take `precision: auto` or `precision: fp32`")
    if training.precision == "auto":
        return "bf16" if able else "fp32"
    return training.precision


@contextmanager
def accelerator_for(training: Training) -> Iterator[Accelerator]:
    """accelerate, set up for one training.

    Its settings are global to the process and must not differ from those of an earlier training, so they are forgotten before and after.
    """
    _forget()
    try:
        yield Accelerator(
            cpu=chosen_device(training) == "cpu",
            mixed_precision="bf16" if chosen_precision(training) == "bf16" else "no",
        )
    finally:
        _forget()


def _forget() -> None:
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()


@contextmanager
def repeatable(device: str) -> Iterator[None]:
    """Within the block PyTorch takes repeatable algorithms, and the caller's random state comes back at the end.

    Two runs then agree to the bit on one machine with one number of threads (a sum over other partial sums rounds otherwise).
    """
    if device == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is not repeatable without, and reads it when first used
    before = torch.get_deterministic_debug_mode()
    memory = torch.utils.deterministic
    filled = memory.fill_uninitialized_memory  # type: ignore[attr-defined]
    with torch.random.fork_rng():
        torch.set_deterministic_debug_mode("warn")  # use_deterministic_algorithms does this and imports a compiler, three seconds
        memory.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # it costs time and hides no randomness of ours
        torch.set_flush_denormal(True)  # the gradients of long texts fade into numbers that a CPU multiplies many times slower
        try:
            yield
        finally:
            torch.set_flush_denormal(False)
            torch.set_deterministic_debug_mode(before)
            memory.fill_uninitialized_memory = filled  # type: ignore[attr-defined]
