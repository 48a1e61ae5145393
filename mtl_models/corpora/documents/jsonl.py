"""JSON lines with spans: an object a line, with `tokens` or a text, and `spans`, `relations` or `clusters` on it.

Offsets count tokens where the row gives `tokens`, else characters of its text; an end is the first one behind. A text is split into words
by the library's rule (`splitting`), and a span must begin and end with words.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mtl_models.corpora.columns import missing_column
from mtl_models.corpora.documents.conll2012 import CLUSTER
from mtl_models.corpora.documents.document import Document, Mark, Marks, laid_on
from mtl_models.corpora.documents.reading import Reading
from mtl_models.corpora.splitting import places_of_words
from mtl_models.errors import CorpusError

__all__ = ["read_jsonl"]

_TOKENS = "tokens"


def read_jsonl(lines: Iterable[tuple[int, str]], reading: Reading) -> list[Document]:
    """The rows of the file. `id` is their number where they have none; every other key is a column."""
    documents: list[Document] = []
    for number, line in lines:
        if not line or line.isspace():
            continue
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise reading.fault(number, f"not valid JSON ({error}); expected one object a line") from None
        if not isinstance(row, dict):
            raise reading.fault(number, f"expected an object, found {json.dumps(row)[:60]}")
        reader = _Row(row, number, reading)
        fields = {"id": f"{reading.prefix}{len(documents) + 1}", "group": "", **row}
        documents.append(reading.document(reader.tokens, reader.marks(), [number] * len(reader.tokens), fields))
    return documents


class _Row:
    """One object: its tokens, and its offsets as numbers of tokens."""

    def __init__(self, row: Mapping[str, Any], line: int, reading: Reading) -> None:
        self._row, self._line, self._reading = row, line, reading
        self._text = None if _TOKENS in row else self._read_text()
        places = [] if self._text is None else places_of_words(self._text)
        self.tokens: list[str] = self._read_tokens() if self._text is None else [self._text[slice(*place)] for place in places]
        self._starts = {start: number for number, (start, _) in enumerate(places)}
        self._ends = {end: number + 1 for number, (_, end) in enumerate(places)}

    def marks(self) -> Marks:
        """What the task's kind wants of the row."""
        kind = self._reading.kind
        if kind == "coreference":
            return self._clusters()
        return self._relations() if kind == "relations" else self._spans()

    def _spans(self) -> Marks:
        found = []
        for place, entry in enumerate(self._list("spans")):
            start, end = self._span(entry, f"spans[{place}]", 3)
            name = self._reading.type_of(entry[2], self._line)
            if name is not None:
                found.append((start, end, name))
        return laid_on(found)

    def _relations(self) -> Marks:
        spans = [self._span(entry, f"spans[{place}]", 2, 3) for place, entry in enumerate(self._list("spans"))]
        found = set()
        for place, entry in enumerate(self._list("relations")):
            if not (_is_list(entry, 3) and all(_is_count(one) for one in entry[:2]) and isinstance(entry[2], str)):
                raise self._fault(f"relations[{place}]", entry, "[HEAD, TAIL, TYPE], where HEAD and TAIL are places in `spans`")
            lost = next((one for one in entry[:2] if one >= len(spans)), None)
            if lost is not None:
                what = f"relations[{place}] names span {lost}, but the row has {len(spans)} spans, counted from 0"
                raise self._reading.fault(self._line, what)
            name = self._reading.type_of(entry[2], self._line)
            if name is not None:
                found.add(Mark((*spans[entry[0]], *spans[entry[1]]), name))
        return tuple(sorted(found))

    def _clusters(self) -> Marks:
        found = set()
        for number, cluster in enumerate(self._list("clusters")):
            if not isinstance(cluster, list) or not cluster:
                raise self._fault(f"clusters[{number}]", cluster, "a list of mentions [[START, END], ...]")
            found |= {(*self._span(entry, f"clusters[{number}][{place}]", 2), number) for place, entry in enumerate(cluster)}
        return tuple(Mark(span, CLUSTER) for span in sorted(found))

    def _span(self, entry: Any, where: str, *sizes: int) -> tuple[int, int]:
        """An entry's first token and first token behind."""
        if not (any(_is_list(entry, size) for size in sizes) and all(_is_count(one) for one in entry[:2]) and entry[0] < entry[1]):
            raise self._fault(where, entry, "[START, END, TYPE]" if 3 in sizes else "[START, END]")
        if len(entry) == 3 and not isinstance(entry[2], str):
            raise self._fault(where, entry, "[START, END, TYPE]")
        start, end = entry[:2]
        length = len(self.tokens if self._text is None else self._text)
        if end > length:
            unit = "tokens" if self._text is None else "characters"
            raise self._reading.fault(self._line, f"{where} is {json.dumps(entry)}, but the row has {length} {unit}")
        if self._text is None:
            return start, end
        if start not in self._starts or end not in self._ends:
            near = [token for token, first, last in zip(self.tokens, self._starts, self._ends, strict=True) if first < end and last > start]
            shown = f"{self._text[start:end]!r} does not begin and end with words: the words there are {near}"
            raise self._reading.fault(self._line, f"{where}, {shown}; mend its offsets, or give `tokens`")
        return self._starts[start], self._ends[end]

    def _list(self, key: str) -> Sequence[Any]:
        self._present(key)
        value = self._row[key]
        if not isinstance(value, list):
            raise self._fault(f"'{key}'", value, "a list")
        return value

    def _read_tokens(self) -> list[str]:
        value = self._list(_TOKENS)
        if not value or not all(isinstance(token, str) for token in value):
            raise self._fault(f"'{_TOKENS}'", value, "a list of words, at least one")
        return list(value)

    def _read_text(self) -> str:
        key = self._reading.corpus.text
        self._present(key)
        value = self._row[key]
        if not isinstance(value, str) or not value.strip():
            raise self._fault(f"'{key}'", value, "a text with words")
        return value

    def _present(self, key: str) -> None:
        if key not in self._row:
            raise CorpusError(missing_column(f"{self._reading.name}, line {self._line}", key, list(self._row)))

    def _fault(self, where: str, found: Any, expected: str) -> CorpusError:
        return self._reading.fault(self._line, f"{where} is {json.dumps(found, ensure_ascii=False)[:60]}; expected {expected}")


def _is_list(value: Any, size: int) -> bool:
    return isinstance(value, list) and len(value) == size


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0
