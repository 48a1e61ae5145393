"""From the section of an experiment to its sampler."""

from __future__ import annotations

from mtl_models.config import samplers as sections
from mtl_models.training.samplers.annealed import AnnealedSampler
from mtl_models.training.samplers.given import GivenSampler
from mtl_models.training.samplers.proportional import ProportionalSampler
from mtl_models.training.samplers.round_robin import RoundRobinSampler
from mtl_models.training.samplers.sampler import Sampler
from mtl_models.training.samplers.temperature import TemperatureSampler
from mtl_models.training.samplers.uniform import UniformSampler

__all__ = ["build_sampler"]


def build_sampler(section: sections.Sampler) -> Sampler:
    """The sampler that `training.sampler` of an experiment names. A sequential one differs from a proportional one in order only."""
    match section:
        case sections.ProportionalSampler() | sections.SequentialSampler():
            return ProportionalSampler()
        case sections.UniformSampler():
            return UniformSampler()
        case sections.TemperatureSampler():
            return TemperatureSampler(section.alpha, section.cap)
        case sections.AnnealedSampler():
            return AnnealedSampler()
        case sections.GivenSampler():
            return GivenSampler(section.probabilities)
        case sections.RoundRobinSampler():
            return RoundRobinSampler()
