"""Files of vectors as streams of plain bytes, compressed or not, with the place of any damage."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from mtl_models.errors import VectorsError

__all__ = ["ByteStream", "open_stream"]

_BUFFER = 1 << 20


class ByteStream:
    """Bytes read forward only. Whoever asks for more than there is gets a `VectorsError` that names the byte."""

    def __init__(self, source: BinaryIO, path: Path, size: int | None) -> None:
        self.path = path
        self.offset = 0
        """Bytes consumed so far, counted after decompression."""
        self._source = io.BufferedReader(cast("io.RawIOBase", source), _BUFFER)
        self._size = size

    def blocks(self) -> Iterator[bytes]:
        """What is left, in pieces."""
        while block := self.up_to(_BUFFER):
            yield block

    def up_to(self, count: int) -> bytes:
        """The next `count` bytes, or what is left."""
        data = self._source.read(count)
        self.offset += len(data)
        return data

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        data = self.up_to(count)
        if len(data) < count:
            raise self.damage(f"the file ends here, {count - len(data)} bytes too early: it is cut, fetch it again")
        return data

    def take_until(self, end: bytes, limit: int = 1 << 16) -> bytes:
        """The bytes before the next byte `end`, which is consumed too."""
        parts: list[bytes] = []
        length = 0
        while length <= limit:
            ahead = self._source.peek(1)
            if not ahead:
                raise self.damage("the file ends here, in the middle of a word: it is cut, fetch it again")
            found = ahead.find(end)
            part = self._source.read(len(ahead) if found < 0 else found + 1)
            self.offset += len(part)
            if found >= 0:
                return b"".join([*parts, part[:-1]])
            parts.append(part)
            length += len(part)
        raise self.damage(f"a word of more than {limit} bytes: the file is corrupt or of another format")

    def skip(self, count: int) -> None:
        """Pass over `count` bytes, without reading them where the file is not compressed."""
        if self._size is None:
            while count > 0:
                count -= len(self.take(min(count, _BUFFER)))
            return
        if self.offset + count > self._size:
            self.offset = self._size
            raise self.damage("the file ends here: it is cut, fetch it again")
        self._source.seek(count, os.SEEK_CUR)
        self.offset += count

    def at_end(self) -> bool:
        """Whether nothing is left."""
        return not self._source.peek(1)

    def damage(self, what: str) -> VectorsError:
        """The error to raise for something wrong at the present byte."""
        return VectorsError(f"{self.path}, byte {self.offset}: {what}")


@contextmanager
def open_stream(path: Path) -> Iterator[ByteStream]:
    """Open a file of vectors, plain or compressed (gzip, bzip2, xz, zip with one member), told apart by their first bytes.

    Damage of the compression, whenever it is met inside the block, becomes a `VectorsError` with the byte of the compressed file.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise VectorsError(f"{path}: cannot be opened: {error.strerror or error}") from error
    with file:
        try:
            with _decompressed(file, path) as source:
                plain = source is file
                yield ByteStream(source, path, os.fstat(file.fileno()).st_size if plain else None)
        except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            where = f"near byte {file.tell()} of the compressed file"
            raise VectorsError(f"{path}, {where}: {error}; the file is cut or corrupt, fetch it again") from error


def _decompressed(file: io.BufferedReader, path: Path) -> BinaryIO:
    start = file.peek(8)
    if start.startswith(b"\x1f\x8b"):
        return cast("BinaryIO", gzip.GzipFile(fileobj=file))
    if start.startswith(b"BZh"):
        return cast("BinaryIO", bz2.BZ2File(file))
    if start.startswith(b"\xfd7zXZ\x00"):
        return cast("BinaryIO", lzma.LZMAFile(file))
    if start.startswith(b"PK\x03\x04"):
        archive = zipfile.ZipFile(file)
        members = [name for name in archive.namelist() if not name.endswith("/")]
        if len(members) != 1:
            raise VectorsError(f"{path}: a zip must hold one file of vectors, this one has {', '.join(members)}; unpack the one you want")
        return cast("BinaryIO", archive.open(members[0]))
    return file
