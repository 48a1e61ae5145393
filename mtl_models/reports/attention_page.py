"""Pictures of what a model looks at: words coloured by their weight, for a page of their own and for the report of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from markupsafe import Markup, escape

from mtl_models.inference.attention import Reading, Weights
from mtl_models.reports.numbers import share, signed
from mtl_models.reports.templates import render_html

__all__ = ["render_attention", "render_attention_page"]

_DRAWN = 60
"""Words up to which the matrix of a head is drawn; a larger one is no longer read, and the page grows with its square."""

_CELL = 15
_LETTER = 8
_LONGEST = 20
"""Width of a cell and of a letter, and the letters shown of a word."""

_SHADES = 10
"""Strengths of colour in a matrix."""


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
    top = float(np.abs(weights).max(initial=0.0)) or 1.0
    words = zip(reading.words, reading.unknown, weights.tolist(), strict=True)
    return _Picture(title, [_Word(word, unknown, written(weight), round(100 * weight / top)) for word, unknown, weight in words])


def _matrix(weights: Weights, words: Sequence[str], name: str) -> Markup | None:
    """Weights (n, n) as SVG: a row for each word that looks, a column for each that is looked at; None for a long text."""
    count = len(words)
    if count > _DRAWN:
        return None
    edge = _LETTER * (min(_LONGEST, max(map(len, words))) + 1)
    size = edge + count * _CELL
    looks, at = divmod(int(weights.argmax()), count)
    said = f"{name}: the strongest is from {words[looks]} (word {looks + 1}) to {words[at]} (word {at + 1}), {share(float(weights.max()))}"
    parts = [f'<svg class="matrix" role="img" aria-label="{escape(said)}" viewBox="0 0 {size} {size}" width="{size}" height="{size}">']
    for place, word in enumerate(words):
        shown = escape(word if len(word) <= _LONGEST else f"{word[: _LONGEST - 1]}…")
        middle = edge + (place + 0.5) * _CELL
        parts.append(f'<text x="{edge - 5}" y="{middle:g}" text-anchor="end">{shown}</text>')
        parts.append(f'<text transform="translate({middle:g} {edge - 5}) rotate(-90)">{shown}</text>')
    parts.append(f'<rect x="{edge}" y="{edge}" width="{size - edge}" height="{size - edge}"/>')
    parts.append(f'<g transform="translate({edge} {edge}) scale({_CELL})">')
    shades = np.ceil(_SHADES * weights / weights.max() - 0.5).astype(int)
    for shade in range(1, _SHADES + 1):
        cells = "".join(f"M{column} {row}h1v1h-1z" for row, column in zip(*np.nonzero(shades == shade), strict=True))
        if cells:
            parts.append(f'<path opacity="{shade / _SHADES:g}" d="{cells}"/>')
    return Markup("".join(parts) + "</g></svg>")  # noqa: S704 (drawn by us; words escaped)
