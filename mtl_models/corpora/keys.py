"""Texts as 64-bit keys: equal keys mean equal texts but for case, spacing, punctuation and Unicode form.

With 64 bits two different texts among five million share a key with a chance of about one in a million.
"""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Iterable

import datasets
import numpy as np
import numpy.typing as npt
import regex
import xxhash

__all__ = ["EMPTY", "Keys", "exact_key", "normalised", "scramble", "split_keys", "text_key", "text_keys"]

Keys = npt.NDArray[np.uint64]

EMPTY = 0
"""The key of a text without a visible character; empty texts are no duplicates of one another."""

_BATCH = 10_000
_PUNCTUATION = str.maketrans({mark: " " for mark in string.punctuation if unicodedata.category(mark).startswith("P")})
_ANY_PUNCTUATION = regex.compile(r"\p{P}+")
_INVISIBLE = regex.compile(r"[\p{Cf}\uFE00-\uFE0F]+")
_GOLDEN = 0x9E3779B97F4A7C15


def normalised(text: str) -> str:
    """NFKC, case folded, without format characters, punctuation and surplus spaces; marks (vowel signs) and symbols (emoji) stay.

    A text of punctuation alone keeps it: "?!" is not "...". Empty where nothing is visible.
    """
    if text.isascii():
        folded = text.lower()
        bare = folded.translate(_PUNCTUATION)
    else:
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).casefold())
        bare = _ANY_PUNCTUATION.sub(" ", folded)
    return " ".join(bare.split()) or " ".join(folded.split())


def text_key(text: str) -> int:
    """The key of the normalised text; `EMPTY` where nothing is left. The text must be encodable (no lone surrogates)."""
    form = normalised(text)
    return (xxhash.xxh3_64_intdigest(form.encode()) or 1) if form else EMPTY


def exact_key(data: bytes) -> int:
    """A key of the bytes as they are, never 0."""
    return xxhash.xxh3_64_intdigest(data) or 1


def text_keys(texts: Iterable[str]) -> Keys:
    """`text_key` of each text."""
    return np.fromiter(map(text_key, texts), dtype=np.uint64)


def split_keys(split: datasets.Dataset) -> Keys:
    """`text_key` of every row of a corpus split, in order."""
    batches = split.select_columns(["text"]).with_format("arrow").iter(_BATCH)
    keys = [text_keys(batch["text"].to_pylist()) for batch in batches]
    return np.concatenate(keys) if keys else np.empty(0, dtype=np.uint64)


def scramble(keys: Keys, seed: int, salt: int) -> Keys:
    """A seeded random number for each key, by the finalizer of splitmix64 (Steele, Lea and Flood 2014): an order free of row order."""
    mixed = keys + np.uint64(((seed * 1_000_003 + salt + 1) * _GOLDEN) % 2**64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
