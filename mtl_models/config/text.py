"""How texts become token ids, and where the vectors of the words come from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from mtl_models.config.base import Section
from mtl_models.config.sources import FileOrPackage, path_to_source

__all__ = ["TextOptions", "Vectors", "Vocabulary"]


class TextOptions(Section):
    """Normalising of one task's texts; Unicode NFC always comes first."""

    lowercase: bool = True
    users: Literal["keep", "replace", "drop"] = Field("replace", description="@names: keep, replace by <user>, or drop")
    urls: Literal["keep", "replace", "drop"] = Field("replace", description="web addresses: keep, replace by <url>, or drop")
    numbers: Literal["keep", "replace", "drop"] = Field("keep", description="digits: keep, replace by <number>, or drop")
    emoji: Literal["keep", "replace", "drop"] = Field("keep", description="emoji: keep each as a token, replace by <emoji>, or drop")
    words: Literal["split", "spaces"] = Field(
        "split",
        description="where words end: by rule, or at the spaces of a text that is split already; kinds on words are always the latter",
    )


class Vectors(Section):
    """Pre-trained word vectors from a file, vectors trained on the train splits, or random ones.

    With a `source` its file is read; without one `method` says whether fastText is trained or the matrix is random.
    """

    source: Annotated[FileOrPackage, BeforeValidator(path_to_source)] | None = Field(
        None, description="file of word vectors, possibly compressed (.gz, .bz2, .xz, .zip)"
    )
    format: Literal["glove", "word2vec", "word2vec-binary", "fasttext", "fasttext-binary"] | None = Field(
        None, description="default: by name and first line; fasttext is .vec, fasttext-binary is .bin"
    )
    dimension: int = Field(100, ge=1, le=4096, description="numbers per word where vectors are trained or random; a file brings its own")
    method: Literal["train", "random"] = Field("train", description="where no source is given: fastText on the train splits, or random")
    epochs: int = Field(10, ge=1, description="passes over the train splits where vectors are trained")


class Vocabulary(Section):
    """The words of one group of tasks (one language, say), counted on their train splits only."""

    min_count: int = Field(2, ge=1, description="a rarer word is <unk>")
    max_size: int = Field(100_000, ge=4, description="most frequent words kept, special tokens included")
    vectors: Annotated[Vectors, BeforeValidator(lambda value: {"source": value} if isinstance(value, str) else value)] = Vectors()
    extra_words: int = Field(
        0,
        ge=0,
        description="first words of the vectors' file that are kept beside those counted: known in new texts, though no train row has them",
    )

    @model_validator(mode="after")
    def _extra_words_have_a_file(self) -> Vocabulary:
        if self.extra_words and self.vectors.source is None:
            raise ValueError("extra_words are read from the file of vectors; give vectors.source, or leave them out")
        return self
