"""CoNLL column files (Tjong Kim Sang and De Meulder 2003, and their like): a token a line, a column of tags among those beside it."""

from __future__ import annotations

from collections.abc import Iterable

from mtl_models.corpora.columns import missing_column
from mtl_models.corpora.documents.columns import Chapter, Sentence, chapters, texts
from mtl_models.corpora.documents.document import Document, Span, laid_on
from mtl_models.corpora.documents.reading import Reading
from mtl_models.errors import CorpusError

__all__ = ["read_conll"]

_TEXT, _LABEL = "text", "label"
"""The names of these columns by default."""


def read_conll(lines: Iterable[tuple[int, str]], reading: Reading) -> list[Document]:
    """The sentences or documents of the file; the tags are in the column `label`, the last one by default.

    Columns have the names that `columns` gives them, else their numbers from 1; the token is the column `text`, or else the first.
    """
    found = chapters(lines, reading)
    token, tag = _places(found[0], reading)
    scheme = reading.scheme([[cells[tag] for cells in sentence.rows] for chapter in found for sentence in chapter.sentences])

    def spans(sentence: Sentence) -> list[Span]:
        return reading.retyped(reading.spans([cells[tag] for cells in sentence.rows], scheme, sentence.lines), sentence.lines)

    documents = []
    for name, group, sentences in texts(found, reading):
        marks: list[Span] = []
        tokens: list[str] = []
        for sentence in sentences:
            marks += [(start + len(tokens), end + len(tokens), of) for start, end, of in spans(sentence)]
            tokens += [cells[token] for cells in sentence.rows]
        numbers = [line for sentence in sentences for line in sentence.lines]
        documents.append(reading.document(tokens, laid_on(marks), numbers, {"id": name, "group": group}))
    return documents


def _places(first: Chapter, reading: Reading) -> tuple[int, int]:
    """Where the tokens and the tags are among the columns."""
    corpus, width = reading.corpus, len(first.sentences[0].rows[0])
    names = list(corpus.columns or map(str, range(1, width + 1)))
    if len(names) != width:
        line = first.sentences[0].lines[0]
        raise reading.fault(line, f"{width} columns, but corpus.columns names {len(names)}: {', '.join(names)}")
    text = names[0] if corpus.text == _TEXT and _TEXT not in names else corpus.text
    label = names[-1] if corpus.label.column == _LABEL and _LABEL not in names else corpus.label.column
    for column in (text, label):
        if column not in names:
            raise CorpusError(missing_column(reading.name, column, names))
    if text == label:
        raise CorpusError(f"{reading.name}: the column '{text}' is named both as text and as label")
    return names.index(text), names.index(label)
