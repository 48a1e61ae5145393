"""Narrow columns that stand for the texts of a corpus: what most expectations look at, small enough for millions of rows.

Texts are read batch by batch; what stays of each is some 30 bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import datasets
import numpy as np
import numpy.typing as npt
import pandas as pd
import regex

from mtl_models.corpora.annotations import as_rows, on_words, type_counts
from mtl_models.corpora.corpus import FEATURES, SPLITS, Corpus, Split, features_of, label_values
from mtl_models.corpora.keys import EMPTY, text_keys
from mtl_models.corpora.labels import joined

__all__ = ["Columns", "class_table", "label_names", "measure", "schema_of", "type_name"]

_BATCH = 10_000
_NOT_A_LETTER = regex.compile(r"\P{L}+")


@dataclass(frozen=True)
class Columns:
    """The measured corpus.

    `rows` has a line per row, in the order of `SPLITS`: id, group (present or null), split, label (class name; of several labels all of
    them, `a|b`; of a rating the number), length (characters), visible (the same without white space at the ends), copy (an earlier row
    says the same), script (share of its letters in the declared script; null without letters). `letters` and `in_script` count over
    the whole corpus. `has` (N, K) says which of several labels a row has; None where it has one.

    Of labels of words, `label` and `has` say which types a text has, and `rows` has two columns more: marks (annotations of the text) and
    widest (words of its longest span, 0 where it has none).
    """

    rows: pd.DataFrame
    letters: int
    in_script: int
    has: npt.NDArray[np.bool_] | None = None


def type_name(feature: Any) -> str:
    """A column's type in words; the two string types of Arrow count as one."""
    inside = getattr(feature, "feature", None)
    return f"list of {inside.dtype}" if inside is not None else str(getattr(feature, "dtype", feature)).removeprefix("large_")


def schema_of(splits: Mapping[Split, datasets.Dataset]) -> list[str]:
    """`SPLIT.COLUMN: TYPE` of every column there is."""
    return [f"{split}.{name}: {type_name(feature)}" for split, rows in splits.items() for name, feature in rows.features.items()]


def measure(corpus: Corpus, script: str | None) -> Columns:
    """Read every row once. Equal texts are told by their normalised form (`keys`)."""
    batches = (batch for split in SPLITS for batch in _batches(corpus.splits[split]))
    nothing = features_of(corpus.kind).arrow_schema.empty_table()
    parts = [_measure_batch(batch, script, corpus) for batch in (nothing, *batches)]
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    sizes = [len(corpus.splits[split]) for split in SPLITS]
    letters, in_script = found["letters"], found["in_script"]
    rows = pd.DataFrame(
        {
            "id": pd.Categorical.from_codes(found["id"], ["present"]),
            "group": pd.Categorical.from_codes(found["group"], ["present"]),
            "split": pd.Categorical.from_codes(np.repeat(np.arange(len(SPLITS)), sizes), list(SPLITS)),
            "label": _label_column(found["label"], corpus),
            "length": found["length"],
            "visible": found["visible"],
            "copy": pd.Series(found["key"]).duplicated().to_numpy() & (found["key"] != EMPTY),
            "script": np.divide(in_script, letters, out=np.full(len(letters), np.nan), where=letters > 0),
        },
        copy=False,
    )
    if on_words(corpus.kind):
        rows["marks"], rows["widest"] = found["marks"], found["widest"]
    return Columns(rows, int(letters.sum()), int(in_script.sum()), found["label"] == 1 if found["label"].ndim == 2 else None)


def class_table(rows: pd.DataFrame, labels: tuple[str, ...], has: npt.NDArray[np.bool_] | None = None) -> pd.DataFrame:
    """A line per class: label, rows, share (of all rows), and rows in train, dev and test; `has` as in `Columns`."""
    split = rows["split"].cat.codes.to_numpy()
    counts = np.zeros((len(labels), len(SPLITS)), dtype=np.int64)
    if has is None:
        label = rows["label"].cat.codes.to_numpy()
        known = (label >= 0) & (label < len(labels))
        np.add.at(counts, (label[known], split[known]), 1)
    else:
        row, label = np.nonzero(has)
        np.add.at(counts, (label, split[row]), 1)
    total = counts.sum(axis=1)
    table = pd.DataFrame({"label": list(labels), "rows": total, "share": total / max(1, int(total.sum()) if has is None else len(has))})
    for position, name in enumerate(SPLITS):
        table[name] = counts[:, position]
    return table


