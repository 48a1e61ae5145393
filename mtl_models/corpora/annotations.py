"""Labels that lie on words of a text: which kinds have them, and the numbers they are kept as.

The text of such a corpus is its tokens, joined by single spaces; every other text is split by the rule of `text.normalising`. Offsets count
tokens, from 0, and an end is the first token behind. One text's annotations are an int32 array (M, W), in no order that matters:

| kind | W | columns |
| --- | --- | --- |
| tagging | 3 | start, end, type; spans do not overlap |
| mentions | 3 | start, end, type; spans may lie within each other, and overlap |
| coreference | 3 | start, end, cluster, numbered from 0 within the text |
| relations | 5 | start and end of the head, start and end of the tail, type |

A type is an index into the corpus's labels; coreference has one label, `cluster`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_models.config.experiment import ON_WORDS

__all__ = ["WIDTHS", "Annotations", "annotations_of", "as_objects", "as_rows", "on_words", "renumbered", "tokens_of", "type_counts"]

WIDTHS: Mapping[str, int] = {"tagging": 3, "mentions": 3, "coreference": 3, "relations": 5}
"""Numbers of one annotation, of every kind that has annotations."""

Annotations = NDArray[np.int32]
"""(M, W)."""


def on_words(kind: str) -> bool:
    """Whether the labels of that kind lie on words, and not on the text as a whole."""
    return kind in ON_WORDS


def tokens_of(text: str) -> list[str]:
    """The tokens of a text of such a corpus."""
    return text.split(" ")


def annotations_of(lists: Sequence[Sequence[int]], kind: str) -> NDArray[Any]:
    """Flat lists, as a corpus keeps them -> an object array (N,) of `Annotations`."""
    return as_objects([np.asarray(numbers, dtype=np.int32).reshape(-1, WIDTHS[kind]) for numbers in lists])


def as_objects(rows: Sequence[Annotations]) -> NDArray[Any]:
    """A list of N annotations -> an object array (N,)."""
    found = np.empty(len(rows), dtype=object)
    for place, row in enumerate(rows):
        found[place] = row
    return found


def as_rows(column: Any, kind: str) -> NDArray[Any]:
    """An Arrow column of lists of int32 -> an object array (N,) of `Annotations`."""
    array = column.combine_chunks() if hasattr(column, "combine_chunks") else column
    offsets = array.offsets.to_numpy()
    flat = np.asarray(array.values.to_numpy(zero_copy_only=False), dtype=np.int32)
    return as_objects([flat[offsets[row] : offsets[row + 1]].reshape(-1, WIDTHS[kind]) for row in range(len(array))])


def renumbered(rows: Annotations, kind: str, names: tuple[str, ...], labels: tuple[str, ...]) -> Annotations:
    """Annotations whose types are `names`, with their types as `labels` numbers them; clusters keep their numbers."""
    if kind == "coreference" or names == labels:
        return rows
    return np.column_stack([rows[:, :-1], np.array([labels.index(name) for name in names], dtype=np.int32)[rows[:, -1]]])


def type_counts(rows: NDArray[Any], kind: str, labels: int) -> NDArray[np.int64]:
    """How many annotations of each type every text has, (N, `labels`); of coreference how many mentions, (N, 1)."""
    row = np.repeat(np.arange(len(rows)), [len(found) for found in rows])
    last = np.concatenate([np.empty(0, dtype=np.int32), *(found[:, -1] for found in rows)])
    counts = np.zeros((len(rows), labels), dtype=np.int64)
    np.add.at(counts, (row, np.zeros_like(last) if kind == "coreference" else last), 1)
    return counts
