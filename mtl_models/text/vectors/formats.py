"""The formats by name, and how a file's format is guessed when the experiment does not give it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Literal

from mtl_models.errors import VectorsError
from mtl_models.text.vectors.fasttext_binary import MAGIC, read_fasttext_binary
from mtl_models.text.vectors.found import Found, Spellings
from mtl_models.text.vectors.glove import read_glove
from mtl_models.text.vectors.lines import NUMERIC, numbered_lines
from mtl_models.text.vectors.streams import open_stream
from mtl_models.text.vectors.word2vec import read_word2vec
from mtl_models.text.vectors.word2vec_binary import read_word2vec_binary

__all__ = ["READERS", "Format", "first_words", "guess_format", "read_vectors"]

Format = Literal["glove", "word2vec", "word2vec-binary", "fasttext", "fasttext-binary"]

READERS: Mapping[Format, Callable[[Path, Spellings], Found]] = {
    "glove": read_glove,
    "word2vec": read_word2vec,
    "word2vec-binary": read_word2vec_binary,
    "fasttext": read_word2vec,
    "fasttext-binary": read_fasttext_binary,
}


def read_vectors(path: Path, groups: Spellings, format: Format | None = None) -> Found:  # noqa: A002  the config's word
    """The vectors of our words from a file of any format.

    Raises `VectorsError`, with the file and its line or byte, where it is missing, cut, corrupt or of mixed dimensions.
    """
    return READERS[format or guess_format(path)](path, groups)


def first_words(path: Path, count: int, format: Format | None = None) -> list[str]:  # noqa: A002  the config's word
    """The first `count` words of a text file of vectors, as they stand there: the most frequent ones, in the files that people share.

    Raises `VectorsError` for a binary format.
    """
    found = format or guess_format(path)
    if found.endswith("binary"):
        raise VectorsError(f"{path}: of {found} files no words are read without their texts; set vocabularies.NAME.extra_words to 0")
    with open_stream(path) as stream:
        lines = numbered_lines(stream)
        if found != "glove":
            next(lines, None)  # the header
        return [line.partition(b" ")[0].decode(errors="replace") for _, line in islice(lines, count)]


def guess_format(path: Path) -> Format:
    """The format by the first bytes: fastText's magic number, a header with numbers or bytes after it, or words and numbers."""
    with open_stream(path) as stream:
        head = stream.up_to(1 << 16)
    if not head:
        raise VectorsError(f"{path}: the file is empty")
    if head.startswith(MAGIC):
        return "fasttext-binary"
    first, _, rest = head.partition(b"\n")
    if re.fullmatch(rb"\d+ \d+\s*", first):
        if _starts_with_numbers(rest):
            return "fasttext" if ".vec" in path.suffixes else "word2vec"
        return "word2vec-binary"
    if _starts_with_numbers(first):
        return "glove"
    raise VectorsError(f"{path}, line 1: neither a header nor a word with numbers; is this a file of vectors? If so, say its format")


def _starts_with_numbers(line: bytes) -> bool:
    """Whether the first hundred bytes after the first word are made of numbers."""
    numbers = line.partition(b"\n")[0].partition(b" ")[2][:100].strip()
    return bool(numbers) and not numbers.translate(None, NUMERIC)
