"""How much of each task an epoch holds; `name` tells the samplers apart. n_t rows of task t, N their sum."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mtl_models.config.base import Section

__all__ = [
    "AnnealedSampler",
    "GivenSampler",
    "ProportionalSampler",
    "RoundRobinSampler",
    "Sampler",
    "SequentialSampler",
    "TemperatureSampler",
    "UniformSampler",
]

Draws = Annotated[
    Literal["exact", "random"],
    Field(description="exact shares without variance, or every row's (batch's) task drawn at random, with replacement"),
]


class ProportionalSampler(Section):
    """p_t = n_t / N: every row of every task once an epoch."""

    name: Literal["proportional"] = "proportional"
    draws: Draws = "exact"


class UniformSampler(Section):
    """p_t = 1 / T: the same number of rows of every task an epoch; their sum is that of all rows."""

    name: Literal["uniform"]
    draws: Draws = "exact"


class TemperatureSampler(Section):
    """p_t ~ n_t^alpha, n_t perhaps capped: between uniform and proportional."""

    name: Literal["temperature"]
    alpha: float = Field(0.5, ge=0.0, le=1.0, description="1 is proportional, 0 is uniform")
    cap: int | None = Field(None, ge=1, description="rows of a task that count at most")
    draws: Draws = "exact"


class AnnealedSampler(Section):
    """p_t ~ n_t^alpha_e with alpha_e = 1 - 0.8 (e - 1) / (E - 1): from proportional towards uniform (Stickland and Murray 2019)."""

    name: Literal["annealed"]
    draws: Draws = "exact"


class GivenSampler(Section):
    """p_t as given."""

    name: Literal["given"]
    probabilities: dict[str, Annotated[float, Field(gt=0.0)]] = Field(min_length=1, description="task -> weight; made to sum to 1")
    draws: Draws = "exact"


class SequentialSampler(Section):
    """Every row once, task after task in the order of the experiment; needs `updates: single_task`."""

    name: Literal["sequential"]


class RoundRobinSampler(Section):
    """A batch of each task in turn until every row of every task was seen; smaller tasks begin again. Needs `updates: single_task`."""

    name: Literal["round_robin"]


Sampler = Annotated[
    ProportionalSampler | UniformSampler | TemperatureSampler | AnnealedSampler | GivenSampler | SequentialSampler | RoundRobinSampler,
    Field(discriminator="name"),
]
