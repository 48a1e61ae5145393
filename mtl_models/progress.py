"""Progress of long work: a bar on a terminal, plain lines otherwise."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

__all__ = ["progress", "say"]

T = TypeVar("T")


def progress(items: Iterable[T], label: str, total: int | None = None, unit: str = "it", every: float = 15.0) -> Iterator[T]:
    """Yield `items`, showing how far we are: a bar on a terminal, else a plain line at most every `every` seconds."""
    if sys.stderr.isatty():
        yield from tqdm(items, desc=label, total=total, unit=unit, leave=False, file=sys.stderr)
        return
    said = time.monotonic()
    for done, item in enumerate(items):
        yield item
        if time.monotonic() - said >= every:
            said = time.monotonic()
            say(f"{label}: {done + 1}{'' if total is None else f'/{total}'} {unit}")


def say(line: str) -> None:
    """One plain line for people, on standard error, above any bar."""
    tqdm.write(line, file=sys.stderr)
