"""First pass over a corpus: every row checked, labelled and written to a stage file, with a few numbers per row kept in memory.

A row costs 37 bytes of memory here (keys of text, group and id, label, split, place), whatever its text. Different labels are kept once:
class names, sets of labels, ratings, or what is marked on the words of a text.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mtl_models.config.corpus import Corpus as CorpusConfig
from mtl_models.config.experiment import Kind
from mtl_models.corpora.annotations import on_words
from mtl_models.corpora.arrow import RowWriter
from mtl_models.corpora.columns import as_name, is_null
from mtl_models.corpora.corpus import FEATURES, SPLITS, Split
from mtl_models.corpora.identifiers import SeenIds
from mtl_models.corpora.keys import Keys, exact_key, text_key
from mtl_models.corpora.labels import MAPPED_AWAY, NO_LABEL, OUTSIDE_BANDS, LabelError, LabelSet, Target, labeller, leaves_out
from mtl_models.corpora.readers import Table
from mtl_models.errors import CorpusError
from mtl_models.progress import progress

__all__ = ["Part", "Stage", "stage", "wanted_columns"]

_BLOCK_ROWS, _BLOCK_CHARACTERS = 10_000, 1 << 24
_MOST_CLASSES = 10_000
_MOST_SETS = 1_000_000
_SPLIT_NAMES: dict[str, Split] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("dev", "development", "valid", "validation", "val"), "dev"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_NUMBER_OF: dict[Split, int] = {split: number for number, split in enumerate(SPLITS)}
_NUMBERS = np.dtype([("label", "i4"), ("part", "i1"), ("key", "u8"), ("exact", "u8"), ("group", "u8")])


@dataclass(frozen=True)
class Part:
    """Rows that come from one place; `split` is the split they are given to, "train" where they are free to be dealt."""

    split: Split
    table: Table
    only: tuple[int, int | None] = (0, None)
    """A slice of the rows, counted from the start."""


@dataclass(frozen=True)
class Stage:
    """What the first pass found. Arrays are per row, in the order of the stage file; `label` indexes `names`, `part` SPLITS."""

    names: tuple[Target, ...]
    label: npt.NDArray[np.int32]
    part: npt.NDArray[np.int8]
    key: Keys
    exact: Keys
    group: Keys
    rows_read: int
    dropped: dict[str, int]


def wanted_columns(corpus: CorpusConfig) -> list[str]:
    """The columns a corpus needs, text and labels first."""
    labels = corpus.label.columns or (corpus.label.column,)
    if corpus.text in labels:
        raise CorpusError(f"the column '{corpus.text}' is named both as text and as label")
    group = None if corpus.group is None else corpus.group.column
    optional = (corpus.id, group, corpus.splits.column, *(drop.column for drop in corpus.drop))
    return list(dict.fromkeys([corpus.text, *labels, *(column for column in optional if column is not None)]))


def stage(parts: Sequence[Part], corpus: CorpusConfig, path: Path, title: str, kind: Kind = "single_label") -> Stage:
    """Read all parts and write their rows to `path`; `title` is what the progress bar says.

    Raises `CorpusError` naming the first row that has no text or label, or a wrong one, and rows of one part that share an id.
    """
    with RowWriter(path, FEATURES) as writer:
        stager = _Stager(corpus, kind, writer, numbered_by_split=len(parts) > 1)
        for part in parts:
            stager.take(part, title)
    rows = np.concatenate([*stager.numbers, np.empty(0, dtype=_NUMBERS)])
    label, part_of, key, exact, group = (np.ascontiguousarray(rows[name]) for name in ("label", "part", "key", "exact", "group"))
    return Stage(tuple(stager.classes), label, part_of, key, exact, group, stager.rows_read, dict(stager.dropped))


class _RowError(ValueError):
    """What is wrong with a row, in words."""


def _names_in(label: Target) -> Iterable[str]:
    if isinstance(label, tuple):
        return {mark.type for mark in label}
    return label.has if isinstance(label, LabelSet) else (label,) if isinstance(label, str) else ()


class _Stager:
    """Takes rows in, one part after another."""

    def __init__(self, corpus: CorpusConfig, kind: Kind, writer: RowWriter, numbered_by_split: bool) -> None:
        self.rows_read = 0
        self.dropped: Counter[str] = Counter()
        self.numbers: list[np.ndarray] = []
        self.classes: dict[Target, int] = {}
        if kind != "multi_label" and not on_words(kind):
            self.classes.update({name: number for number, name in enumerate(corpus.label.names or ())})

        self._writer, self._corpus, self._numbered_by_split = writer, corpus, numbered_by_split
        at = {column: position for position, column in enumerate(wanted_columns(corpus))}
        self._drops = [(at[drop.column], drop.column, frozenset(drop.values)) for drop in corpus.drop]
        self._kind, self._label_of, self._left_out = kind, labeller(corpus.label, kind), leaves_out(corpus.label)
        self._label_columns = len(corpus.label.columns) if corpus.label.columns is not None else None
        self._no_label = MAPPED_AWAY if corpus.label.bands is None else OUTSIDE_BANDS
        self._id_at = None if corpus.id is None else at[corpus.id]
        self._split_at = None if corpus.splits.column is None else at[corpus.splits.column]
        self._group_at = None if corpus.group is None else at[corpus.group.column]
        self._pattern = re.compile(corpus.group.pattern) if corpus.group and corpus.group.pattern else None
        self._rows_of: Counter[Split] = Counter()
        self._ids_of: defaultdict[Split, SeenIds] = defaultdict(SeenIds)
        self._clear()

    def take(self, part: Part, title: str) -> None:
        """Read a part to its end."""
        before = self.rows_read
        prefix = f"{part.split}-" if self._numbered_by_split else ""
        seen = self._ids_of[part.split] if self._id_at is not None else None
        rows = islice(enumerate(part.table.rows, start=1 + self._rows_of[part.split]), *part.only)
        for number, (place, values) in progress(rows, title, unit="rows"):
            self.rows_read += 1
            self._rows_of[part.split] = number
            if self._drops and any(
                as_name(values[at]) in unwanted and self._drop(column, values[at]) for at, column, unwanted in self._drops
            ):
                continue
            try:
                name = f"{prefix}{number}" if self._id_at is None else as_name(values[self._id_at])
                if self._add(name, values, part.split) and seen is not None:
                    seen.add(name, place)
            except UnicodeEncodeError:
                raise CorpusError(
                    f"{part.table.where(place)}: holds half of a surrogate pair, which is no character; mend the row"
                ) from None
            except LabelError as fault:
                column = "" if self._label_columns is not None else f" (column '{self._corpus.label.column}')"
                raise CorpusError(f"{part.table.where(place)}: {fault}{column}") from None
            except _RowError as fault:
                raise CorpusError(f"{part.table.where(place)}: {fault}") from None
        self._flush()
        if self.rows_read == before:
            none = (
                "no rows; give a file with rows, or leave the task out"
                if part.only == (0, None)
                else "no rows in the slice that `rows` asks for"
            )
            raise CorpusError(f"{part.table.name}: {none}")
        if seen is not None:
            seen.refuse_repeats(part.table)

    def _drop(self, column: str, value: Any) -> bool:
        self.dropped[f"{column} = {as_name(value)}"] += 1
        return True

    def _add(self, name: str, values: Sequence[Any], split: Split) -> bool:
        """Whether the row is in; it is not where its label asks to drop it."""
        text = values[0]
        if not isinstance(text, str):
            raise _RowError(self._no_text(text))
        cell = values[1] if self._label_columns is None else values[1 : 1 + self._label_columns]
        if self._left_out(cell):
            self.dropped[NO_LABEL] += 1
            return False
        label = self._label_of(cell)
        if label is None:
            self.dropped[self._no_label] += 1
            return False
        if self._split_at is not None:
            split = self._split_of(values[self._split_at])
        if self._id_at is not None and not name:
            raise _RowError(f"the id (column '{self._corpus.id}') is empty")
        group = "" if self._group_at is None else self._group_of(values[self._group_at])
        data = text.encode()
        keys = text_key(text, data), exact_key(data), exact_key(group.encode()) if group else 0
        self._rows.append((self._class(label), _NUMBER_OF[split], *keys))
        self._ids.append(name)
        self._texts.append(text)
        self._groups.append(group)
        self._characters += len(text)
        if len(self._rows) >= _BLOCK_ROWS or self._characters >= _BLOCK_CHARACTERS:
            self._flush()
        return True

    def _no_text(self, text: Any) -> str:
        column = self._corpus.text
        if is_null(text):
            shown = "null" if text is None else "NaN"
            return f"the text (column '{column}') is {shown}; give it a text or leave the row out (`drop` drops rows by a column's values)"
        return f"the text (column '{column}') is of type {type(text).__name__}, not a string; is it the right column?"

    def _class(self, label: Target) -> int:
        number = self.classes.get(label)
        if number is None:
            for name in _names_in(label):
                name.encode()
            number = self.classes[label] = len(self.classes)
            if number >= _MOST_CLASSES and self._kind in ("single_label", "ordinal"):
                raise _RowError(f"more than {_MOST_CLASSES} different labels; is '{self._corpus.label.column}' the label column?")
            if number >= _MOST_SETS and self._kind == "multi_label":
                raise _RowError(f"more than {_MOST_SETS:,} different sets of labels; is label.separator right?")
        return number

    def _split_of(self, value: Any) -> Split:
        name = as_name(value)
        if name.lower() not in _SPLIT_NAMES:
            raise _RowError(f"'{name}' (column '{self._corpus.splits.column}') is no split; use one of {', '.join(_SPLIT_NAMES)}")
        return _SPLIT_NAMES[name.lower()]

    def _group_of(self, value: Any) -> str:
        name = as_name(value)
        if self._pattern is None:
            return name
        found = self._pattern.search(name)
        if found is None:
            raise _RowError(f"group.pattern {self._pattern.pattern!r} finds nothing in '{name}'")
        return found[1] or ""

    def _flush(self) -> None:
        if self._rows:
            numbers = np.array(self._rows, dtype=_NUMBERS)
            self.numbers.append(numbers)
            self._writer.write({"id": self._ids, "text": self._texts, "label": numbers["label"], "group": self._groups})
        self._clear()

    def _clear(self) -> None:
        self._rows: list[tuple[int, int, int, int, int]] = []
        self._ids: list[str] = []
        self._texts: list[str] = []
        self._groups: list[str] = []
        self._characters = 0
