"""Nested entities in columns, as LitBank gives them (Bamman, Popat and Shen 2019): a token, then tags, one column a level of nesting."""

from __future__ import annotations

from collections.abc import Iterable

from mtl_models.corpora.documents.bio import OUTSIDE
from mtl_models.corpora.documents.columns import Sentence, chapters, texts
from mtl_models.corpora.documents.document import Document, Span, laid_on
from mtl_models.corpora.documents.reading import Reading

__all__ = ["read_nested"]


def read_nested(lines: Iterable[tuple[int, str]], reading: Reading) -> list[Document]:
    """The sentences or documents of the file. An empty cell is O; a span that several levels repeat counts once."""
    found = chapters(lines, reading)
    if len(found[0].sentences[0].rows[0]) < 2:
        raise reading.fault(found[0].sentences[0].lines[0], "no tags; expected a token and a column of tags a level")
    scheme = reading.scheme([tags for chapter in found for sentence in chapter.sentences for tags in _levels(sentence)])
    documents = []
    for name, group, sentences in texts(found, reading):
        marks: list[Span] = []
        tokens: list[str] = []
        for sentence in sentences:
            for tags in _levels(sentence):
                spans = reading.retyped(reading.spans(tags, scheme, sentence.lines), sentence.lines)
                marks += [(start + len(tokens), end + len(tokens), of) for start, end, of in spans]
            tokens += [cells[0] for cells in sentence.rows]
        numbers = [line for sentence in sentences for line in sentence.lines]
        documents.append(reading.document(tokens, laid_on(marks), numbers, {"id": name, "group": group}))
    return documents


def _levels(sentence: Sentence) -> list[list[str]]:
    """The tags of every level."""
    return [[tag or OUTSIDE for tag in level] for level in list(zip(*sentence.rows, strict=True))[1:]]
