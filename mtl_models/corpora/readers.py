"""Files of rows, read one row at a time: CSV, TSV, labelled lines, JSON, JSON lines and Parquet, each also as .gz.

CSV follows RFC 4180 (quotes, doubled quotes, line breaks within quotes). TSV and labelled lines know no quotes, since texts with a lone
quotation mark are common there; only a TSV cell that is wholly quoted the CSV way, as pandas writes it, loses its quotes.
"""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import IO, Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from mtl_models.config.corpus import Corpus, Format
from mtl_models.corpora.columns import missing_column
from mtl_models.corpora.decoding import open_bytes, open_text
from mtl_models.corpora.json_array import read_json_array
from mtl_models.errors import CorpusError
from mtl_models.home import home_folder

__all__ = ["Row", "Table", "format_of", "read_file"]

Row = tuple[int, Sequence[Any]]
"""A row's place in its file, from 1, and its values in the order of the wanted columns."""

_FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".txt": "labelled",
}
_OF_WORDS = {"conll", "conll04", "conll2012", "nested_bio"}
_SHEETS = {".xlsx", ".xls", ".ods"}
_LONGEST_CELL = 1 << 26
_BATCH = 2_000


@dataclass(frozen=True)
class Table:
    """Rows to be read once. `where(place)` names a row to people, e.g. "reviews.csv, line 12"."""

    name: str
    rows: Iterator[Row]
    unit: Literal["line", "row"]

    def where(self, place: int) -> str:
        """The row's address in words."""
        return f"{self.name}, {self.unit} {place}"


def format_of(path: Path, given: Format | None, name: str) -> Format:
    """The format given, else the one that the file's name tells."""
    if given in _OF_WORDS:
        raise CorpusError(f"{name}: format {given} holds labels of words; take kind tagging, mentions, relations or coreference")
    if given is not None:
        return given
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    if suffixes and suffixes[-1] in _FORMATS:
        return _FORMATS[suffixes[-1]]
    if suffixes and suffixes[-1] in _SHEETS:
        raise CorpusError(f"{name}: a spreadsheet; save the sheet as CSV (UTF-8)")
    raise CorpusError(f"{name}: the name does not tell the format; set `format` to csv, tsv, json, jsonl, parquet, labelled or folders")


def read_file(path: Path, name: str, corpus: Corpus, wanted: Sequence[str]) -> Table:
    """The wanted columns (at least two) of a file, read as `corpus` says; faults surface while the rows are drawn.

    `name` is what errors call the file. Raises `CorpusError` for a missing column, a malformed row or undecodable bytes.
    """
    if path.is_dir() and corpus.format != "folders":
        raise CorpusError(
            f"{name}: is a folder; give a file, `format: folders` for one text a file, or `dataset: {name}` for a data set folder"
        )
    kind = format_of(path, corpus.format, name)
    if kind == "folders" and not path.is_dir():
        raise CorpusError(f"{name}: is a file; `format: folders` wants a folder with a folder of text files per label")
    if kind == "folders":
        return Table(name, _pick_columns(_folders(path, name, corpus.encoding), name, ("id", "label", "text"), wanted, kind), "row")
    if corpus.columns is not None and kind in ("json", "jsonl", "parquet"):
        raise CorpusError(f"{name}: `columns` is for csv, tsv and labelled files without a header; a {kind} file names its columns itself")
    if kind == "parquet":
        return Table(name, _parquet(path, name, wanted), "row")
    if kind in ("json", "jsonl"):
        if kind == "json" and _first_character(path, name, corpus.encoding) == "{":
            kind = "jsonl"
        rows = (_json if kind == "json" else _jsonl)(path, name, corpus.encoding)
        return Table(name, _pick_keys(rows, name, "row" if kind == "json" else "line", wanted), "row" if kind == "json" else "line")
    separator = corpus.separator or ("," if kind == "csv" else "\t")
    fields = {"csv": _csv, "tsv": _tsv, "labelled": _labelled}[kind](path, name, corpus.encoding, separator)
    header = corpus.columns or (("label", "text") if kind == "labelled" else None)
    return Table(name, _pick_columns(fields, name, header, wanted, kind), "line")


def _csv(path: Path, name: str, encoding: str, separator: str) -> Iterator[Row]:
    csv.field_size_limit(_LONGEST_CELL)
    with open_text(path, name, encoding, newline="") as file:
        reader = csv.reader(file, delimiter=separator, strict=True)
        line = 1
        try:
            for fields in reader:
                if fields:
                    yield line, fields
                line = reader.line_num + 1
        except csv.Error as error:
            hint = "a quote that opens here may never be closed" if _unclosed(error) else "quote cells that hold quotes, and double these"
            raise CorpusError(f"{name}, line {line}: malformed CSV ({error}); {hint}") from None


def _unclosed(error: csv.Error) -> bool:
    return "unexpected end" in str(error) or "field larger" in str(error)


def _lines(file: IO[str]) -> Iterator[tuple[int, str]]:
    """Numbered lines that are not blank, without their ends."""
    for number, line in enumerate(file, start=1):
        line = line.removesuffix("\n").removesuffix("\r")
        if line and not line.isspace():
            yield number, line


def _tsv(path: Path, name: str, encoding: str, separator: str) -> Iterator[Row]:
    with open_text(path, name, encoding, newline="\n") as file:
        for number, line in _lines(file):
            fields = line.split(separator)
            yield number, [_unquoted(field) for field in fields] if '"' in line else fields


