"""word2vec text and fastText .vec: a header `words dimension`, then one word a line."""

from __future__ import annotations

import re
from pathlib import Path

from mtl_models.errors import VectorsError
from mtl_models.text.vectors.found import Found, Spellings, choose, wanted
from mtl_models.text.vectors.lines import numbered_lines, read_lines
from mtl_models.text.vectors.streams import open_stream

__all__ = ["parse_header", "read_word2vec"]


def read_word2vec(path: Path, groups: Spellings) -> Found:
    """Read the vectors of our words; there must be as many lines as the header says."""
    with open_stream(path) as stream:
        lines = numbered_lines(stream)
        words, dimension = parse_header(path, next(lines, (1, b""))[1])
        count, vectors = read_lines(path, lines, dimension, wanted(groups))
    if count != words:
        what = "the file is cut, fetch it again" if count < words else "the header or the file is corrupt"
        raise VectorsError(f"{path}, line {min(count, words) + 2}: the header says {words} words, the file has {count}: {what}")
    return choose(groups, vectors, dimension)


def parse_header(path: Path, line: bytes) -> tuple[int, int]:
    """Words and dimension from the first line."""
    header = re.fullmatch(rb"(\d{1,12}) (\d{1,6})\s*", line)
    if header is None or int(header[2]) == 0:
        shown = line[:40].decode(errors="replace")
        raise VectorsError(f"{path}, line 1: should be the number of words and of numbers per word, but is {shown!r}")
    return int(header[1]), int(header[2])
