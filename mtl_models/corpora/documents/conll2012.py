"""Coreference columns of the CoNLL-2012 shared task (Pradhan et al. 2012): the last column opens and closes numbered mentions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from mtl_models.corpora.documents.columns import chapters, texts
from mtl_models.corpora.documents.document import Document, Mark, Marks
from mtl_models.corpora.documents.reading import Reading

__all__ = ["CLUSTER", "read_conll2012"]

CLUSTER = "cluster"
"""The one label of coreference."""

_TOKEN = 3
_NOTHING = {"", "-", "_"}
_PIECE = re.compile(r"(?P<opens>\()?(?P<cluster>\d+)(?P<closes>\))?")


def read_conll2012(lines: Iterable[tuple[int, str]], reading: Reading) -> list[Document]:
    """The documents of the file, each part of one by itself; the token is the fourth column."""
    found = chapters(lines, reading, ragged=True)
    documents = []
    for name, group, sentences in texts(found, reading):
        rows = [cells for sentence in sentences for cells in sentence.rows]
        numbers = [line for sentence in sentences for line in sentence.lines]
        short = next((line for cells, line in zip(rows, numbers, strict=True) if len(cells) <= _TOKEN + 1), None)
        if short is not None:
            raise reading.fault(short, "expected document, part, number of the word, the word, and the mentions in the last column")
        marks = _clusters([cells[-1] for cells in rows], numbers, reading)
        documents.append(reading.document([cells[_TOKEN] for cells in rows], marks, numbers, {"id": name, "group": group}))
    return documents


def _clusters(cells: Sequence[str], lines: Sequence[int], reading: Reading) -> Marks:
    """The mentions of a document, clusters numbered as they first appear. A mention that opens last closes first."""
    waiting: dict[str, list[int]] = {}
    number: dict[str, int] = {}
    spans: list[tuple[int, int, int]] = []
    for place, cell in enumerate(cells):
        for piece in () if cell in _NOTHING else cell.split("|"):
            found = _PIECE.fullmatch(piece)
            if found is None or not (found["opens"] or found["closes"]):
                raise reading.fault(lines[place], f"'{cell}' opens or closes no cluster; expected (3, 3), (3) or several parted by |")
            cluster = found["cluster"]
            if found["opens"]:
                number.setdefault(cluster, len(number))
                waiting.setdefault(cluster, []).append(place)
            if found["closes"]:
                if not waiting.get(cluster):
                    raise reading.fault(lines[place], f"'{cell}' closes cluster {cluster}, which no mention has opened in this document")
                spans.append((waiting[cluster].pop(), place + 1, number[cluster]))
    left = min(((starts[0], cluster) for cluster, starts in waiting.items() if starts), default=None)
    if left is not None:
        raise reading.fault(lines[left[0]], f"a mention of cluster {left[1]} opens here and closes nowhere in its document")
    return tuple(Mark(span, CLUSTER) for span in sorted(set(spans)))