def _unquoted(field: str) -> str:
    if len(field) < 2 or field[0] != '"' or field[-1] != '"':
        return field
    inner = field[1:-1].replace('""', "")
    return field[1:-1].replace('""', '"') if '"' not in inner else field


def _labelled(path: Path, name: str, encoding: str, separator: str) -> Iterator[Row]:
    shown = {"\t": "tab", " ": "space"}.get(separator, repr(separator))
    with open_text(path, name, encoding, newline="\n") as file:
        for number, line in _lines(file):
            label, found, text = line.partition(separator)
            if not found:
                raise CorpusError(
                    f"{name}, line {number}: expected label, {shown} and text, but there is no {shown}; set `separator` or `format`"
                )
            yield number, (label, text)


def _folders(path: Path, name: str, encoding: str) -> Iterator[Row]:
    """A row a file: its place below `path`, the folder it lies in, its text."""
    found = sorted(file for file in path.glob("*/*") if file.is_file() and not file.name.startswith("."))
    if not found:
        raise CorpusError(f"{name}: no files one folder down; expected a folder of text files per label")
    for number, file in enumerate(found, start=1):
        place = file.relative_to(path).as_posix()
        with open_text(file, f"{name}/{place}", encoding, newline="\n") as opened:
            yield number, (place, file.parent.name, opened.read())


def _header_hint(header: Sequence[str]) -> str:
    """What is likely wrong with a header that lacks a column: another separator, or no header at all."""
    other = next((mark for mark in ";\t|," if len(header) == 1 and mark in header[0]), None)
    return "; a file without a header line needs `columns`" if other is None else f"; set separator: {json.dumps(other)}"


def _pick_columns(rows: Iterator[Row], name: str, header: Sequence[str] | None, wanted: Sequence[str], kind: str) -> Iterator[Row]:
    if header is None:
        header = [column.strip() for column in next(rows, (0, ()))[1]]
        if not header:
            raise CorpusError(f"{name}: the file is empty; expected a header line and rows")
    for column in wanted:
        if column not in header:
            raise CorpusError(missing_column(name, column, header) + ("" if kind == "labelled" else _header_hint(header)))
        if list(header).count(column) > 1:
            raise CorpusError(f"{name}: the column '{column}' stands twice in the header")
    pick = itemgetter(*(list(header).index(column) for column in wanted))
    width = len(header)
    for place, fields in rows:
        if len(fields) != width:
            hint = "quote cells that hold the separator" if kind == "csv" else "a cell can hold neither tab nor line break here"
            raise CorpusError(f"{name}, line {place}: {len(fields)} fields where there are {width} columns; {hint}")
        yield place, pick(fields)


def _json(path: Path, name: str, encoding: str) -> Iterator[tuple[int, Any]]:
    with open_text(path, name, encoding, newline="\n") as file:
        yield from read_json_array(file, name)


def _jsonl(path: Path, name: str, encoding: str) -> Iterator[tuple[int, Any]]:
    with open_text(path, name, encoding, newline="\n") as file:
        for number, line in _lines(file):
            try:
                yield number, json.loads(line)
            except (json.JSONDecodeError, RecursionError) as error:
                raise CorpusError(f"{name}, line {number}: not valid JSON ({error}); expected one object a line") from None


def _first_character(path: Path, name: str, encoding: str) -> str:
    with open_text(path, name, encoding, newline="\n") as file:
        while character := file.read(1):
            if not character.isspace():
                return character
    return ""


def _pick_keys(rows: Iterable[tuple[int, Any]], name: str, unit: str, wanted: Sequence[str]) -> Iterator[Row]:
    pick = itemgetter(*wanted)
    for place, item in rows:
        try:
            yield place, pick(item)
        except (KeyError, TypeError):
            where = f"{name}, {unit} {place}"
            if not isinstance(item, dict):
                raise CorpusError(f"{where}: expected an object, found {json.dumps(item)[:60]}") from None
            raise CorpusError(missing_column(where, next(key for key in wanted if key not in item), list(item))) from None


def _parquet(path: Path, name: str, wanted: Sequence[str]) -> Iterator[Row]:
    with _unpacked(path, name) as plain:
        try:
            file = pq.ParquetFile(plain, memory_map=False)
        except (pa.ArrowInvalid, OSError) as error:
            raise CorpusError(f"{name}: not a readable Parquet file ({str(error).splitlines()[0]})") from None
        with file:
            for column in wanted:
                if column not in file.schema_arrow.names:
                    raise CorpusError(missing_column(name, column, file.schema_arrow.names))
            place = 0
            try:
                for batch in file.iter_batches(_BATCH, columns=list(dict.fromkeys(wanted)), use_threads=False):
                    values = [batch.column(column).to_pylist() for column in wanted]
                    yield from enumerate(zip(*values, strict=True), start=place + 1)
                    place += batch.num_rows
            except (pa.ArrowException, OSError) as error:
                raise CorpusError(f"{name}: damaged after row {place} ({str(error).splitlines()[0]}); fetch or write it again") from None


@contextmanager
def _unpacked(path: Path, name: str) -> Iterator[Path]:
    """The file itself, or a temporary unpacked copy of a .gz: Parquet is read from its end."""
    if path.suffix.lower() != ".gz":
        yield path
        return
    with tempfile.NamedTemporaryFile(dir=home_folder("cache"), suffix=".parquet") as copy:
        with open_bytes(path, name) as raw:
            shutil.copyfileobj(raw, copy)
        copy.flush()
        yield Path(copy.name)
