"""Tags of tokens as spans, and back: IOB1, BIO (IOB2), BIOES (BILOU), and tags that are labels of single words.

Ramshaw and Marcus 1995 (IOB1), Tjong Kim Sang and Veenstra 1999 (IOB2), Ratinov and Roth 2009 (BILOU).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

from mtl_models.corpora.documents.document import Span

__all__ = ["OUTSIDE", "Scheme", "TagError", "scheme_of", "spans_of", "tags_of"]

Scheme = Literal["bio", "iob1", "bioes", "words"]

OUTSIDE = "O"

_PREFIXED = re.compile(r"([BIESLU])-(.+)")
_SAME = {"L": "E", "U": "S"}


class TagError(ValueError):
    """A tag that cannot stand where it stands: `place` counts the tokens of the sentence from 0."""

    def __init__(self, place: int, message: str) -> None:
        super().__init__(message)
        self.place = place


def scheme_of(sentences: Iterable[Sequence[str]]) -> Scheme:
    """The scheme that all tags of a file follow.

    BIOES where a tag says E, S, L or U; IOB1 where spans begin with I and B stands only between two spans of one type that touch; labels
    of words where no tag has a prefix; else BIO.
    """
    prefixes: set[str] = set()
    begins_with_i = begins_with_b = False
    for tags in sentences:
        before = OUTSIDE
        for tag in tags:
            prefix, name = _parts(tag)
            prefixes.add(prefix)
            follows = name == before
            begins_with_i |= prefix == "I" and not follows
            begins_with_b |= prefix == "B" and not follows
            before = name if prefix else OUTSIDE
    if prefixes & {"E", "S"}:
        return "bioes"
    if not prefixes & {"B", "I"}:
        return "words"
    return "iob1" if begins_with_i and not begins_with_b else "bio"


def spans_of(tags: Sequence[str], scheme: Scheme) -> list[Span]:
    """The spans of one sentence, in its order. Raises `TagError` at the first tag that breaks the scheme."""
    if scheme == "words":
        return [(place, place + 1, tag) for place, tag in enumerate(tags) if tag != OUTSIDE]
    spans: list[Span] = []
    start, name = 0, OUTSIDE
    """The span that is open, O where none is."""
    for place, tag in enumerate(tags):
        prefix, this = _checked(place, tag, scheme)
        goes_on = prefix in ("I", "E") and this == name
        if not goes_on:
            if name != OUTSIDE:
                _may_end(place, tag, name, scheme)
                spans.append((start, place, name))
            if prefix in ("I", "E") and scheme != "iob1":
                raise TagError(place, _begins_wrongly(tag, this, scheme))
            start, name = place, this
        if prefix in ("E", "S"):
            spans.append((start, place + 1, this))
            name = OUTSIDE
    if name != OUTSIDE:
        _may_end(len(tags), None, name, scheme)
        spans.append((start, len(tags), name))
    return spans


def tags_of(spans: Iterable[Span], length: int, scheme: Scheme) -> list[str]:
    """The tags of a sentence of `length` tokens; spans must not overlap. The opposite of `spans_of`."""
    tags, before = [OUTSIDE] * length, (0, OUTSIDE)
    for start, end, name in sorted(spans):
        inside = range(start, end)
        if scheme == "words":
            prefixes = [""] * len(inside)
        else:
            touches = before == (start, name)
            prefixes = ["B" if scheme != "iob1" or touches else "I", *["I"] * (len(inside) - 1)]
        if scheme == "bioes":
            prefixes = ["S"] if len(inside) == 1 else [*prefixes[:-1], "E"]
        for place, prefix in zip(inside, prefixes, strict=True):
            tags[place] = f"{prefix}-{name}" if prefix else name
        before = (end, name)
    return tags


def _parts(tag: str) -> tuple[str, str]:
    """Prefix and type; no prefix where the tag has none."""
    found = _PREFIXED.fullmatch(tag)
    return (_SAME.get(found[1], found[1]), found[2]) if found else ("", tag)


def _checked(place: int, tag: str, scheme: Scheme) -> tuple[str, str]:
    prefix, name = _parts(tag)
    allowed = ("B", "I", "E", "S") if scheme == "bioes" else ("B", "I")
    if prefix not in allowed and tag != OUTSIDE:
        shown = ", ".join(f"{one}-TYPE" for one in allowed)
        raise TagError(
            place, f"the tag '{tag}' is neither {shown} nor O ({scheme}); is it the column of tags? (label.scheme: words takes any)"
        )
    return prefix, name


def _may_end(place: int, tag: str | None, name: str, scheme: Scheme) -> None:
    """In BIOES a span ends with E or S alone."""
    if scheme == "bioes":
        found = "the sentence ends" if tag is None else f"'{tag}' follows"
        raise TagError(max(0, place - 1), f"a span of {name} has no end: {found}, where E-{name} or I-{name} is due (bioes)")


def _begins_wrongly(tag: str, name: str, scheme: Scheme) -> str:
    starts = f"B-{name} or S-{name}" if scheme == "bioes" else f"B-{name}"
    hint = "mend the tag" if scheme == "bioes" else "mend the tag, or set label.scheme: iob1, by which I may begin one"
    return f"'{tag}' continues no span of {name}: spans begin with {starts} ({scheme}); {hint}"
