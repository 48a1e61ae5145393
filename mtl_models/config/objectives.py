"""From the tasks' losses to an update; `name` tells the objectives apart."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mtl_models.config.base import Section

__all__ = ["CaGrad", "DynamicAverage", "FixedWeights", "Mgda", "NashMtl", "Objective", "PcGrad", "UncertaintyWeights", "UpGrad"]


class FixedWeights(Section):
    """sum_t w_t L_t; a task that is not named weighs 1."""

    name: Literal["fixed"] = "fixed"
    weights: dict[str, Annotated[float, Field(ge=0.0)]] = Field({}, description="task -> weight")


class UncertaintyWeights(Section):
    """sum_t exp(-s_t) L_t + s_t / 2 with s_t learned from 0 (Kendall, Gal and Cipolla 2018)."""

    name: Literal["uncertainty"]


class DynamicAverage(Section):
    """w_t = T softmax(r_t / tau), r_t the fall of the loss over the last two epochs (Liu, Johns and Davison 2019)."""

    name: Literal["dynamic_average"]
    temperature: float = Field(2.0, gt=0.0)


class UpGrad(Section):
    """UPGrad (Quinton and Rey 2024) on the shared parameters; needs `updates: aggregate`."""

    name: Literal["upgrad"]


class PcGrad(Section):
    """PCGrad (Yu et al. 2020) on the shared parameters; needs `updates: aggregate`."""

    name: Literal["pcgrad"]


class Mgda(Section):
    """MGDA (Desideri 2012; Sener and Koltun 2018) on the shared parameters; needs `updates: aggregate`."""

    name: Literal["mgda"]


class CaGrad(Section):
    """CAGrad (Liu et al. 2021) on the shared parameters; needs `updates: aggregate`."""

    name: Literal["cagrad"]
    c: float = Field(0.4, ge=0.0, description="radius of the search around the mean gradient")


class NashMtl(Section):
    """Nash-MTL (Navon et al. 2022) on the shared parameters; needs `updates: aggregate`."""

    name: Literal["nash_mtl"]
    update_every: int = Field(1, ge=1, description="updates between two solutions of the bargaining problem")


Objective = Annotated[
    FixedWeights | UncertaintyWeights | DynamicAverage | UpGrad | PcGrad | Mgda | CaGrad | NashMtl, Field(discriminator="name")
]
