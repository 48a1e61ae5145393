"""From the section of an experiment to its sampler."""

from __future__ import annotations

from mtl_models.config.samplers import ProportionalSampler as ProportionalSection
from mtl_models.config.samplers import Sampler as Section
from mtl_models.config.samplers import UniformSampler as UniformSection
from mtl_models.errors import ConfigError
from mtl_models.training.samplers.proportional import ProportionalSampler
from mtl_models.training.samplers.sampler import Sampler
from mtl_models.training.samplers.uniform import UniformSampler

__all__ = ["build_sampler"]


def build_sampler(section: Section) -> Sampler:
    """The sampler that `training.sampler` of an experiment names."""
    match section:
        case ProportionalSection():
            return ProportionalSampler()
        case UniformSection():
            return UniformSampler()
        case _:
            raise ConfigError(f"training.sampler: '{section.name}' is not there yet")
