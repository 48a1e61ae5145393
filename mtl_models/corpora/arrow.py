"""Rows of a corpus as Arrow files: written batch by batch, read back memory-mapped as `datasets.Dataset`s.

Memory stays that of one batch, whatever the number of rows. Files are opened by name and not through the cache of `datasets`,
which goes by modification times; whoever names a file here names it by content.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import datasets
import pyarrow as pa

__all__ = ["RowWriter", "Texts", "iterate_batches", "open_rows"]

_BATCH = 10_000


class RowWriter:
    """An Arrow stream file under construction; a context manager."""

    def __init__(self, path: Path, features: datasets.Features) -> None:
        self._schema: Any = features.arrow_schema
        self._sink = pa.OSFile(str(path), "wb")
        self._writer = pa.ipc.new_stream(self._sink, self._schema)

    def write(self, columns: dict[str, Any]) -> None:
        """Append rows; `columns` maps every feature to a list or an Arrow array, all equally long."""
        arrays = [pa.array(columns[field.name], type=field.type) for field in self._schema]
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))

    def close(self) -> None:
        """End the stream and close the file."""
        self._writer.close()
        self._sink.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def open_rows(path: Path) -> datasets.Dataset:
    """The rows of a file that `RowWriter` wrote, memory-mapped."""
    return datasets.Dataset.from_file(str(path))


@dataclass(frozen=True)
class Texts:
    """The column `text` of rows, read batch by batch as often as it is gone through."""

    rows: datasets.Dataset

    def __iter__(self) -> Iterator[str]:
        for batch in self.rows.select_columns(["text"]).with_format("arrow").iter(_BATCH):
            yield from batch["text"].to_pylist()

    def __len__(self) -> int:
        return len(self.rows)


def iterate_batches(path: Path) -> Iterator[Any]:
    """The record batches of a file that `RowWriter` wrote, read one by one without mapping the file."""
    with pa.OSFile(str(path), "rb") as file, pa.ipc.open_stream(file) as stream:
        yield from stream
