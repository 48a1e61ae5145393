"""From raw cells to a label: as it stands, through a map, by the band a rating falls into, as a set of names, or as a number."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mtl_models.config.corpus import Band, Label
from mtl_models.config.experiment import Kind
from mtl_models.corpora.annotations import on_words
from mtl_models.corpora.columns import as_name, nearest
from mtl_models.corpora.documents.document import Marks
from mtl_models.errors import CorpusError

__all__ = [
    "MAPPED_AWAY",
    "NO_LABEL",
    "OUTSIDE_BANDS",
    "LabelError",
    "LabelSet",
    "Labeller",
    "Target",
    "joined",
    "labeller",
    "leaves_out",
    "types_of",
]

MAPPED_AWAY = "label mapped to null"
OUTSIDE_BANDS = "rating outside every band"
NO_LABEL = "no label for this task"

_JOINT = "|"
_TO_LEAVE_OUT = "give it one, or set label.missing: [''] to leave such rows out of this task"
_HAS = {"1": True, "true": True, "0": False, "false": False}


class LabelError(ValueError):
    """A cell that yields no label; the message says why, whoever catches it adds the row."""


@dataclass(frozen=True)
class LabelSet:
    """The labels a text has, and those of which nobody knows; in any order, each once."""

    has: frozenset[str]
    unknown: frozenset[str] = frozenset()


Target = str | float | LabelSet | Marks
"""A class name, a rating, a set of labels, or what is marked on the words."""

Labeller = Callable[[Any], Target | None]
"""Raw cell (of several columns: the list of their cells) -> label, or None where the row is to be dropped; raises `LabelError`."""


def joined(names: Iterable[str]) -> str:
    """Several labels as one text, `a|b`; empty where there is none."""
    return _JOINT.join(names)


def labeller(label: Label, kind: Kind = "single_label") -> Labeller:
    """The way from cells to labels that the configuration asks for; a target that `names` lacks is a `CorpusError` at once."""
    targets: Sequence[str] = [name for name in (label.map or {}).values() if name is not None] or list(label.bands or ())
    for target in targets:
        if label.names is not None and target not in label.names:
            raise CorpusError(f"label '{target}', to which map or bands lead, is not among label.names: {', '.join(label.names)}")
    if on_words(kind):
        return lambda marks: marks  # their readers have named the types, and know the lines
    if kind == "rating":
        return _rating
    if kind == "multi_label":
        return _of_columns(label.columns, label.missing) if label.columns is not None else _of_set(label)
    return _of_class(label)


def types_of(label: Label) -> Callable[[str], str | None]:
    """Labels of words: the type in the file -> the type that counts, None where it is to be left out; raises `LabelError`."""
    read = labeller(label)
    return lambda name: None if (found := read(name)) is None else str(found)


def leaves_out(label: Label) -> Callable[[Any], bool]:
    """Whether a cell (or all cells of several columns) says, by `label.missing`, that the row has no label for this task."""
    missing = frozenset(name.strip() for name in label.missing)
    if label.columns is not None:  # an empty cell is a missing label there without being asked
        unknown = missing | {""}
        return lambda cells: all(as_name(cell) in unknown for cell in cells)
    return lambda cell: bool(missing) and not isinstance(cell, list | tuple) and as_name(cell) in missing


def _of_class(label: Label) -> Labeller:
    if label.bands is not None:
        return _by_bands(label.bands)
    if label.map is not None:
        return _by_map(label.map)
    return _as_it_stands(None if label.names is None else frozenset(label.names), label.names or ())


def _of_columns(columns: Sequence[str], missing: Sequence[str]) -> Labeller:
    """From one cell per label."""
    unknown = {"", *(name.strip() for name in missing)}

    def read(cells: Any) -> LabelSet:
        found: dict[str, bool | None] = {}
        for column, cell in zip(columns, cells, strict=True):
            name = as_name(cell)
            if name not in unknown and name.lower() not in _HAS:
                raise LabelError(f"'{name}' (column '{column}') is neither 1 nor 0, true nor false; a missing label is an empty cell")
            found[column] = None if name in unknown else _HAS[name.lower()]
        return LabelSet(
            frozenset(column for column, has in found.items() if has), frozenset(column for column, has in found.items() if has is None)
        )

    return read


def _of_set(label: Label) -> Labeller:
    """From one cell with all labels: a list, or text with a separator; an empty one is a text without any label."""
    of_one = _of_class(label)

    def read(cell: Any) -> LabelSet:
        names: set[str] = set()
        for part in _parts(cell, label.separator):
            name = of_one(part)
            if isinstance(name, str):
                if _JOINT in name:
                    raise LabelError(f"label '{name}' holds '{_JOINT}', which joins labels in answers; rename it with label.map")
                names.add(name)
        return LabelSet(frozenset(names))

    return read


def _parts(cell: Any, separator: str | None) -> list[Any]:
    """The labels of a cell, none of them empty."""
    if hasattr(cell, "tolist"):  # columns of lists come as arrays from some readers
        cell = cell.tolist()
    if isinstance(cell, list | tuple):
        parts = list(cell)
    elif not as_name(cell):
        parts = []
    elif separator is None:
        raise LabelError(f"'{as_name(cell)}' is a text and no list of labels; label.separator says what stands between them")
    else:
        parts = as_name(cell).split(separator)
    return [part for part in parts if as_name(part)]


def _rating(cell: Any) -> float:
    rating = _number(cell)
    if math.isinf(rating):
        raise LabelError(f"rating {as_name(cell)!r} is not a finite number")
    return rating


def _number(cell: Any) -> float:
    try:
        number = float(cell)
    except (TypeError, ValueError):
        number = math.nan
    if math.isnan(number):
        raise LabelError(f"rating {as_name(cell)!r} is not a number" if as_name(cell) else f"the row has no rating; {_TO_LEAVE_OUT}")
    return number


def _as_it_stands(known: frozenset[str] | None, names: Sequence[str]) -> Labeller:
    def read(cell: Any) -> str:
        name = as_name(cell)
        if not name:
            raise LabelError(f"the row has no label; {_TO_LEAVE_OUT}")
        if known is not None and name not in known:
            raise LabelError(f"label '{name}' is not among label.names: {', '.join(names)}{nearest(name, names)}")
        return name

    return read


def _by_map(targets: Mapping[str, str | None]) -> Labeller:
    def read(cell: Any) -> str | None:
        name = as_name(cell)
        if name not in targets:
            if not name:
                raise LabelError(f"the row has no label; {_TO_LEAVE_OUT}")
            raise LabelError(f"label '{name}' is not in label.map, which lists {', '.join(map(repr, targets))}")
        return targets[name]

    return read


def _by_bands(bands: Mapping[str, Band]) -> Labeller:
    def read(cell: Any) -> str | None:
        rating = _number(cell)
        found = [name for name, band in bands.items() if _holds(band, rating)]
        if len(found) > 1:
            raise LabelError(f"rating {rating:g} lies in the bands of {' and '.join(found)}; bands must not overlap")
        return found[0] if found else None

    return read


def _holds(band: Band, rating: float) -> bool:
    return (
        (band.below is None or rating < band.below)
        and (band.at_most is None or rating <= band.at_most)
        and (band.above is None or rating > band.above)
        and (band.at_least is None or rating >= band.at_least)
    )
