"""Data sets in the layouts of Hugging Face `datasets`: of the hub by name, or a local folder."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import datasets
from huggingface_hub import HfApi

from mtl_models.config.sources import DatasetSource
from mtl_models.corpora.columns import missing_column
from mtl_models.corpora.locks import alone
from mtl_models.corpora.readers import Row, Table
from mtl_models.errors import CorpusError
from mtl_models.files import sha256_of_folder
from mtl_models.home import home_folder

__all__ = ["fingerprint_dataset", "is_folder", "load_dataset", "read_dataset"]

_BATCH = 2_000


def is_folder(source: DatasetSource) -> bool:
    """Whether the data set is a local folder; a name of the hub is of the form `name` or `user/name`."""
    return Path(source.dataset).expanduser().is_dir() or re.fullmatch(r"[\w.-]+(/[\w.-]+)?", source.dataset) is None


def fingerprint_dataset(source: DatasetSource) -> str:
    """For a folder, a sha256 over the names and bytes of its files; for the hub, the commit."""
    if is_folder(source):
        return sha256_of_folder(_folder(source))
    if source.revision is not None and re.fullmatch(r"[0-9a-f]{40}", source.revision):
        return source.revision
    try:
        return str(HfApi().dataset_info(source.dataset, revision=source.revision).sha)
    except Exception as error:  # httpx, hub and offline errors have no common kind
        raise _unreachable(source, error) from None


def load_dataset(source: DatasetSource) -> dict[str, datasets.Dataset]:
    """Its splits by name, memory-mapped; what `datasets` prepares is kept below the home folder by content."""
    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
    fingerprint = fingerprint_dataset(source)
    name = str(_folder(source)) if is_folder(source) else source.dataset
    if is_folder(source) and any((Path(name) / mark).is_file() for mark in ("dataset_dict.json", "state.json")):
        loaded: Any = _attempt(source, lambda: datasets.load_from_disk(name))
    else:
        cache = str(home_folder("cache", "datasets", fingerprint[:24]))
        revision = None if is_folder(source) else fingerprint
        with alone(cache):
            loaded = _attempt(source, lambda: datasets.load_dataset(name, source.config, revision=revision, cache_dir=cache))
    return dict(loaded) if isinstance(loaded, dict) else {str(loaded.split or "train"): loaded}


def _attempt(source: DatasetSource, load: Any) -> Any:
    try:
        return load()
    except Exception as error:  # whatever a builder, its file formats or the hub raise
        if is_folder(source):
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise CorpusError(f"{source.dataset}: `datasets` cannot read the folder ({reason})") from None
        raise _unreachable(source, error) from None


def _folder(source: DatasetSource) -> Path:
    folder = Path(source.dataset).expanduser().resolve()
    if not folder.is_dir():
        raise CorpusError(f"{source.dataset}: no such folder; give a data set folder, or a name of the Hugging Face hub (user/name)")
    return folder


def _unreachable(source: DatasetSource, error: Exception) -> CorpusError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return CorpusError(
        f"{source.dataset}: the Hugging Face hub does not give this data set ({reason}); check name, config, revision and connection. "
        "Without a connection, set `dataset` to a folder that holds its files, or that `save_to_disk` wrote"
    )


def read_dataset(split: datasets.Dataset, name: str, wanted: Sequence[str]) -> Table:
    """The wanted columns of one split; a class number is read as the name of its class."""
    for column in wanted:
        if column not in split.column_names:
            raise CorpusError(missing_column(name, column, split.column_names))
    return Table(name, _rows(split, wanted), "row")


def _rows(split: datasets.Dataset, wanted: Sequence[str]) -> Iterator[Row]:
    inside = {column: getattr(feature, "feature", feature) for column, feature in split.features.items()}
    classes = {column: feature.names for column, feature in inside.items() if isinstance(feature, datasets.ClassLabel)}
    place = 0
    for batch in split.select_columns(list(dict.fromkeys(wanted))).with_format("arrow").iter(_BATCH):
        values = [_named(batch[column].to_pylist(), classes.get(column)) for column in wanted]
        yield from enumerate(zip(*values, strict=True), start=place + 1)
        place += batch.num_rows


def _named(values: list[Any], classes: list[str] | None) -> list[Any]:
    """Class numbers, or lists of them, as names; -1, by which hub data sets hide the labels of a test split, as nothing."""
    if classes is None:
        return values
    return [_named(value, classes) if isinstance(value, list) else _name(value, classes) for value in values]


def _name(value: int | None, classes: list[str]) -> str | None:
    return classes[value] if value is not None and value >= 0 else None
