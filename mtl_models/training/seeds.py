"""Seeds derived from one seed by what they are for, so that no state of a random generator ever needs saving."""

from __future__ import annotations

import hashlib

import numpy as np

__all__ = ["derived_seed", "generator"]


def derived_seed(seed: int, *purpose: str | int) -> int:
    """A seed in [0, 2^63) that depends on `seed` and on every word of `purpose`, the same on every machine."""
    digest = hashlib.sha256(repr((seed, *purpose)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """A fresh generator seeded by `derived_seed`."""
    return np.random.default_rng(derived_seed(seed, *purpose))
