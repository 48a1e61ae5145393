"""load_backbone: a pre-trained encoder and its tokenizer, from a package, a folder or the hub."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from mtl_models.config.backbone import BackboneSource
from mtl_models.corpora.backbones import fetch_backbone
from mtl_models.networks.backbone import Backbone, read_backbone, read_tokenizer
from mtl_models.text.vocabulary import Vocabulary
from steps.dependencies import depends_on
from steps.materializers.backbone import BackboneMaterializer
from steps.materializers.text import VocabularyMaterializer

__all__ = ["load_backbone"]


@step(
    cache_policy=depends_on(__name__),
    output_materializers={"vocabulary_shared": VocabularyMaterializer, "backbone": BackboneMaterializer},
)
def load_backbone(
    source: BackboneSource,
    fingerprint: str,  # noqa: ARG001 (changed files miss the cache)
) -> tuple[Annotated[Vocabulary, "vocabulary_shared"], Annotated[Backbone, "backbone"]]:
    """What every task of the experiment begins with; weights in safetensors only, no code of the source is run."""
    folder = fetch_backbone(source)
    return read_tokenizer(folder), read_backbone(folder)
