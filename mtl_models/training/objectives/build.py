"""From the section of an experiment to its objective."""

from __future__ import annotations

from collections.abc import Sequence

from mtl_models.config import objectives as sections
from mtl_models.errors import ConfigError
from mtl_models.training.objectives.objective import Objective

__all__ = ["build_objective"]


def build_objective(section: sections.Objective, tasks: Sequence[str]) -> Objective:
    """The objective that `training.objective` of an experiment names; `ConfigError` if a package it needs is not installed."""
    try:
        return _build(section, tasks)
    except ImportError as error:
        raise ConfigError(
            f"training.objective: {section.name} needs packages that are not installed ({error}); "
            "run `pip install 'polytask[gradients]'`, or take another objective, for instance `{name: upgrad}`"
        ) from error


def _build(section: sections.Objective, tasks: Sequence[str]) -> Objective:
    """torchjd and its solvers take more than a second to import, so each is imported where it is asked for."""
    match section:
        case sections.FixedWeights():
            from mtl_models.training.objectives.fixed import FixedWeights

            return FixedWeights(section.weights if len(tasks) > 1 else {})
        case sections.UncertaintyWeights():
            from mtl_models.training.objectives.uncertainty import UncertaintyWeights

            return UncertaintyWeights(tasks)
        case sections.DynamicAverage():
            from mtl_models.training.objectives.dynamic_average import DynamicAverage

            return DynamicAverage(section.temperature)
        case sections.UpGrad():
            from mtl_models.training.objectives.upgrad import UpGrad

            return UpGrad()
        case sections.PcGrad():
            from mtl_models.training.objectives.pcgrad import PcGrad

            return PcGrad()
        case sections.Mgda():
            from mtl_models.training.objectives.mgda import Mgda

            return Mgda()
        case sections.CaGrad():
            from mtl_models.training.objectives.cagrad import CaGrad

            return CaGrad(section.c)
        case sections.NashMtl():
            from mtl_models.training.objectives.nash_mtl import NashMtl

            return NashMtl(section.update_every)
