"""Altered copies of a task's train rows."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from mtl_models.config.base import Section
from mtl_models.config.sources import FileOrPackage, path_to_source

__all__ = ["Augmentation"]


class Augmentation(Section):
    """Altered copies of the train rows (Wei and Zou 2019); each is altered in one of the ways whose rate is above 0, drawn by the seed."""

    copies: int = Field(2, ge=1, le=100, description="altered copies of every train row, trained on beside it")
    swap: float = Field(0.1, ge=0.0, le=1.0, description="swaps of two words, as a share of the text's words; at least one")
    delete: float = Field(0.1, ge=0.0, lt=1.0, description="chance of each word to be left out; one always stays")
    synonyms: float = Field(0.0, ge=0.0, le=1.0, description="share of the words put as a near one of `vectors`; at least one")
    vectors: Annotated[FileOrPackage, BeforeValidator(path_to_source)] | None = Field(
        None, description="file of word vectors that synonyms are found in; its format goes by its first bytes"
    )

    @model_validator(mode="after")
    def _something_changes(self) -> Augmentation:
        if self.synonyms > 0 and self.vectors is None:
            raise ValueError("synonyms wants a file of word vectors under `vectors`; give one, or take `synonyms: 0`")
        if self.vectors is not None and self.synonyms == 0:
            raise ValueError("vectors are for synonyms, which is 0; raise it (0.1), or leave `vectors` out")
        if self.swap == self.delete == self.synonyms == 0:
            raise ValueError("swap, delete and synonyms are all 0, so nothing would be altered; raise one, or leave `augmentation` out")
        return self
