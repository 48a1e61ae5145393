"""Files of documents as a table of rows: the reader of each format, and the columns its rows have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mtl_models.config.corpus import Corpus, Format, Group
from mtl_models.config.experiment import Kind
from mtl_models.corpora.columns import missing_column
from mtl_models.corpora.decoding import open_text
from mtl_models.corpora.documents.columns import lines_of
from mtl_models.corpora.documents.conll import read_conll
from mtl_models.corpora.documents.conll04 import read_conll04
from mtl_models.corpora.documents.conll2012 import read_conll2012
from mtl_models.corpora.documents.document import Document
from mtl_models.corpora.documents.jsonl import read_jsonl
from mtl_models.corpora.documents.nested import read_nested
from mtl_models.corpora.documents.reading import Reading
from mtl_models.corpora.readers import Row, Table
from mtl_models.errors import CorpusError

__all__ = ["read_documents", "with_columns"]

Reader = Callable[[Iterable[tuple[int, str]], Reading], Sequence[Document]]

_READERS: Mapping[Format, Reader] = {
    "conll": read_conll,
    "conll04": read_conll04,
    "conll2012": read_conll2012,
    "jsonl": read_jsonl,
    "nested_bio": read_nested,
}
_FOR_KINDS: Mapping[Kind, tuple[Format, ...]] = {
    "tagging": ("conll", "jsonl", "conll04", "nested_bio"),
    "mentions": ("nested_bio", "jsonl", "conll", "conll04"),
    "relations": ("conll04", "jsonl"),
    "coreference": ("conll2012", "jsonl"),
}
_BY_NAME: Mapping[str, Format] = {".jsonl": "jsonl", ".ndjson": "jsonl"}


def with_columns(corpus: Corpus) -> Corpus:
    """The corpus with the columns that documents always have, `id` and `group`, where it names no others."""
    return corpus.model_copy(update={"id": corpus.id or "id", "group": corpus.group or Group(column="group")})


def read_documents(path: Path, name: str, corpus: Corpus, kind: Kind, wanted: Sequence[str], prefix: str) -> Table:
    """The texts of a file with `wanted` columns: text, annotations (`Marks`), then what documents or their files have.

    `prefix` goes before the numbers of documents that have no name. Raises `CorpusError` naming file and line.
    """
    form = _format_of(path, corpus.format, kind, name)
    unit = corpus.unit or ("sentence" if form == "conll" else "document")
    if corpus.unit is not None and form not in ("conll", "nested_bio"):
        raise CorpusError(f"{name}: corpus.unit is for conll and nested_bio; of {form} every document is a text")
    reading = Reading.of(name, corpus, kind, unit, prefix)
    return Table(name, _rows(path, _READERS[form], reading, wanted[2:]), "line")


def _format_of(path: Path, given: Format | None, kind: Kind, name: str) -> Format:
    """The format given, else the one that the file's name tells."""
    allowed = _FOR_KINDS[kind]
    suffix = next((suffix.lower() for suffix in reversed(path.suffixes) if suffix.lower() != ".gz"), "")
    form = given or _BY_NAME.get(suffix)
    if form in allowed:
        return form
    found = f"its format is {form}" if form else "nothing says its format"
    raise CorpusError(f"{name}: {found}, and kind {kind} labels words; set corpus.format to {', '.join(allowed[:-1])} or {allowed[-1]}")


def _rows(path: Path, read: Reader, reading: Reading, others: Sequence[str]) -> Iterator[Row]:
    with open_text(path, reading.name, reading.corpus.encoding, newline="\n") as file:
        documents = read(lines_of(file), reading)
    for document in documents:
        yield document.line, (" ".join(document.tokens), document.marks, *_fields(document, others, reading))


def _fields(document: Document, others: Sequence[str], reading: Reading) -> list[Any]:
    for column in others:
        if column not in document.fields:
            raise CorpusError(missing_column(f"{reading.name}, line {document.line}", column, list(document.fields)))
    return [document.fields[column] for column in others]
