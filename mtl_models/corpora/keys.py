"""Texts as 64-bit keys: equal keys mean equal texts but for case, spacing, punctuation and Unicode form.

With 64 bits two different texts among five million share a key with a chance of about one in a million.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

import datasets
import numpy as np
import numpy.typing as npt
import regex
import xxhash

from mtl_models.corpora.arrow import Texts

__all__ = ["EMPTY", "Keys", "exact_key", "normalised", "scramble", "split_keys", "text_key", "text_keys"]

Keys = npt.NDArray[np.uint64]

EMPTY = 0
"""The key of a text without a visible character; empty texts are no duplicates of one another."""


def _plain(mark: str) -> int:
    """What an ASCII character becomes: small letters as they are, capitals small, punctuation and white space a space."""
    return ord(" ") if mark.isspace() or unicodedata.category(mark).startswith("P") else ord(mark.lower())


_ASCII = bytes(_plain(chr(code)) for code in range(128)) + bytes(range(128, 256))
_ANY_PUNCTUATION = regex.compile(r"\p{P}+")
_INVISIBLE = regex.compile(r"[\p{Cf}\uFE00-\uFE0F]+")
_GOLDEN = 0x9E3779B97F4A7C15


def normalised(text: str) -> str:
    """NFKC, case folded, without format characters, punctuation and surplus spaces; marks (vowel signs) and symbols (emoji) stay.

    A text of punctuation alone keeps it: "?!" is not "...". Empty where nothing is visible.
    """
    return _form(text, text.encode()).decode()


def _form(text: str, data: bytes) -> bytes:
    """The normalised text in UTF-8; `data` is the text in UTF-8. Plain ASCII, the usual case, takes a short way to the same result."""
    if text.isascii():
        return b" ".join(data.translate(_ASCII).split()) or " ".join(text.lower().split()).encode()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).casefold())
    return (" ".join(_ANY_PUNCTUATION.sub(" ", folded).split()) or " ".join(folded.split())).encode()


def text_key(text: str, data: bytes) -> int:
    """The key of the normalised text, `EMPTY` where nothing is left; `data` is the text in UTF-8."""
    form = _form(text, data)
    return (xxhash.xxh3_64_intdigest(form) or 1) if form else EMPTY


def exact_key(data: bytes) -> int:
    """A key of the bytes as they are, never 0."""
    return xxhash.xxh3_64_intdigest(data) or 1


def text_keys(texts: Iterable[str]) -> Keys:
    """`text_key` of each text."""
    return np.fromiter((text_key(text, text.encode()) for text in texts), dtype=np.uint64)


def split_keys(split: datasets.Dataset) -> Keys:
    """`text_key` of every row of a corpus split, in order."""
    return text_keys(Texts(split))


def scramble(keys: Keys, seed: int, salt: int) -> Keys:
    """A seeded random number for each key, by the finalizer of splitmix64 (Steele, Lea and Flood 2014): an order free of row order."""
    mixed = keys + np.uint64(((seed * 1_000_003 + salt + 1) * _GOLDEN) % 2**64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
