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
        self._source = source
        self._size = size
        self._buffer = b""
        self._place = 0
        self._before = 0

    @property
    def offset(self) -> int:
        """Bytes consumed so far, counted after decompression."""
        return self._before + self._place

    def blocks(self) -> Iterator[bytes]:
        """What is left, in pieces."""
        while block := self.up_to(_BUFFER):
            yield block

    def up_to(self, count: int) -> bytes:
        """The next `count` bytes, or what is left."""
        while len(self._buffer) - self._place < count and self._fill(count):
            pass
        data = self._buffer[self._place : self._place + count]
        self._place += len(data)
        return data

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        data = self.up_to(count)
        if len(data) < count:
            raise self.damage(f"the file ends here, {count - len(data)} bytes too early: it is cut, fetch it again")
        return data

    def take_until(self, end: bytes, limit: int = 1 << 16) -> bytes:
        """The bytes before the next byte `end`, which is consumed too."""
        while (found := self._buffer.find(end, self._place, self._place + limit + 1)) < 0:
            if len(self._buffer) - self._place > limit:
                raise self.damage(f"a word of more than {limit} bytes: the file is corrupt or of another format")
            if not self._fill(_BUFFER):
                self._place = len(self._buffer)
                raise self.damage("the file ends here, in the middle of a word: it is cut, fetch it again")
        data = self._buffer[self._place : found]
        self._place = found + 1
        return data

    def skip(self, count: int) -> None:
        """Pass over `count` bytes, without reading them where the file is not compressed."""
        if self._size is None:
            while count > 0:
                count -= len(self.take(min(count, _BUFFER)))
            return
        target = self.offset + count
        if target > self._size:
            self._buffer, self._place, self._before = b"", 0, self._size
            raise self.damage("the file ends here: it is cut, fetch it again")
        if target <= self._before + len(self._buffer):
            self._place += count
            return
        self._source.seek(target)
        self._buffer, self._place, self._before = b"", 0, target

    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self._place == len(self._buffer) and not self._fill(1)

    def _fill(self, count: int) -> bool:
        """Read at least some more bytes, if there are any."""
        more = self._source.read(max(count, _BUFFER))
        self._buffer = self._buffer[self._place :] + more
        self._before += self._place
        self._place = 0
        return bool(more)

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
