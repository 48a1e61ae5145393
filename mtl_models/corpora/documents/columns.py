"""Files with a token a line and columns beside it: cut into documents and sentences, with the line of every token.

A blank line ends a sentence. A document begins at `-DOCSTART-`, `#begin document (NAME); part N` or `#doc NAME`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from mtl_models.corpora.documents.reading import Reading
from mtl_models.errors import CorpusError

__all__ = ["Chapter", "Sentence", "chapters", "lines_of", "texts"]

_BOUNDARY = re.compile(
    r"-DOCSTART-(?:\s.*)?|#begin document \((?P<begun>.*)\)(?:; part (?P<part>\d+))?\s*|#doc\s+(?P<doc>\S.*?)\s*|(?P<end>#end document.*)"
)
_WHITE = re.compile(r"[ \t]+")


@dataclass
class Sentence:
    """The cells of every token, and its line."""

    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


@dataclass
class Chapter:
    """A document of a file: `name` is its own or its number, none where the file knows no documents; `group` is without the part."""

    name: str | None
    group: str | None
    line: int
    sentences: list[Sentence] = field(default_factory=list)


def lines_of(file: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Numbered lines without their ends, blank ones too."""
    for number, line in enumerate(file, start=1):
        yield number, line.removesuffix("\n").removesuffix("\r")


def chapters(lines: Iterable[tuple[int, str]], reading: Reading, ragged: bool = False) -> list[Chapter]:
    """The file's documents that have tokens.

    Columns are parted by tabs where a line has one, else by spaces; by `corpus.separator` where it is given. `CorpusError` where a
    line has not as many as the first of its document; where `ragged`, as the first of its sentence, empty cells at the end left out.
    """
    found = [Chapter(None, None, 1)]
    open_sentence = Sentence()
    for number, line in lines:
        boundary = _BOUNDARY.fullmatch(line)
        if boundary is None and line.strip():
            if not open_sentence.rows:
                found[-1].sentences.append(open_sentence)
            open_sentence.rows.append(_cells(line, reading.corpus.separator))
            open_sentence.lines.append(number)
            _check_width(open_sentence if ragged else found[-1].sentences[0], open_sentence, reading)
            continue
        open_sentence = Sentence()
        if boundary is not None and boundary["end"] is None:
            found.append(_begun(boundary, number, f"{reading.prefix}{len(found)}"))
    filled = [chapter for chapter in found if chapter.sentences]
    if not filled:
        raise reading.fault(1, "no token in the whole file; expected a token a line, columns beside it, and a blank line after a sentence")
    return filled


def texts(found: Sequence[Chapter], reading: Reading) -> Iterator[tuple[str, str, list[Sentence]]]:
    """Id, group and sentences of every text, by `corpus.unit`: a sentence, whose group is its document, or a document.

    A text that shares its document with no other has no group: texts that several tasks share are then dealt alike.
    """
    if reading.unit == "document" and all(chapter.name is None for chapter in found):
        raise CorpusError(
            f"{reading.name}: no line begins a document (-DOCSTART-, #begin document or #doc); begin every document with one, "
            "or read conll and nested_bio by corpus.unit: sentence"
        )
    whole = reading.unit == "document"
    size = Counter(chapter.group for chapter in found)
    for chapter in found:
        group = chapter.group or ""
        if whole:
            yield chapter.name or f"{reading.prefix}0", group if size[chapter.group] > 1 else "", chapter.sentences
            continue
        for number, sentence in enumerate(chapter.sentences, start=1):
            name = f"{reading.prefix}{number}" if chapter.name is None else f"{chapter.name}:{number}"
            yield name, group if size[chapter.group] > 1 or len(chapter.sentences) > 1 else "", [sentence]


def _begun(boundary: re.Match[str], line: int, number: str) -> Chapter:
    group = boundary["begun"] or boundary["doc"] or number
    part = int(boundary["part"] or 0)
    return Chapter(f"{group}#{part}" if part else group, group, line)


def _cells(line: str, separator: str | None) -> list[str]:
    if separator is not None:
        cells = line.split(separator)
    elif "\t" in line:
        cells = line.split("\t")
    else:
        return _WHITE.split(line.strip(" "))
    return cells


def _check_width(first: Sentence, now: Sentence, reading: Reading) -> None:
    width, due = len(now.rows[-1]), len(first.rows[0])
    if width != due:
        raise reading.fault(
            now.lines[-1], f"{width} columns where line {first.lines[0]} has {due}; every token has the same columns, parted alike"
        )
