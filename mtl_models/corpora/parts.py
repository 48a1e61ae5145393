"""Which rows a corpus is made of: its source, or sources, opened as parts that are given to a split or free to be dealt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import datasets

from mtl_models.config.corpus import Corpus as CorpusConfig
from mtl_models.config.experiment import Kind
from mtl_models.config.sources import DatasetSource, FileSource, PackageSource
from mtl_models.corpora.annotations import on_words
from mtl_models.corpora.corpus import Split
from mtl_models.corpora.documents.files import read_documents
from mtl_models.corpora.hub import read_dataset
from mtl_models.corpora.readers import Table, read_file
from mtl_models.corpora.sources import describe, fetch
from mtl_models.corpora.staging import Part, wanted_columns
from mtl_models.errors import CorpusError

__all__ = ["open_parts", "sources_of"]

AnySource = FileSource | PackageSource | DatasetSource

_HUB_NAMES: dict[Split, tuple[str, ...]] = {"train": ("train",), "dev": ("validation", "dev", "valid", "val"), "test": ("test",)}


def sources_of(corpus: CorpusConfig) -> list[AnySource]:
    """Every source that the corpus names, the main one first."""
    return [corpus.source, *(corpus.splits.sources or {}).values()]


def open_parts(corpus: CorpusConfig, kind: Kind = "single_label") -> list[Part]:
    """The parts for a task of that kind, fetched and ready to be read once. Raises `CorpusError` where a source or a column is missing."""
    wanted = wanted_columns(corpus)
    if isinstance(corpus.source, DatasetSource):
        if on_words(kind):
            raise _no_documents(corpus.source, kind)
        parts = _dataset_parts(corpus, corpus.source, wanted)
    else:
        if corpus.splits.names is not None:
            raise CorpusError(f"{describe(corpus.source)}: splits.names is for data sets; use splits.column or splits.sources for a file")
        parts = [Part("train", _open(corpus.source, corpus, kind, wanted, "train"), _from_start(corpus, corpus.source, kind, wanted))]
    for split, source in (corpus.splits.sources or {}).items():
        parts.append(Part(split, _open(source, corpus, kind, wanted, split)))
    return parts


def _open(source: AnySource, corpus: CorpusConfig, kind: Kind, wanted: Sequence[str], split: Split) -> Table:
    if on_words(kind):
        return _open_documents(source, corpus, kind, wanted, split)
    fetched = fetch(source)
    if not isinstance(fetched, dict):
        return read_file(fetched, describe(source), corpus, wanted)
    name = next(iter(fetched)) if len(fetched) == 1 else _find(fetched, split)
    if name is None:
        raise CorpusError(f"{describe(source)}: cannot tell which of its splits is {split}: {', '.join(fetched)}")
    return read_dataset(fetched[name], f"{describe(source)} ({name})", wanted)


def _open_documents(source: AnySource, corpus: CorpusConfig, kind: Kind, wanted: Sequence[str], split: Split) -> Table:
    if isinstance(source, DatasetSource):
        raise _no_documents(source, kind)
    prefix = f"{split}-" if corpus.splits.sources else ""
    return read_documents(fetch(source), describe(source), corpus, kind, wanted, prefix)


def _no_documents(source: DatasetSource, kind: Kind) -> CorpusError:
    return CorpusError(f"{describe(source)}: kind {kind} labels words, which are read from files; write the data set as JSON lines")


def _find(splits: dict[str, datasets.Dataset], split: Split) -> str | None:
    return next((name for name in _HUB_NAMES[split] if name in splits), None)


def _dataset_parts(corpus: CorpusConfig, source: DatasetSource, wanted: Sequence[str]) -> list[Part]:
    """Splits by the names given, else by the usual ones; a data set of one split is dealt, unless a column says otherwise."""
    splits = fetch(source)
    taken = _names_to_take(corpus, source, splits)
    parts = []
    for split, name in taken:
        title = f"{describe(source)} ({name})"
        only = _slice(corpus.rows, splits[name].num_rows) if split == "train" else (0, None)
        parts.append(Part(split, read_dataset(splits[name], title, wanted), only))
    return parts


def _names_to_take(corpus: CorpusConfig, source: DatasetSource, splits: dict[str, Any]) -> list[tuple[Split, str]]:
    has = f"it has {', '.join(splits)}"
    if corpus.splits.column is not None:
        return [("train", name) for name in splits]
    if corpus.splits.names is not None:
        for name in corpus.splits.names.values():
            if name not in splits:
                raise CorpusError(f"{describe(source)}: no split '{name}'; {has}")
        if "train" not in corpus.splits.names:
            raise CorpusError(f"{describe(source)}: splits.names must say which split is train; {has}")
        return list(corpus.splits.names.items())
    if len(splits) == 1:
        return [("train", next(iter(splits)))]
    found = {split: _find(splits, split) for split in _HUB_NAMES if split not in (corpus.splits.sources or {})}
    if found["train"] is None:
        raise CorpusError(f"{describe(source)}: no split named train; say which is which in splits.names; {has}")
    return [(split, name) for split, name in found.items() if name is not None]


def _from_start(corpus: CorpusConfig, source: FileSource | PackageSource, kind: Kind, wanted: Sequence[str]) -> tuple[int, int | None]:
    """The slice in numbers from the start; bounds from the end cost one reading of the file, to count its rows."""
    if all(bound is None or bound >= 0 for bound in corpus.rows or ()):
        return _slice(corpus.rows, 0)
    return _slice(corpus.rows, sum(1 for _ in _open(source, corpus, kind, wanted, "train").rows))


def _slice(rows: tuple[int | None, int | None] | None, count: int) -> tuple[int, int | None]:
    start, stop = (None if bound is None else bound if bound >= 0 else max(0, count + bound) for bound in rows or (None, None))
    return start or 0, stop
