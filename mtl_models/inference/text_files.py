"""Texts to predict, read from a file one at a time: .txt, .csv, .tsv, .jsonl and .parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

from mtl_models.errors import CorpusError

__all__ = ["read_texts"]

_LONGEST_CELL = 1 << 26
"""Characters of a cell; a quote that is never closed must not swallow a file larger than memory."""

_BATCH = 2048
"""Rows of a Parquet file in memory at a time."""


def read_texts(path: Path, column: str = "text") -> Iterator[str]:
    """The texts of a file (UTF-8 where it is text), in its order, never all in memory.

    .txt has a text a line (an empty line is an empty text); .csv and .tsv have a header with `column`; .jsonl has an object with
    the key `column` a line; .parquet has a column `column` of strings. Raises `CorpusError` with file and line, or row.
    """
    readers = {".txt": _plain, ".csv": _table, ".tsv": _table, ".jsonl": _objects, ".parquet": _columns}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise CorpusError(f"{path}: cannot tell the format by the name; known: {', '.join(readers)}")
    if not path.is_file():
        raise CorpusError(f"{path}: no such file")
    return reader(path, column)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Line number from 1, line with its end; a byte order mark is dropped."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise CorpusError(
                    f"{path}:{number}: byte {error.start + 1} of the line (0x{line[error.start]:02x}) is not UTF-8; save the file as UTF-8"
                ) from error


def _plain(path: Path, column: str) -> Iterator[str]:  # noqa: ARG001  # a line has no columns
    for _, line in _lines(path):
        yield line.rstrip("\r\n")


def _table(path: Path, column: str) -> Iterator[str]:
    csv.field_size_limit(_LONGEST_CELL)  # the module's own limit of 128 kB is global, and the corpus readers raise it too
    rows = csv.reader((line for _, line in _lines(path)), delimiter="\t" if path.suffix.lower() == ".tsv" else ",", strict=True)
    try:
        header = next(rows, [])
        if column not in header:
            raise CorpusError(f"{path}:1: no column '{column}'; the columns are {', '.join(header) or 'none'}")
        place = header.index(column)
        for row in rows:
            if not row:
                continue
            if len(row) <= place:
                raise CorpusError(f"{path}:{rows.line_num}: {len(row)} columns, but '{column}' is column {place + 1}")
            yield row[place]
    except csv.Error as error:
        raise CorpusError(f"{path}:{rows.line_num}: not CSV ({error}); put texts with commas or quotes in double quotes") from error


def _objects(path: Path, column: str) -> Iterator[str]:
    for number, line in _lines(path):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise CorpusError(f"{path}:{number}: not JSON ({error}); every line is one object") from error
        text = row.get(column) if isinstance(row, dict) else None
        if not isinstance(text, str):
            raise CorpusError(f'{path}:{number}: no text under \'{column}\'; a line is an object such as {{"{column}": "..."}}')
        yield text


def _columns(path: Path, column: str) -> Iterator[str]:
    import pyarrow as pa  # a registered model, which answers tables, does not need it
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            if column not in file.schema_arrow.names:
                raise CorpusError(f"{path}: no column '{column}'; the columns are {', '.join(file.schema_arrow.names) or 'none'}")
            cells = (cell for batch in file.iter_batches(_BATCH, columns=[column], use_threads=False) for cell in batch[0].to_pylist())
            for row, cell in enumerate(cells, start=1):
                if not isinstance(cell, str):
                    raise CorpusError(f"{path}: row {row}: '{column}' is {cell!r}, not a text; leave such rows out, or give another column")
                yield cell
    except pa.ArrowInvalid as error:
        raise CorpusError(f"{path}: not a sound Parquet file ({error}); write it again") from error
