"""One text of a corpus whose labels lie on words: its tokens, and what is marked on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

__all__ = ["Document", "Mark", "Marks", "Span", "laid_on", "overlapping"]

Span = tuple[int, int, str]
"""First token, first token behind, type."""


class Mark(NamedTuple):
    """One annotation, its type still by name; `numbers` are the columns of `annotations.WIDTHS` before the type."""

    numbers: tuple[int, ...]
    type: str


Marks = tuple[Mark, ...]


@dataclass(frozen=True)
class Document:
    """A row of the corpus. `line` is where it begins in its file; `fields` what else the file says of it: id, group, other columns."""

    tokens: tuple[str, ...]
    marks: Marks
    line: int
    fields: Mapping[str, Any]


def laid_on(spans: Iterable[Span]) -> Marks:
    """Spans as marks, each once, in the order of the text."""
    return tuple(Mark((start, end), name) for start, end, name in sorted(set(spans)))


def overlapping(marks: Sequence[Mark]) -> tuple[Mark, Mark] | None:
    """The first two spans that have a token in common; `marks` in the order of the text."""
    return next(((one, two) for one, two in pairwise(marks) if two.numbers[0] < one.numbers[1]), None)