def label_names(labels: npt.NDArray[Any], names: tuple[str, ...]) -> list[str | None]:
    """Class names of label numbers (N,); a number without a class is called so, and a missing one is None. Of several labels, (N, K),
    all that a row has, `a|b`.
    """
    if labels.ndim == 2:
        return [joined(name for name, value in zip(names, row, strict=True) if value == 1) for row in labels]
    return [None if np.isnan(value) else _name(int(value), names) for value in labels]


def _name(number: int, names: tuple[str, ...]) -> str:
    return names[number] if 0 <= number < len(names) else f"{number} (no such class)"


def _codes(labels: npt.NDArray[np.float64], names: tuple[str, ...]) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Categorical codes and categories: the classes, then whatever else stands there; -1 for a missing label."""
    missing = np.isnan(labels)
    numbers = np.where(missing, 0, labels).astype(np.int64)
    strange = np.unique(numbers[(numbers < 0) | (numbers >= len(names))])
    codes = np.where((numbers < 0) | (numbers >= len(names)), len(names) + np.searchsorted(strange, numbers), numbers)
    return np.where(missing, -1, codes), [*names, *(_name(int(number), names) for number in strange)]


def _batches(split: datasets.Dataset) -> Iterator[Any]:
    yield from split.select_columns(list(FEATURES)).with_format("arrow").iter(_BATCH)


def _label_column(labels: npt.NDArray[Any], corpus: Corpus) -> Any:
    """The column `label` of `Columns.rows`."""
    if corpus.kind == "rating":
        return labels
    if labels.ndim == 2:
        return pd.Categorical(label_names(labels, corpus.labels))
    return pd.Categorical.from_codes(*_codes(labels, corpus.labels))


def _measure_batch(batch: Any, script: str | None, corpus: Corpus) -> dict[str, npt.NDArray[Any]]:
    """Columns of one Arrow batch; a missing id, group or label is -1, -1, NaN. Several labels are as they are stored."""
    texts: list[str | None] = batch["text"].to_pylist()
    count = len(texts)
    letters, in_script = _letters(texts, script) if script is not None else (np.zeros(count, np.int64), np.zeros(count, np.int64))
    return {
        "id": _missing_as_minus_one(batch["id"]),
        "group": _missing_as_minus_one(batch["group"]),
        **_labels(batch["label"], corpus),
        "length": np.array([np.nan if text is None else len(text) for text in texts], dtype=np.float64),
        "visible": np.array([np.nan if text is None else len(text.strip()) for text in texts], dtype=np.float64),
        "key": text_keys(text or "" for text in texts),
        "letters": letters,
        "in_script": in_script,
    }


def _labels(column: Any, corpus: Corpus) -> dict[str, npt.NDArray[Any]]:
    if on_words(corpus.kind):
        return _marks(as_rows(column, corpus.kind), corpus)
    if str(column.type).startswith("list"):
        return {"label": label_values(column, len(corpus.labels))}
    return {"label": np.array([np.nan if label is None else label for label in column.to_pylist()], dtype=np.float64)}


def _marks(rows: npt.NDArray[Any], corpus: Corpus) -> dict[str, npt.NDArray[Any]]:
    """Types as the labels of a text, (N, K) of 1 and 0; its annotations, and the words of its longest span."""
    counts = type_counts(rows, corpus.kind, len(corpus.labels))
    ends = (1, 3) if corpus.kind == "relations" else (1,)
    widest = [max((int((found[:, end] - found[:, end - 1]).max()) for end in ends), default=0) if len(found) else 0 for found in rows]
    return {
        "label": (counts > 0).astype(np.int8),
        "marks": counts.sum(axis=1),
        "widest": np.array(widest, dtype=np.int64),
    }


def _missing_as_minus_one(column: Any) -> npt.NDArray[np.int8]:
    return np.where(column.is_null().to_numpy(), -1, 0).astype(np.int8)


def _letters(texts: list[str | None], script: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Letters of each text, and those of them in the script."""
    foreign = regex.compile(rf"\P{{Script={script}}}+")
    kept = [_NOT_A_LETTER.sub("", text or "") for text in texts]
    mine = [len(foreign.sub("", letters)) for letters in kept]
    return np.array([len(letters) for letters in kept], dtype=np.int64), np.array(mine, dtype=np.int64)
