"""What the readers of every format are told, and the faults they name by file and line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mtl_models.config.corpus import Corpus, Unit
from mtl_models.config.experiment import Kind
from mtl_models.corpora.documents.bio import Scheme, TagError, scheme_of, spans_of
from mtl_models.corpora.documents.document import Document, Marks, Span, overlapping
from mtl_models.corpora.labels import LabelError, types_of
from mtl_models.errors import CorpusError

__all__ = ["Reading"]


@dataclass(frozen=True)
class Reading:
    """One file to be read. `name` is what errors call it; `prefix` goes before the numbers of documents that have no name."""

    name: str
    corpus: Corpus
    kind: Kind
    unit: Unit
    prefix: str
    typed: Callable[[str], str | None]
    """Type as the file has it -> type as `label.map` names it, None where it is to be left out."""

    @classmethod
    def of(cls, name: str, corpus: Corpus, kind: Kind, unit: Unit, prefix: str) -> Reading:
        """A reading by the corpus's configuration."""
        return cls(name, corpus, kind, unit, prefix, types_of(corpus.label))

    def fault(self, line: int, what: object) -> CorpusError:
        """The error to raise for what is wrong on a line."""
        return CorpusError(f"{self.name}, line {line}: {what}")

    def type_of(self, raw: str, line: int) -> str | None:
        """`typed`, its faults named by line."""
        try:
            return self.typed(raw)
        except LabelError as fault:
            raise self.fault(line, fault) from None

    def scheme(self, sentences: Sequence[Sequence[str]]) -> Scheme:
        """The scheme asked for, or that of all tags of the file."""
        asked = self.corpus.label.scheme
        return scheme_of(sentences) if asked == "auto" else asked

    def spans(self, tags: Sequence[str], scheme: Scheme, lines: Sequence[int]) -> list[Span]:
        """The spans of a sentence, with the types as they stand; `lines` are those of its tokens."""
        try:
            return spans_of(tags, scheme)
        except TagError as fault:
            raise self.fault(lines[fault.place], fault) from None

    def retyped(self, spans: Sequence[Span], lines: Sequence[int]) -> list[Span]:
        """Spans with the types that count, without those to be left out."""
        named = [(start, end, self.type_of(name, lines[start])) for start, end, name in spans]
        return [(start, end, name) for start, end, name in named if name is not None]

    def document(self, tokens: Sequence[str], marks: Marks, lines: Sequence[int], fields: Mapping[str, Any]) -> Document:
        """The document, once its tokens and marks have been looked over; `lines` are those of its tokens."""
        for token, line in zip(tokens, lines, strict=True):
            if not token or any(character.isspace() for character in token):
                raise self.fault(line, f"the token {token!r} is empty or holds white space, by which tokens are parted")
        clash = overlapping(marks) if self.kind == "tagging" else None
        if clash is not None:
            one, two = (f"{mark.type} '{' '.join(tokens[slice(*mark.numbers)])}'" for mark in clash)
            raise self.fault(
                lines[clash[1].numbers[0]], f"{two} overlaps {one}, and kind tagging gives every word one label; take kind mentions"
            )
        return Document(tuple(tokens), marks, lines[0], fields)
