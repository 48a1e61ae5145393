"""Pictures of what a model looks at: words coloured by their weight, for a page of their own and for the report of a run."""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from markupsafe import Markup, escape

from mtl_models.inference.attention import Reading, Weights
from mtl_models.reports.numbers import share, signed
from mtl_models.reports.templates import render_html

__all__ = ["render_attention", "render_attention_page"]

_LETTERED = 40
"""Words up to which a matrix has its words written beside it."""

_CELL = 15
"""Width of a lettered cell."""

_MATRIX = 420
"""Width of a matrix without letters."""

_BLUE = (0x3F, 0x7F, 0xDF)
"""The colour of the matrices, between the page's blues of light and dark."""


@dataclass(frozen=True)
class _Word:
    """One word of a coloured text, its weight as it is written, and how strong its colour is.

    `level` is its part of the strongest word's weight in per cent, below zero where it speaks against the answer.
    """

    word: str
    unknown: bool
    weight: str
    level: int


@dataclass(frozen=True)
class _Picture:
    """A text in one colouring; `matrix` shows all pairs of words."""

    title: str
    words: list[_Word]
    matrix: Markup | None = None


def render_attention(readings: Sequence[Reading]) -> Markup:
    """A fragment of HTML with a picture of every reading; it wants the page's style sheet, and nothing else."""
    drawn = [
        {
            "reading": reading,
            "left_out": [_picture(task, reading, lost, signed) for task, lost in reading.left_out.items()],
            "mean": None if reading.hops is None else _picture("mean", reading, reading.hops.mean(axis=0)),
            "hops": [_picture(f"hop {number}", reading, hop) for number, hop in enumerate(_each(reading.hops), start=1)],
            "layers": [
                [_head(reading, layer, number, weights) for number, weights in enumerate(heads, start=1)]
                for layer, heads in enumerate(reading.heads, start=1)
            ],
        }
        for reading in readings
    ]
    return Markup(render_html("readings.html.jinja", drawn=drawn))  # noqa: S704 (a template of ours, which escapes)


def render_attention_page(readings: Sequence[Reading], model: str) -> str:
    """One self-contained HTML page; `model` says to the reader which model it was."""
    return render_html(
        "attention.html.jinja",
        pictures=render_attention(readings),
        model=model,
        hops=any(reading.hops is not None for reading in readings),
        heads=any(reading.heads for reading in readings),
        left_out=any(reading.left_out for reading in readings),
    )


def _each(hops: Weights | None) -> Sequence[Weights]:
    return () if hops is None else list(hops)


def _head(reading: Reading, layer: int, number: int, weights: Weights) -> _Picture:
    """One head: every word coloured by what all words together take from it, and the matrix behind that."""
    matrix = _matrix(weights, reading.words, f"Layer {layer}, head {number}")
    return replace(_picture(f"head {number}", reading, weights.mean(axis=0)), matrix=matrix)


def _picture(title: str, reading: Reading, weights: Weights, written: Callable[[float], str] = share) -> _Picture:
    top = float(np.abs(weights).max()) or 1.0
    words = zip(reading.words, reading.unknown, weights.tolist(), strict=True)
    return _Picture(title, [_Word(word, unknown, written(weight), round(100 * weight / top)) for word, unknown, weight in words])


def _matrix(weights: Weights, words: Sequence[str], name: str) -> Markup:
    """Weights (n, n) as SVG: a row for each word that looks, a column for each that is looked at; the darkest cell has the most weight."""
    count = len(words)
    lettered = count <= _LETTERED
    edge = 8 * min(20, max(map(len, words))) + 8 if lettered else 0
    side = count * _CELL if lettered else _MATRIX
    looks, at = divmod(int(weights.argmax()), count)
    said = f"{name}: the strongest is from {words[looks]} (word {looks + 1}) to {words[at]} (word {at + 1}), {weights.max():.0%}"
    parts = [
        f'<svg class="matrix" role="img" aria-label="{escape(said)}" viewBox="0 0 {edge + side} {edge + side}" '
        f'width="{edge + side}" height="{edge + side}">'
    ]
    if lettered:
        for place, word in enumerate(words):
            shown = escape(word if len(word) <= 20 else f"{word[:19]}…")
            middle = edge + (place + 0.5) * _CELL
            parts.append(f'<text x="{edge - 5}" y="{middle:g}" text-anchor="end">{shown}</text>')
            parts.append(f'<text transform="translate({middle:g} {edge - 5}) rotate(-90)">{shown}</text>')
    parts.append(
        f'<image x="{edge}" y="{edge}" width="{side}" height="{side}" href="{_png(weights)}"/>'
        f'<rect x="{edge}" y="{edge}" width="{side}" height="{side}"/></svg>'
    )
    return Markup("".join(parts))  # noqa: S704 (drawn by us; words escaped)


def _png(weights: Weights) -> str:
    """The weights as a data address of a PNG, one point a cell, the more opaque the more weight."""
    alpha = np.round(255 * weights / max(float(weights.max()), math.ulp(1.0))).astype(np.uint8)
    points = np.empty((*weights.shape, 4), dtype=np.uint8)
    points[..., :3], points[..., 3] = _BLUE, alpha
    rows = b"".join(b"\0" + row.tobytes() for row in points)
    header = struct.pack(">2I5B", weights.shape[1], weights.shape[0], 8, 6, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")]
    body = b"".join(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks)
    return "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + body).decode()
