"""fastText .bin (Bojanowski et al. 2017, arXiv:1607.04606): a vector for any word, from the character n-grams it is made of.

Layout, little-endian (fastText's `FastText::saveModel`, `Dictionary::save`, `DenseMatrix::save`): magic, version; arguments; words with
counts; the input matrix, one row per word and then one per bucket of n-grams; the output matrix. The vector of a word is the mean of its
own row, where it has one, and the rows of its n-grams. The matrix passes by in blocks and rows are added up as they pass, so that memory
follows our words; where the file is not compressed, blocks that nobody needs are not even read.
"""

from __future__ import annotations

import struct
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_models.progress import progress
from mtl_models.text.vectors.found import Found, Spellings, wanted
from mtl_models.text.vectors.streams import ByteStream, open_stream

__all__ = ["MAGIC", "read_fasttext_binary"]

MAGIC = struct.pack("<i", 793712314)
_VERSIONS = (11, 12)
_BLOCK = 1 << 22
_WORD = 0


@dataclass(frozen=True)
class _Header:
    dimension: int
    buckets: int
    shortest: int
    longest: int


@dataclass(frozen=True)
class _Parts:
    """Which rows make up which words: row `rows[k]` is a part of the vector of id `ids[k]`; sorted by row."""

    rows: NDArray[np.int64]
    ids: NDArray[np.int64]


def read_fasttext_binary(path: Path, groups: Spellings) -> Found:
    """Read, or make of subwords, the vectors of our words."""
    with open_stream(path) as stream:
        header = _read_header(stream)
        count, row_of = _read_words(stream, wanted(groups))
        parts, subwords = _parts(groups, row_of, header, count)
        sums = _read_rows(stream, parts, (count + header.buckets, header.dimension), len(groups))
        _skip_output(stream)
    sizes = np.bincount(parts.ids, minlength=len(groups))
    found = np.flatnonzero(sizes)
    means = (sums[found] / sizes[found, None]).astype(np.float32)
    return Found(found, means, subwords)


def _unpack(stream: ByteStream, layout: str) -> tuple[Any, ...]:
    return struct.unpack(f"<{layout}", stream.take(struct.calcsize(f"<{layout}")))


def _read_header(stream: ByteStream) -> _Header:
    if stream.take(4) != MAGIC:
        raise stream.damage("not a fastText .bin file of 2017 or later")
    (version,) = _unpack(stream, "i")
    if version not in _VERSIONS:
        raise stream.damage(f"fastText file version {version}; known are {' and '.join(map(str, _VERSIONS))}")
    dimension, *_, model, buckets, shortest, longest, _ = _unpack(stream, "12i")
    _unpack(stream, "d")
    if not (0 < dimension <= 100_000 and buckets >= 0 and shortest >= 0 and 0 <= longest <= 1000):
        raise stream.damage("the arguments of the model make no sense: the file is corrupt")
    supervised_without_subwords = version == 11 and model == 3
    return _Header(dimension, buckets, shortest, 0 if supervised_without_subwords else longest)


def _read_words(stream: ByteStream, keys: frozenset[bytes]) -> tuple[int, dict[bytes, int]]:
    """The number of words, and the rows of those we want."""
    entries, words, labels = _unpack(stream, "3i")
    _, pruned = _unpack(stream, "2q")
    if words < 0 or labels < 0 or entries != words + labels:
        raise stream.damage("the counts of words make no sense: the file is corrupt")
    if pruned > 0:
        raise stream.damage("a quantised fastText model; use the .bin or .vec it was made from")
    row_of: dict[bytes, int] = {}
    for row in progress(range(entries), f"reading {stream.path.name}", entries, unit="words"):
        word = stream.take_until(b"\0")
        (kind,) = stream.take(9)[8:]
        if kind == _WORD and word in keys:
            row_of.setdefault(word, row)
    return words, row_of


def _parts(groups: Spellings, row_of: dict[bytes, int], header: _Header, words: int) -> tuple[_Parts, int]:
    """The rows of every id: those of its best spelling in the file, else the n-grams of the word itself; how many had to do with these."""
    from gensim.models.fasttext import ft_ngram_hashes

    rows, ids = array("q"), array("q")
    subwords = 0
    for index, group in enumerate(groups):
        if not group:
            continue
        spelling = next((spelling for spelling in group if spelling in row_of), None)
        own = [] if spelling is None else [row_of[spelling]]
        if header.buckets and header.longest:
            text = (spelling or group[0]).decode()
            own += [words + bucket for bucket in ft_ngram_hashes(text, header.shortest, header.longest, header.buckets)]
        subwords += spelling is None and bool(own)
        rows.extend(own)
        ids.extend([index] * len(own))
    order = np.argsort(rows, kind="stable")
    return _Parts(np.asarray(rows, np.int64)[order], np.asarray(ids, np.int64)[order]), subwords


def _read_rows(stream: ByteStream, parts: _Parts, shape: tuple[int, int], size: int) -> NDArray[np.float32]:
    """The sum (size, dimension) of the rows of every id."""
    rows, dimension = shape
    quantised, *found = _unpack(stream, "?2q")
    if quantised:
        raise stream.damage("a quantised fastText model; use the .bin or .vec it was made from")
    if found != [rows, dimension]:
        raise stream.damage(f"a matrix of {found[0]} x {found[1]} where {rows} x {dimension} is due: the file is corrupt")
    sums = np.zeros((size, dimension), np.float32)
    step = max(1, _BLOCK // (4 * dimension))
    firsts = range(0, rows, step)
    for first in progress(firsts, f"reading {stream.path.name}", len(firsts), unit="blocks"):
        height = min(step, rows - first)
        start, stop = np.searchsorted(parts.rows, [first, first + height])
        if start == stop:
            stream.skip(4 * dimension * height)
            continue
        block = np.frombuffer(stream.take(4 * dimension * height), "<f4").reshape(height, dimension)
        picked = block[parts.rows[start:stop] - first]
        if not np.isfinite(picked).all():
            raise stream.damage(f"among the {4 * dimension * height} bytes before this one a number is not finite: the file is corrupt")
        np.add.at(sums, parts.ids[start:stop], picked)
    return sums


def _skip_output(stream: ByteStream) -> None:
    """Pass over the output matrix, to be sure that the file is whole."""
    _, rows, dimension = _unpack(stream, "?2q")
    if rows < 0 or dimension < 0:
        raise stream.damage("the size of the output matrix makes no sense: the file is corrupt")
    stream.skip(4 * rows * dimension)
    if not stream.at_end():
        raise stream.damage("the file goes on after its last matrix: it is corrupt")
