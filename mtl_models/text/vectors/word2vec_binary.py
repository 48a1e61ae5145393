"""word2vec binary: a header line, then per word its bytes, a space, and little-endian 32-bit floats (and a line end, by some writers)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtl_models.progress import progress
from mtl_models.text.vectors.found import Found, Spellings, choose, wanted
from mtl_models.text.vectors.streams import open_stream
from mtl_models.text.vectors.word2vec import parse_header

__all__ = ["read_word2vec_binary"]


def read_word2vec_binary(path: Path, groups: Spellings) -> Found:
    """Read the vectors of our words; of a word that comes twice the first counts."""
    keys = wanted(groups)
    vectors: dict[bytes, NDArray[np.float32]] = {}
    with open_stream(path) as stream:
        words, dimension = parse_header(path, stream.take_until(b"\n", limit=100))
        for _ in progress(range(words), f"reading {path.name}", words, unit="words"):
            word = stream.take_until(b" ").lstrip(b"\n")
            numbers = stream.take(4 * dimension)
            if word in keys and word not in vectors:
                vectors[word] = np.frombuffer(numbers, "<f4").astype(np.float32)
                if not np.isfinite(vectors[word]).all():
                    raise stream.damage(f"the vector before this byte, of {word.decode(errors='replace')!r}, is not finite: corrupt")
        if stream.up_to(2) not in (b"", b"\n"):
            raise stream.damage(f"the file goes on after the {words} words of {dimension} numbers of its header: it is corrupt")
    return choose(groups, vectors, dimension)
