"""The embedding matrix of a vocabulary: one row of numbers per token id, and how much of every task it covers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from mtl_models.config.text import TextOptions, Vectors
from mtl_models.errors import ModelFolderError, VectorsError
from mtl_models.files import writing_folder
from mtl_models.text.vectors.formats import guess_format, read_vectors
from mtl_models.text.vectors.found import Found, spellings
from mtl_models.text.vectors.training import train_vectors
from mtl_models.text.vocabulary import PAD, UNKNOWN, Vocabulary

__all__ = ["Coverage", "EmbeddingMatrix", "build_matrix"]

_VALUES, _ABOUT = "matrix.safetensors", "matrix.json"


class Coverage(BaseModel):
    """How much of one task's train texts has a vector that was read or trained, not drawn."""

    model_config = ConfigDict(frozen=True)

    types: float
    """Share of the vocabulary's words that the task uses."""
    tokens: float
    """Share of its running words; one that is not in the vocabulary counts as without, unless `<unk>` has a vector."""
    unknown: float
    """Share of its running words that are not in the vocabulary."""


@dataclass(frozen=True, eq=False)
class EmbeddingMatrix:
    """`values` (V, E) in float32: row i is the vector of token id i, and row 0, `<pad>`, is zero."""

    values: NDArray[np.float32]
    coverage: Mapping[str, Coverage]
    origin: str
    """Where the vectors came from, in words."""

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of the shape and the numbers."""
        digest = hashlib.sha256(repr(self.values.shape).encode())
        digest.update(self.values.astype("<f4").tobytes())
        return digest.hexdigest()

    def save(self, folder: Path) -> None:
        """Write matrix.safetensors and matrix.json; the folder appears whole or not at all."""
        about = {"origin": self.origin, "coverage": {task: coverage.model_dump() for task, coverage in self.coverage.items()}}
        with writing_folder(folder) as draft:
            save_file({"values": np.ascontiguousarray(self.values)}, draft / _VALUES)
            (draft / _ABOUT).write_text(json.dumps(about, indent=2, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> EmbeddingMatrix:
        """Read what `save` wrote. Raises `ModelFolderError` where a file is missing or damaged."""
        try:
            values = load_file(folder / _VALUES)["values"]
            about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
            coverage = {task: Coverage.model_validate(numbers) for task, numbers in about["coverage"].items()}
            return cls(values, coverage, about["origin"])
        except (OSError, SafetensorError, ValueError, KeyError) as error:
            raise ModelFolderError(f"{folder}: cannot be read as an embedding matrix ({error}); build it again") from error


def build_matrix(
    vocabulary: Vocabulary,
    config: Vectors,
    file: Path | None,
    texts: Mapping[str, Iterable[str]],
    options: Mapping[str, TextOptions],
    seed: int,
) -> EmbeddingMatrix:
    """The matrix of `vocabulary`, with vectors from `file` where one is given, else by `config.method`.

    `texts` are the train texts by task, in a form that can be read more than once; `options` has the same keys. A word is looked up as
    it is, then lower-cased. The rows of words without a vector are drawn from a normal distribution with the mean and deviation that the
    rows with one have, number by number; a random matrix has mean 0 and deviation E^-0.5, rows of length about 1.
    """
    found, origin = _find(vocabulary, config, file, texts, options, seed)
    values = _drawn(vocabulary.size, found, seed)
    values[found.ids] = found.values
    values[PAD] = 0.0
    known = np.zeros(vocabulary.size, bool)
    known[found.ids] = True
    coverage = {task: _coverage(vocabulary, rows, options[task], known) for task, rows in texts.items()}
    return EmbeddingMatrix(values, coverage, origin)


def _find(
    vocabulary: Vocabulary,
    config: Vectors,
    file: Path | None,
    texts: Mapping[str, Iterable[str]],
    options: Mapping[str, TextOptions],
    seed: int,
) -> tuple[Found, str]:
    words = vocabulary.size - UNKNOWN - 1
    if file is not None:
        kind = config.format or guess_format(file)
        found = read_vectors(file, [(), *(spellings(token) for token in vocabulary.tokens[UNKNOWN:])], kind)
        covered = int((found.ids > UNKNOWN).sum())
        if covered == 0:
            raise VectorsError(f"{file}: has none of the {words} words of the vocabulary; is it of the same language and script?")
        made = f", {found.subwords} of them from subwords" if found.subwords else ""
        return found, f"{kind} vectors from {file.name}: {covered} of {words} words{made}"
    if config.method == "train":
        return train_vectors(vocabulary, config, texts, options, seed), f"fastText trained on the train splits, {config.epochs} epochs"
    return Found(np.empty(0, np.int64), np.empty((0, config.dimension), np.float32)), "random"


def _drawn(size: int, found: Found, seed: int) -> NDArray[np.float32]:
    """A matrix (size, E) of draws; the same seed and size give the same standard draws, whatever was found."""
    draws = np.random.default_rng(seed).standard_normal((size, found.dimension), dtype=np.float32)
    if len(found.ids) == 0:
        draws *= np.float32(found.dimension**-0.5)
        return draws
    draws *= found.values.std(axis=0, dtype=np.float64).astype(np.float32)
    draws += found.values.mean(axis=0, dtype=np.float64).astype(np.float32)
    return draws


def _coverage(vocabulary: Vocabulary, texts: Iterable[str], options: TextOptions, known: NDArray[np.bool_]) -> Coverage:
    counts = np.zeros(vocabulary.size, np.int64)
    for ids in vocabulary.encode_each(texts, options):
        np.add.at(counts, ids, 1)
    used = counts > 0
    used[: UNKNOWN + 1] = False
    tokens = max(1, int(counts.sum()))
    return Coverage(
        types=float((used & known).sum() / max(1, used.sum())),
        tokens=float(counts[known].sum() / tokens),
        unknown=float(counts[UNKNOWN] / tokens),
    )
