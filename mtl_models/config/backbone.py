"""Pre-trained sentence encoders: where a backbone comes from, and what is built on it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from mtl_models.config.base import Section
from mtl_models.config.sources import PackageSource

__all__ = ["BackboneSource", "HubModel", "LoraSection", "SentenceEncoder", "name_to_model"]


class HubModel(Section):
    """A Hugging Face encoder: a local folder, or a name on the hub. `config.json`, a tokenizer and safetensors; no code of its own."""

    model: str = Field(min_length=1, description="a local folder, or a hub name (user/name)")
    revision: str | None = Field(None, description="commit on the hub; pin it for reproducible runs")


def name_to_model(value: Any) -> Any:
    """A string is short for `{model: STRING}`."""
    return {"model": value} if isinstance(value, str) else value


def _kind_of_backbone(value: Any) -> str:
    if isinstance(value, dict):
        return "PackageSource" if "package" in value else "HubModel"
    return "PackageSource" if isinstance(value, PackageSource) else "HubModel"


BackboneSource = Annotated[
    Annotated[PackageSource, Tag("PackageSource")] | Annotated[HubModel, Tag("HubModel")], Discriminator(_kind_of_backbone)
]
"""Of a package, `member` is the folder inside it. A string is short for `{model: STRING}`."""


class LoraSection(Section):
    """Low-rank adapters beside the frozen weights of the backbone (Hu et al. 2022), by `peft`."""

    rank: int = Field(8, ge=1, description="numbers between the two small matrices of an adapter")
    alpha: float = Field(16.0, gt=0.0, description="an adapter's product is scaled by alpha / rank")
    dropout: float = Field(0.0, ge=0.0, lt=1.0, description="on what an adapter reads")
    shared: bool = Field(False, description="one adapter that all tasks train, or one per task over a backbone that stays as it is")
    targets: tuple[str, ...] | None = Field(
        None, description="names of the linear layers that get one; default: peft's for the architecture"
    )


class SentenceEncoder(Section):
    """A pre-trained transformer encoder, pooled, with a head per task (Reimers and Gurevych 2019; heads on the pooled vector)."""

    name: Literal["sentence_encoder"]
    backbone: Annotated[BackboneSource, BeforeValidator(name_to_model)] = Field(description="where the pre-trained weights come from")
    pooling: Literal["mean", "cls", "max"] = Field(
        "mean", description="token states to one vector: mean or maximum over the text, or the first"
    )
    head: Literal["linear", "mlp"] = Field("linear", description="mlp has a layer of half the width with GELU before the outputs")
    dropout: float = Field(0.1, ge=0.0, lt=1.0, description="on the pooled vector")
    hidden_dropout: float = Field(0.1, ge=0.0, lt=1.0, description="inside the backbone, where it moves")
    attention_dropout: float = Field(0.0, ge=0.0, lt=1.0, description="on attention weights; above 0 a CPU takes a much slower path")
    shared_head: bool = Field(
        False, description="tasks with the same labels share an output layer, to which each adds its own (needs `head: linear`)"
    )
    lora: LoraSection | None = Field(None, description="adapters; the backbone's own weights then never move")

    @model_validator(mode="after")
    def _pairs_are_possible(self) -> SentenceEncoder:
        if self.shared_head and self.head != "linear":
            raise ValueError("shared_head adds output layers, which `head: mlp` has none of its own input for; take `head: linear`")
        if self.shared_head and self.lora is not None and not self.lora.shared:
            raise ValueError("shared_head wants one vector per text, and `lora: {shared: false}` gives one per task; leave one of them out")
        return self
