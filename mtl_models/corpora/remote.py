"""Files behind a URL that fsspec opens: fetched into the home folder, kept by sha256."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import fsspec

from mtl_models.config.sources import FileSource
from mtl_models.corpora.locks import alone
from mtl_models.errors import CorpusError
from mtl_models.files import sha256_of, writing_file
from mtl_models.home import home_folder
from mtl_models.progress import say

__all__ = ["fetch_url"]

_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs"}
_CHECKSUMS = ("ETag", "etag", "md5Hash", "Content-MD5", "Digest")


def fetch_url(source: FileSource) -> Path:
    """The local copy, `downloads/<sha256>/<name>`.

    With `sha256` given, a verified copy is used without asking the server; else it is fetched again unless the server's checksum of it
    (ETag, MD5) is the one it had. Raises `CorpusError` when it cannot be had or has another sha256.
    """
    name = PurePosixPath(urlsplit(source.path).path).name or "download"
    with alone(source.path):
        if source.sha256 is not None:
            kept = _kept(source.sha256, name)
            return kept if kept is not None else _download(*_open(source.path), source, name)
        files, path = _open(source.path)
        memo = _memo(files, path, source.path)
        if memo is not None and memo.is_file():
            kept = _kept(memo.read_text(), name)
            if kept is not None:
                return kept
        copy = _download(files, path, source, name)
        if memo is not None:
            with writing_file(memo) as draft:
                draft.write_text(copy.parent.name)
        return copy


def _kept(sha256: str, name: str) -> Path | None:
    place = home_folder("downloads") / sha256 / name
    return place if place.is_file() and sha256_of(place) == sha256 else None


def _open(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it."""
    scheme = url.partition("://")[0]
    options: dict[str, Any] = {}
    if scheme in ("http", "https"):
        import aiohttp

        # aiohttp gives up after five minutes in all, too soon for a large file on a slow line
        options = {"client_kwargs": {"timeout": aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=60)}}
    try:
        files, path = fsspec.core.url_to_fs(url, **options)
    except ImportError as error:
        extra = f"run `pip install 'polytask[{_EXTRAS[scheme]}]'`" if scheme in _EXTRAS else str(error)
        raise CorpusError(f"{url}: {scheme}:// needs a package that is not installed; {extra}") from None
    except ValueError as error:
        raise CorpusError(f"{url}: {error}; give a local path, or a URL such as https://, s3:// or gs://") from None
    return files, path


def _memo(files: Any, path: str, url: str) -> Path | None:
    """Where the sha256 of this URL's content with this checksum of the server's is remembered; None if the server gives no checksum."""
    try:
        details = files.info(path)
    except Exception as error:  # each file system raises errors of its own kind
        raise _unreachable(url, error) from None
    checksum = next((str(details[key]) for key in _CHECKSUMS if details.get(key)), None)
    if checksum is None:
        return None
    return home_folder("downloads", "urls") / hashlib.sha256(f"{url}\n{checksum}".encode()).hexdigest()


def _download(files: Any, path: str, source: FileSource, name: str) -> Path:
    say(f"fetching {source.path}")
    with tempfile.TemporaryDirectory(dir=home_folder("downloads"), prefix=".partial-") as partial:
        draft = Path(partial) / name
        try:
            files.get_file(path, str(draft))
        except Exception as error:  # each file system raises errors of its own kind
            raise _unreachable(source.path, error) from None
        found = sha256_of(draft)
        if source.sha256 not in (None, found):
            raise CorpusError(
                f"{source.path}: wrong sha256\n  expected {source.sha256}\n  found    {found}\n"
                "nothing was kept; correct `sha256` if the new file is the one you mean, or find out who changed it"
            )
        return draft.replace(home_folder("downloads", found) / name)


def _unreachable(url: str, error: Exception) -> CorpusError:
    # fsspec calls whatever goes wrong over HTTP a missing file, and keeps the true reason as its cause
    cause = error.__cause__ or error
    if isinstance(error, FileNotFoundError) and (cause is error or getattr(cause, "status", None) == 404):
        return CorpusError(f"{url}: no such file on the server")
    reason = str(cause).strip() or type(cause).__name__
    return CorpusError(f"{url}: cannot be fetched ({reason}); check address, connection and credentials, or give a local copy")
