"""GloVe text: one word a line, no header. Nothing in it says how many words are due, so that a file cut exactly between two lines
cannot be told from a whole one; pin its sha256 in the experiment."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from mtl_models.errors import VectorsError
from mtl_models.text.vectors.found import Found, Spellings, choose, wanted
from mtl_models.text.vectors.lines import numbered_lines, read_lines
from mtl_models.text.vectors.streams import open_stream

__all__ = ["read_glove"]


def read_glove(path: Path, groups: Spellings) -> Found:
    """Read the vectors of our words; the first line says how many numbers a word has."""
    with open_stream(path) as stream:
        lines = numbered_lines(stream)
        first = next(lines, None)
        if first is None:
            raise VectorsError(f"{path}: the file is empty")
        dimension = first[1].count(b" ")
        if dimension == 0:
            raise VectorsError(f"{path}, line 1: a word without numbers; is this a file of vectors?")
        _, vectors = read_lines(path, chain([first], lines), dimension, wanted(groups))
    return choose(groups, vectors, dimension)
