"""CoNLL04 (Roth and Yih 2004) as Bekoulis et al. 2018 lay it out: number, token, tag, and lists of relations and of the words they lead to.

An entity is known by its last word: there its relations stand, and there the numbers of other entities lead.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence

from mtl_models.corpora.documents.columns import chapters, texts
from mtl_models.corpora.documents.document import Document, Mark, Marks, Span, laid_on
from mtl_models.corpora.documents.reading import Reading

__all__ = ["read_conll04"]

_NONE = "N"
"""The relation of a word that has none."""

_COLUMNS = "number, token, tag, ['RELATION', ...] and [NUMBER, ...]"


def read_conll04(lines: Iterable[tuple[int, str]], reading: Reading) -> list[Document]:
    """The documents of the file; of kind relations their relations, of the other kinds their entities."""
    found = chapters(lines, reading)
    first = found[0].sentences[0]
    if len(first.rows[0]) != 5:
        raise reading.fault(first.lines[0], f"{len(first.rows[0])} columns; expected five, parted by tabs: {_COLUMNS}")
    scheme = reading.scheme([[cells[2] for cells in sentence.rows] for chapter in found for sentence in chapter.sentences])
    documents = []
    for name, group, sentences in texts(found, reading):
        rows = [cells for sentence in sentences for cells in sentence.rows]
        numbers = [line for sentence in sentences for line in sentence.lines]
        for place, (cells, line) in enumerate(zip(rows, numbers, strict=True)):
            if cells[0] != str(place):
                raise reading.fault(line, f"the word has the number '{cells[0]}', and {place} is due: words of a document count from 0")
        spans = reading.spans([cells[2] for cells in rows], scheme, numbers)
        related = _relations(rows, spans, numbers, reading)
        marks = related if reading.kind == "relations" else laid_on(reading.retyped(spans, numbers))
        documents.append(reading.document([cells[1] for cells in rows], marks, numbers, {"id": name, "group": group}))
    return documents


def _relations(rows: Sequence[Sequence[str]], spans: Sequence[Span], lines: Sequence[int], reading: Reading) -> Marks:
    ending = {end - 1: (start, end) for start, end, _ in spans}
    marks = set()
    for place, (cells, line) in enumerate(zip(rows, lines, strict=True)):
        names, heads = _list(cells[3], line, reading), _list(cells[4], line, reading)
        if len(names) != len(heads):
            raise reading.fault(line, f"{len(names)} relations, but {len(heads)} words that they lead to: {cells[3]} {cells[4]}")
        for name, head in zip(names, heads, strict=True):
            if name == _NONE:
                continue
            if not isinstance(name, str) or not isinstance(head, int):
                raise reading.fault(line, f"expected names of relations and numbers of words, found {cells[3]} {cells[4]}")
            one, other = _entity(place, ending, len(rows), line, reading), _entity(head, ending, len(rows), line, reading)
            kept = reading.type_of(name, line) if reading.kind == "relations" else name
            if kept is not None:
                marks.add(Mark((*one, *other), kept))
    return tuple(sorted(marks))


def _entity(word: int, ending: Mapping[int, tuple[int, int]], length: int, line: int, reading: Reading) -> tuple[int, int]:
    if not 0 <= word < length:
        raise reading.fault(line, f"a relation leads to word {word}, but the document has the words 0 to {length - 1}")
    if word not in ending:
        raise reading.fault(line, f"a relation hangs on word {word}, which is the last word of no entity")
    return ending[word]


def _list(cell: str, line: int, reading: Reading) -> list[object]:
    try:
        found = ast.literal_eval(cell)
    except (ValueError, SyntaxError):
        found = None
    if not isinstance(found, list):
        raise reading.fault(line, f"'{cell}' is no list; the columns are {_COLUMNS}")
    return found
