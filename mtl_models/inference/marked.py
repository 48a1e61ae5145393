"""What a model marks in a text, as people want it: spans by their characters, pairs of spans, and clusters of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_models.tasks.found import Found
from mtl_models.tasks.task import Task

__all__ = [
    "NAMES_SPANS",
    "Cluster",
    "Part",
    "Places",
    "Relation",
    "Span",
    "as_objects",
    "entities_of",
    "least_sure",
    "parts_of",
    "summary",
    "surer",
]

NAMES_SPANS = ("tagging", "mentions")
"""Kinds whose spans name the ends of relations."""

_DIGITS = 6

Places = Sequence[tuple[int, int]]
"""Begin and end of every word of a text in characters."""


@dataclass(frozen=True)
class Span:
    """Characters `start` to `end` (exclusive) of the text that was asked about, as Python counts them: Unicode code points.

    Without label and confidence where it is the end of a relation that no task found as an entity; a mention of a cluster has no label.
    """

    start: int
    end: int
    text: str
    label: str | None
    confidence: float | None


@dataclass(frozen=True)
class Relation:
    """Two spans and what the first is to the second."""

    label: str
    confidence: float
    head: Span
    tail: Span


@dataclass(frozen=True)
class Cluster:
    """Spans that speak of one thing, in their order; it is as sure as the least sure of them."""

    mentions: tuple[Span, ...]
    confidence: float


Part = Span | Relation | Cluster


def parts_of(task: Task, found: Found, text: str, places: Places, entities: Sequence[Span] = ()) -> tuple[Part, ...]:
    """What was found in a text whose words lie at `places`.

    An end of a relation is widened to the innermost of `entities` that ends with the same word; relations that thereby become the same
    are one, the surest. A text without a word is read as one word, so that it can be read at all; nothing is found in it.
    """
    if not text.strip():
        return ()
    return _READERS[task.kind](task, found, _Text(text, places), entities)


def entities_of(found: Mapping[str, Found], tasks: Iterable[Task], text: str, places: Places) -> list[Span]:
    """The spans of all tasks that find spans, for the ends of relations."""
    return [span for task in tasks if task.kind in NAMES_SPANS for span in _spans(task, found[task.name], _Text(text, places), ())]


def surer(parts: Iterable[Part], least: float) -> tuple[Part, ...]:
    """Those with a confidence of at least `least`. A cluster loses the mentions that are less sure, and goes if that leaves it one."""
    kept: list[Part] = []
    for part in parts:
        if isinstance(part, Cluster):
            sure = tuple(mention for mention in part.mentions if (mention.confidence or 0.0) >= least)
            if len(sure) > 1 or sure == part.mentions:
                kept.append(replace(part, mentions=sure, confidence=_least(sure)))
        elif (part.confidence or 0.0) >= least:
            kept.append(part)
    return tuple(kept)


def least_sure(parts: Iterable[Part]) -> float | None:
    """The confidence of the least sure part, None where there is none."""
    return min((part.confidence or 0.0 for part in parts), default=None)


def summary(parts: Iterable[Part]) -> str:
    """In a line: `PER Barack Obama; LOC Paris`, `Barack Obama Live_In Hawaii`, `Obama = he = the president`; empty for nothing."""
    return "; ".join(map(_line, parts))


def as_objects(parts: Iterable[Part]) -> list[dict[str, Any]]:
    """The parts as JSON has them."""
    return [asdict(part) for part in parts]


@dataclass(frozen=True)
class _Text:
    text: str
    places: Places

    def span(self, first: int, behind: int, label: str | None = None, confidence: float | None = None) -> Span:
        """The words `first` to `behind` (exclusive)."""
        start, end = self.places[first][0], self.places[behind - 1][1]
        return Span(start, end, self.text[start:end], label, confidence)


def _spans(task: Task, found: Found, text: _Text, entities: Sequence[Span]) -> tuple[Span, ...]:  # noqa: ARG001
    return tuple(text.span(start, end, task.labels[kind], sure) for (start, end, kind), sure in _rows(found))


def _relations(task: Task, found: Found, text: _Text, entities: Sequence[Span]) -> tuple[Relation, ...]:
    ending: dict[int, Span] = {}
    for entity in entities:
        if entity.end not in ending or entity.start > ending[entity.end].start:
            ending[entity.end] = entity

    def widened(start: int, end: int) -> Span:
        span = text.span(start, end)
        entity = ending.get(span.end)
        return span if entity is None or entity.start > span.start else entity

    surest: dict[tuple[Span, Span, str], Relation] = {}
    for (head_start, head_end, tail_start, tail_end, kind), sure in _rows(found):
        relation = Relation(task.labels[kind], sure, widened(head_start, head_end), widened(tail_start, tail_end))
        key = relation.head, relation.tail, relation.label
        if key not in surest or surest[key].confidence < sure:
            surest[key] = relation
    return tuple(surest.values())


def _clusters(task: Task, found: Found, text: _Text, entities: Sequence[Span]) -> tuple[Cluster, ...]:  # noqa: ARG001
    mentions: dict[int, list[Span]] = {}
    for (start, end, cluster), sure in _rows(found):
        mentions.setdefault(cluster, []).append(text.span(start, end, None, sure))
    clusters = [tuple(sorted(spans, key=lambda span: (span.start, -span.end))) for spans in mentions.values()]
    return tuple(Cluster(spans, _least(spans)) for spans in sorted(clusters, key=lambda spans: (spans[0].start, spans[0].end)))


_READERS: Mapping[str, Callable[[Task, Found, _Text, Sequence[Span]], tuple[Part, ...]]] = {
    "tagging": _spans,
    "mentions": _spans,
    "relations": _relations,
    "coreference": _clusters,
}


def _rows(found: Found) -> list[tuple[list[int], float]]:
    rows: NDArray[np.int32] = found.rows
    return [(row, round(sure, _DIGITS)) for row, sure in zip(rows.tolist(), found.confidence.tolist(), strict=True)]


def _least(mentions: Iterable[Span]) -> float:
    return min(mention.confidence or 0.0 for mention in mentions)


def _line(part: Part) -> str:
    if isinstance(part, Span):
        return f"{part.label} {_words(part)}"
    if isinstance(part, Relation):
        return f"{_words(part.head)} {part.label} {_words(part.tail)}"
    return " = ".join(map(_words, part.mentions))


def _words(span: Span) -> str:
    return " ".join(span.text.split())
