"""`polytask embed` and `polytask similarity`: texts as vectors, and how like they are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from mtl_models.errors import ConfigError, CorpusError
from mtl_models.files import writing_file
from mtl_models.progress import progress
from pipelines.environment import prepare
from pipelines.predict import model_folder

if TYPE_CHECKING:
    from mtl_models.networks.model import Model

__all__ = ["embed_texts", "show_similarity"]

_CHUNK = 1024
"""Texts in memory at a time."""

Vectors = NDArray[np.float32]


def embed_texts(texts: Sequence[str], file: Path | None, column: str, model: str | None, task: str | None, out: Path | None) -> None:
    """Print a JSON line per text, or write .jsonl or .npy (N, F) to `out`; vectors have length 1, files may be larger than memory."""
    if bool(texts) == bool(file):
        raise ConfigError('give texts, or a file: polytask embed "love this phone", or polytask embed --file texts.txt --out vectors.npy')
    if out is not None and out.suffix not in (".npy", ".jsonl"):
        raise ConfigError(f"--out {out}: give a name that ends in .npy or .jsonl")
    encoder = _encoder(model)

    from mtl_models.inference.text_files import read_texts

    def source() -> Iterable[str]:
        return texts if file is None else read_texts(file, column)

    count = sum(1 for _ in source())
    if count == 0:
        raise CorpusError(f"{file}: has no text")
    parts = _embedded(encoder, source(), task, count)
    if out is None:
        for line in _lines(parts):
            typer.echo(line)
        return
    with writing_file(out) as draft:
        if out.suffix == ".npy":
            _write_array(draft, parts, count)
        else:
            _write_lines(draft, parts)
    typer.echo(f"written: {out} ({count:,} vectors)")


def show_similarity(texts: Sequence[str], model: str | None, task: str | None) -> None:
    """Print the cosine of every pair of texts."""
    if len(texts) < 2:
        raise ConfigError('give two texts or more: polytask similarity "love this phone" "a fine phone" "a dull film"')
    encoder = _encoder(model)

    from mtl_models.inference.embedding import cosines

    table = Table("", "text", *(str(number) for number in range(1, len(texts) + 1)), header_style="bold")
    for column in table.columns[2:]:
        column.justify = "right"
        column.no_wrap = True
    for number, (text, row) in enumerate(zip(texts, cosines(encoder.embed(texts, task)), strict=True), start=1):
        table.add_row(str(number), text if len(text) <= 60 else f"{text[:59]}…", *(f"{cosine:.3f}" for cosine in row))
    Console().print(table)


def _encoder(model: str | None) -> Model:
    """A registered model, a model folder, or a Hugging Face encoder in a folder or on the hub."""
    prepare()
    from mtl_models.config.backbone import HubModel
    from mtl_models.corpora.backbones import fetch_backbone
    from mtl_models.inference.embedding import load_encoder

    if model is None or model.startswith("models:"):
        return load_encoder(model_folder(model))
    try:
        return load_encoder(fetch_backbone(HubModel(model=model)))
    except ConfigError as error:
        raise ConfigError(f"--model {str(error).removeprefix('network.backbone: ')}") from error


def _embedded(encoder: Model, texts: Iterable[str], task: str | None, count: int) -> Iterator[tuple[list[str], Vectors]]:
    from mtl_models.inference.embedding import normalised

    rest = iter(texts)
    for _ in progress(range(0, count, _CHUNK), "embedding", unit=f"x{_CHUNK:,} texts"):
        part = list(islice(rest, _CHUNK))
        yield part, normalised(encoder.embed(part, task))


def _lines(parts: Iterable[tuple[list[str], Vectors]]) -> Iterator[str]:
    """Numbers as short as 32 bits need."""
    pairs = (pair for texts, vectors in parts for pair in zip(texts, vectors, strict=True))
    for index, (text, vector) in enumerate(pairs):
        yield json.dumps({"index": index, "text": text, "vector": [float(str(number)) for number in vector]}, ensure_ascii=False)


def _write_lines(path: Path, parts: Iterable[tuple[list[str], Vectors]]) -> None:
    with path.open("w", encoding="utf-8", errors="surrogatepass") as file:
        file.writelines(f"{line}\n" for line in _lines(parts))


def _write_array(path: Path, parts: Iterable[tuple[list[str], Vectors]], count: int) -> None:
    found, done = None, 0
    for texts, vectors in parts:
        if found is None:
            found = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(count, vectors.shape[1]))
        found[done : done + len(texts)] = vectors
        done += len(texts)
    assert found is not None, "there is a text"
    found.flush()
