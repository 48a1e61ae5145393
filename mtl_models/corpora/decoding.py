"""Bytes to text: gzip seen through, and an undecodable byte named by line and offset."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mtl_models.errors import CorpusError

__all__ = ["open_bytes", "open_text"]

_CHUNK = 1 << 20
_GZIP_MAGIC = b"\x1f\x8b"


@contextmanager
def open_bytes(path: Path, name: str) -> Iterator[IO[bytes]]:
    """Open a file, unpacking gzip (known by its first bytes). `name` is what errors call the file."""
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == _GZIP_MAGIC
            plain.seek(0)
            if packed:
                with gzip.open(plain) as unpacked:
                    yield unpacked  # type: ignore[misc]
            else:
                yield plain
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CorpusError(f"{name}: the gzip file is cut short or damaged ({error}); fetch or write it again") from None


@contextmanager
def open_text(path: Path, name: str, encoding: str, newline: str) -> Iterator[IO[str]]:
    """Open a text file. A byte order mark is skipped; bytes that are not of `encoding` raise a `CorpusError` with their place.

    `newline` is that of `open`: "" keeps every kind of line ending, "\\n" ends lines at line feeds only.
    """
    with open_bytes(path, name) as raw:
        try:
            yield io.TextIOWrapper(raw, encoding=_skip_mark(encoding), newline=newline)
        except UnicodeDecodeError as error:
            line, offset = _place_of_fault(path, name, encoding)
            fault = error.object[error.start]
            raise CorpusError(
                f"{name}, line {line}: byte {offset} (0x{fault:02x}) is not {encoding}; "
                f"save the file as {encoding}, or say which `encoding` it has, e.g. latin-1"
            ) from None


def _skip_mark(encoding: str) -> str:
    return "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding


def _place_of_fault(path: Path, name: str, encoding: str) -> tuple[int, int]:
    """Line (from 1) and byte offset (from 0, in the unpacked file) of the first byte that does not decode."""
    decoder = codecs.getincrementaldecoder(_skip_mark(encoding))()
    line, offset = 1, 0
    with open_bytes(path, name) as raw:
        while True:
            chunk = raw.read(_CHUNK)
            try:
                line += decoder.decode(chunk, final=not chunk).count("\n")
            except UnicodeDecodeError as error:
                # the decoder may have held back bytes of the chunk before: `object` is what it had in hand, ending where the chunk ends
                line += codecs.decode(error.object[: error.start], encoding, "ignore").count("\n")
                return line, offset + len(chunk) - len(error.object) + error.start
            offset += len(chunk)
            if not chunk:
                raise AssertionError(f"{name} decodes on second reading; was it changed meanwhile?")
