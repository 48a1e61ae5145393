"""When a registered model is trained anew, from what, and on which rows it must not do worse."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from mtl_models.config.base import Section
from mtl_models.config.sources import Source, path_to_source

__all__ = ["Retraining"]


class Retraining(Section):
    """Read by `polytask retrain` only; the limits beyond which new rows count as drift are the section `drift`."""

    start: Literal["scratch", "warm"] = Field(
        "scratch", description="scratch: as `polytask run` trains; warm: the champion trains on, with its own words and network"
    )
    max_age_days: float | None = Field(None, gt=0.0, description="train anew when the champion is older and any row is new, drift or not")
    min_test_rows: int = Field(50, ge=1, description="of a task, after the rows that the champion learned from are taken out")
    regression_rows: int = Field(1000, ge=0, description="rows of a task kept from the champion's test split, at most; 0 keeps none")
    regression: dict[str, Annotated[Source, BeforeValidator(path_to_source)]] = Field(
        {}, description="task -> a source of rows in the layout of its corpus, kept instead of those"
    )
