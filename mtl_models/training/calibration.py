"""Temperature scaling: a number per task, fitted on its dev split, that makes probabilities say how often they are right."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from torch import Tensor

from mtl_models.networks.model import Model
from mtl_models.progress import say
from mtl_models.tasks.kind import text_kind_of
from mtl_models.tasks.missing import present
from mtl_models.tasks.scores.calibration import calibration_error
from mtl_models.tasks.task import Task
from mtl_models.training.dev import dev_logits
from mtl_models.training.encoding import EncodedCorpus
from mtl_models.training.history import Calibration

__all__ = ["calibrated", "fitted_temperature"]

_LEAST, _MOST = 0.05, 20.0
"""Bounds of a temperature; a task that is all right or all wrong on dev would else run away."""

_TINY = 1e-12


def calibrated(model: Model, encoded: Mapping[str, EncodedCorpus], label: str) -> tuple[Model, dict[str, Calibration]]:
    """`model` with a temperature for each of the tasks in `encoded`, and what that did (Guo, Pleiss, Sun and Weinberger 2017, section 4.2).

    No answer changes, only how sure it is. A rating and labels on words have no such probabilities; they and a task without labelled
    dev rows stay as they are.
    `label` begins the line that tells of it.
    """
    found: dict[str, Calibration] = {}
    for task in model.tasks:
        if task.name not in encoded or task.kind == "rating" or task.on_words:
            continue
        split = encoded[task.name].splits["dev"]
        rows = np.flatnonzero(present(split.labels).reshape(len(split), -1).any(axis=1))
        if len(rows):
            logits = dev_logits(model.network, task.name, split, model.network.device)[rows]
            found[task.name] = _fit(task, logits, split.labels[rows].astype(np.int64))
    if found:
        said = (f"{name} {fit.temperature:.2f} ({fit.error[0]:.3f} -> {fit.error[1]:.3f})" for name, fit in found.items())
        say(f"{label}: temperature, and calibration error on dev before and after: {', '.join(said)}")
    tasks = tuple(replace(task, temperature=found[task.name].temperature) if task.name in found else task for task in model.tasks)
    return replace(model, tasks=tasks), found


def fitted_temperature(task: Task, logits: Tensor, gold: NDArray[np.int64]) -> float:
    """The temperature of least negative log likelihood; `logits` (N, ...) as the task's head gives them, `gold` (N,) or (N, K)."""
    exact = logits.double()
    fit = minimize_scalar(
        lambda log: _loss(_probabilities(task, exact, math.exp(log)), gold), bounds=(math.log(_LEAST), math.log(_MOST)), method="bounded"
    )
    return float(math.exp(fit.x))


def _fit(task: Task, logits: Tensor, gold: NDArray[np.int64]) -> Calibration:
    temperature = fitted_temperature(task, logits, gold)
    before, after = (_probabilities(task, logits.double(), value) for value in (1.0, temperature))
    return Calibration(
        temperature=temperature,
        rows=len(gold),
        loss=(_loss(before, gold), _loss(after, gold)),
        error=(calibration_error(gold, before), calibration_error(gold, after)),
    )


def _probabilities(task: Task, logits: Tensor, temperature: float) -> NDArray[Any]:
    with torch.inference_mode():
        found: NDArray[Any] = text_kind_of(replace(task, temperature=temperature)).probabilities(logits).numpy()
    return found


def _loss(probabilities: NDArray[Any], gold: NDArray[np.int64]) -> float:
    """Mean negative log likelihood of the labels that are there."""
    if gold.ndim == 2:
        there = present(gold)
        likelihood = np.where(gold == 1, probabilities, 1.0 - probabilities)[there]
    else:
        likelihood = probabilities[np.arange(len(gold)), gold]
    return float(-np.log(np.maximum(likelihood, _TINY)).mean())
