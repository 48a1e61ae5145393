"""From the labels that were read to the labels of a corpus: which there are, in which order, and how rows store them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mtl_models.config.corpus import Label
from mtl_models.config.experiment import Kind
from mtl_models.corpora.annotations import annotations_of, on_words, type_counts
from mtl_models.corpora.documents.document import Mark
from mtl_models.corpora.labels import LabelSet, Target
from mtl_models.errors import CorpusError

__all__ = ["class_names", "label_table", "strata"]

_UNKNOWN = -100
"""In a list of several labels: nobody knows whether the text has it."""

_NO_CLASS = -1
_RATING_STRATA = 10


def class_names(found: Collection[Target], label: Label, kind: Kind, source: str) -> tuple[str, ...]:
    """The labels of a corpus in order, from the different ones its rows have; of a rating, the name of its column.

    As configured; else sorted, or of ordered classes by number, or as bands or map list them. `CorpusError` where there are too few to
    learn, one that is configured has no row, or the order of ordered classes is not to be told.
    """
    if kind == "rating":
        if len(found) == 1:
            raise CorpusError(f"{source}: all rows have the rating {next(iter(found))}; there is nothing to learn")
        return (label.column,)
    names = _names_of(found, label, kind, source)
    listed = label.columns if kind == "multi_label" and label.columns is not None else label.names
    for name in listed or ():
        if name not in names:
            where = "label.columns" if label.columns else "label.names"
            raise CorpusError(f"{source}: no row has the label '{name}', which {where} lists; the rows have {', '.join(sorted(names))}")
    if listed is not None:
        return listed
    return _ordered(names, label, source) if kind == "ordinal" else tuple(sorted(names))


def _names_of(found: Collection[Target], label: Label, kind: Kind, source: str) -> set[str]:
    """The names in the labels found; `CorpusError` where they are too few."""
    if on_words(kind):
        names = {mark.type for marks in found if isinstance(marks, tuple) for mark in marks}
        if not names:
            raise CorpusError(f"{source}: no word of any text has a label; is it the right column, and the right kind ({kind})?")
    elif kind == "multi_label":
        names = {name for names in found if isinstance(names, LabelSet) for name in names.has}
        if not names:
            raise CorpusError(f"{source}: no row has any label; look at {'label.columns' if label.columns else 'label.separator'}")
    else:
        names = {name for name in found if isinstance(name, str)}
        if len(names) == 1:
            raise CorpusError(f"{source}: all rows have the label '{next(iter(names))}'; a task needs two classes or more")
    return names


def label_table(found: Sequence[Target], labels: tuple[str, ...], kind: Kind) -> npt.NDArray[Any]:
    """How a row stores each of the S labels found: (S,) int32 class numbers, (S, K) int8 of several labels, (S,) float64 ratings; of
    words (S,) `Annotations`, flattened.
    """
    if on_words(kind):
        return _flat(found, labels, kind)
    if kind == "rating":
        return np.array(found, dtype=np.float64)
    if kind == "multi_label":
        rows = [[_stored(names, name) for name in labels] for names in found if isinstance(names, LabelSet)]
        return np.array(rows, dtype=np.int8)
    number = {name: place for place, name in enumerate(labels)}
    return np.array([number.get(str(name), _NO_CLASS) for name in found], dtype=np.int32)


def strata(table: npt.NDArray[Any], label: npt.NDArray[np.int32], kind: Kind, labels: int) -> npt.NDArray[Any]:
    """What splits should hold equal shares of: class numbers (N,) int32 (of ratings, tenths of the rows by rank), or which labels a row
    has (of labels of words: which types), (N, K) bool.

    `label` (N,) indexes `table` (S, ...), which is that of `label_table`; `labels` is K.
    """
    if on_words(kind):
        return (type_counts(annotations_of(list(table), kind), kind, labels) > 0)[label]
    if kind == "rating":
        ratings = table[label]
        bounds = np.quantile(ratings, np.linspace(0, 1, _RATING_STRATA + 1)[1:-1])
        _, tenth = np.unique(np.searchsorted(np.unique(bounds), ratings), return_inverse=True)
        return tenth.astype(np.int32)
    return table[label] == 1 if kind == "multi_label" else label


def _flat(found: Sequence[Target], labels: tuple[str, ...], kind: Kind) -> npt.NDArray[Any]:
    number = {name: place for place, name in enumerate(labels)}
    rows = np.empty(len(found), dtype=object)
    for place, marks in enumerate(found):
        assert isinstance(marks, tuple), "labels of words are marks"
        rows[place] = np.array([value for mark in marks for value in _stored_mark(mark, number, kind)], dtype=np.int32)
    return rows


def _stored_mark(mark: Mark, number: Mapping[str, int], kind: Kind) -> tuple[int, ...]:
    return mark.numbers if kind == "coreference" else (*mark.numbers, number[mark.type])


def _stored(names: LabelSet, name: str) -> int:
    if name in names.unknown:
        return _UNKNOWN
    return int(name in names.has)


def _ordered(names: set[str], label: Label, source: str) -> tuple[str, ...]:
    if label.bands is not None or label.map is not None:
        listed = list(label.bands or dict.fromkeys(name for name in (label.map or {}).values() if name is not None))
        return tuple(name for name in listed if name in names)
    try:
        return tuple(sorted(names, key=float))
    except ValueError:
        raise CorpusError(
            f"{source}: the classes {', '.join(sorted(names))} are not numbers, and kind ordinal needs their order; list it in label.names"
        ) from None
