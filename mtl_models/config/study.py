"""A study: one experiment in several variants and with several seeds, judged side by side."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from mtl_models.config.base import Section

__all__ = ["Study"]

Override = Annotated[str, Field(pattern=r"^[^=]+=", description="KEY=VALUE, as for `polytask run --set`")]


class Study(Section):
    """What varies, and what is asked. Everything else stands in the experiment file."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$", description="short name: small letters, digits and hyphens")
    description: str = ""
    experiment: str = Field(min_length=1, description="experiment file, relative to the study's")
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**31)], ...] = Field(
        (0, 1, 2), min_length=1, description="of weights and batches; the splits keep the experiment's own seed"
    )
    split: Literal["dev", "test"] = Field("dev", description="what the models are judged on; test belongs to the last look")
    twins: bool | tuple[str, ...] = Field(True, description="train every task's twin as well, in every variant or in those named")
    references: bool = Field(True, description="TF-IDF and logistic regression, single and pooled, as well")
    axis: str = Field("variant", description="what the variants are, on the axis of a curve")
    changes: tuple[Override, ...] = Field((), description="changes to the experiment in every variant")
    variants: dict[str, tuple[Override, ...]] = Field(
        min_length=1,
        description="name -> changes to the experiment, `{seed}` in them being the seed; names that are all numbers make a curve",
    )

    @model_validator(mode="after")
    def _twins_are_of_variants(self) -> Study:
        unknown = next((name for name in self.twins if name not in self.variants), None) if isinstance(self.twins, tuple) else None
        if unknown is not None:
            raise ValueError(f"twins names '{unknown}'; the variants are {', '.join(self.variants)}")
        return self

    def with_twins(self, variant: str) -> bool:
        """Whether the tasks of this variant are trained one by one as well."""
        return self.twins if isinstance(self.twins, bool) else variant in self.twins
