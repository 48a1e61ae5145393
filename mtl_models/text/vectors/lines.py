"""The lines `word number number ...` that the text formats share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtl_models.errors import VectorsError
from mtl_models.progress import progress
from mtl_models.text.vectors.streams import ByteStream

__all__ = ["NUMERIC", "numbered_lines", "read_lines"]

NUMERIC = b"0123456789.+-eE "
"""The bytes that numbers and the spaces between them are made of; neither `nan` nor `inf` is."""

_LONGEST = 1 << 20


def numbered_lines(stream: ByteStream) -> Iterator[tuple[int, bytes]]:
    """Lines with their numbers, from 1, without the line end and the one space that some writers leave before it.

    A last line without a line end is refused, as a cut file ends so.
    """
    number, rest = 0, b""
    for block in stream.blocks():
        lines = (rest + block).split(b"\n")
        rest = lines.pop()
        for line in lines:
            number += 1
            yield number, line.rstrip(b"\r").removesuffix(b" ")
        if len(rest) > _LONGEST:
            raise _damage(stream.path, number + 1, f"longer than {_LONGEST} bytes: the file is corrupt or of another format")
    if rest:
        raise _damage(
            stream.path, number + 1, "ends without a line end, as a cut file does; fetch it again, or add the line end if it is whole"
        )


def read_lines(
    path: Path, lines: Iterator[tuple[int, bytes]], dimension: int, keys: frozenset[bytes]
) -> tuple[int, dict[bytes, NDArray[np.float32]]]:
    """The number of lines, and the vectors of the words in `keys`; of a word that comes twice the first counts.

    Every line is held to `dimension` numbers, but only those of words in `keys` are converted.
    """
    vectors: dict[bytes, NDArray[np.float32]] = {}
    count = 0
    for number, line in progress(lines, f"reading {path.name}", unit="words"):
        count += 1
        space = line.find(b" ")
        numbers = line[space + 1 :] if space >= 0 else b""
        if numbers.count(b" ") + 1 != dimension or not numbers:
            numbers = _after_spaced_word(path, number, numbers, dimension)
        if rest := numbers.translate(None, NUMERIC):
            raise _damage(path, number, f"{rest[:20].decode(errors='replace')!r} is not part of a number: the file is corrupt")
        word = line[: -len(numbers) - 1]
        if word in keys and word not in vectors:
            vectors[word] = _floats(path, number, numbers, dimension)
    return count, vectors


def _after_spaced_word(path: Path, number: int, numbers: bytes, dimension: int) -> bytes:
    """The numbers of a line whose word has spaces in it (`. . .` in GloVe 840B); any other line is refused."""
    fields = numbers.split(b" ") if numbers else []
    if all(map(_is_number, fields[:-dimension])):
        what = "the file is cut or corrupt" if len(fields) < dimension else "the file is corrupt or mixes dimensions"
        raise _damage(path, number, f"{len(fields)} numbers where {dimension} are due: {what}")
    return b" ".join(fields[-dimension:])


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _floats(path: Path, number: int, numbers: bytes, dimension: int) -> NDArray[np.float32]:
    try:
        with np.errstate(over="ignore"):
            vector = np.array([float(field) for field in numbers.split(b" ")], np.float64).astype(np.float32)
    except ValueError as error:
        raise _damage(path, number, f"{error}: the file is corrupt") from error
    if vector.shape != (dimension,) or not np.isfinite(vector).all():
        raise _damage(path, number, "a number is too large for 32 bits: the file is corrupt")
    return vector


def _damage(path: Path, number: int, what: str) -> VectorsError:
    return VectorsError(f"{path}, line {number}: {what}")
