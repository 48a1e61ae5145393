"""One process at a time: downloads and cached corpora are made once, and other processes wait for them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import filelock

from mtl_models.home import home_folder

__all__ = ["alone"]


@contextmanager
def alone(what: str) -> Iterator[None]:
    """Hold the lock of that name, of this home folder, for the length of the block; a crashed holder's lock is free."""
    name = hashlib.sha256(what.encode()).hexdigest()[:24]
    with filelock.FileLock(home_folder("cache", "locks") / f"{name}.lock"):
        yield
