"""Figures as inline SVG: drawn by matplotlib, coloured and lettered by the page, so that they follow its light and dark dress."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mtl_models.evaluation.bootstrap import Estimate
from mtl_models.evaluation.drift_report import Picture
from mtl_models.reports.numbers import interval, score, signed, verdict

__all__ = ["Line", "alternative", "cosine_curves", "curves", "level_dots", "paired_bars", "transfer_plot"]

Line = Sequence[tuple[float, float]]

# Stand-ins that matplotlib can draw with; `_dressed` turns them into the colours of the page.
_INK, _GRID, _JOINT, _TWIN, _GOOD, _BAD, _SOFT = "#010101", "#020202", "#030303", "#040404", "#050505", "#060606", "#070707"
_COLOURS = {
    _INK: "currentColor",
    _GRID: "var(--line)",
    _JOINT: "var(--joint)",
    _TWIN: "var(--twin)",
    _GOOD: "var(--good)",
    _BAD: "var(--bad)",
    _SOFT: "var(--soft)",
}
_STYLES = {"joint": (_JOINT, "-"), "twin": (_TWIN, "--"), "joint, dev": (_JOINT, ":"), "twin, dev": (_TWIN, (0, (1, 2)))}
_PAIRS: Any = ((_JOINT, "-"), (_TWIN, "--"), (_GOOD, "-."), (_BAD, ":"), (_SOFT, "-"), (_INK, (0, (6, 2))))
_MARKERS = "osD^vP"
_ABOVE: Any = {"loc": "lower left", "bbox_to_anchor": (-0.03, 0.99), "borderpad": 0}
_VERDICTS = {"better": _GOOD, "worse": _BAD, "undecided": _SOFT}

_RC = {
    "svg.fonttype": "none",
    "font.size": 9,
    "text.color": _INK,
    "axes.edgecolor": _GRID,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": _GRID,
    "axes.unicode_minus": True,
}


def curves(name: str, lines: Mapping[str, Line], ylabel: str, alt: str, best: int | None = None) -> Markup:
    """Values by epoch. `lines` are named as in `_STYLES`; `name` is unique on the page; `best` marks the epoch that was kept."""
    with mpl.rc_context(_settings(name, grid="y")):
        figure, axes = _canvas(3.7, 2.3)
        for label, points in lines.items():
            colour, dashes = _STYLES[label]
            marker = "o" if len(points) == 1 else None
            axes.plot(*zip(*points, strict=True), color=colour, linestyle=dashes, linewidth=1.6, label=label, marker=marker, markersize=3)
        if best is not None:
            axes.axvline(best, color=_SOFT, linewidth=0.8, linestyle=":")
        axes.set_xlabel("epoch")
        axes.set_ylabel(ylabel)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
        axes.legend(frameon=False, fontsize=7.5, handlelength=1.9, columnspacing=1.0, handletextpad=0.5, ncols=4, **_ABOVE)
        return _svg(figure, name, alt)


def cosine_curves(name: str, lines: Mapping[str, Line], alt: str) -> Markup:
    """Cosines of six pairs of tasks at most by epoch, around zero; `name` is unique on the page."""
    with mpl.rc_context(_settings(name, grid="y")):
        figure, axes = _canvas(5.6, 2.6)
        for (label, points), (colour, dashes) in zip(lines.items(), _PAIRS, strict=False):
            marker = "o" if len(points) == 1 else None
            axes.plot(*zip(*points, strict=True), color=colour, linestyle=dashes, linewidth=1.6, label=label, marker=marker, markersize=3)
        axes.axhline(0.0, color=_INK, linewidth=0.9)
        axes.set_xlabel("epoch")
        axes.set_ylabel("cosine")
        axes.yaxis.set_major_formatter(lambda value, _: signed(value) if value else "0")
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
        axes.legend(frameon=False, fontsize=7.5, handlelength=2.4, columnspacing=1.0, handletextpad=0.5, ncols=3, **_ABOVE)
        return _svg(figure, name, alt)


def transfer_plot(name: str, differences: Mapping[str, Estimate], alt: str, xlabel: str = "joint minus twin") -> Markup:
    """Differences with their intervals, one line each, around zero; the last one apart."""
    with mpl.rc_context(_settings(name, grid="x")):
        figure, axes = _canvas(5.6, 0.75 + 0.3 * len(differences))
        for place, (label, difference) in enumerate(differences.items()):
            colour = _VERDICTS[verdict(difference)]
            axes.plot([difference.low, difference.high], [place, place], color=colour, linewidth=2.2, solid_capstyle="round")
            axes.plot(difference.value, place, "o" if label != "mean" else "D", color=colour, markersize=6)
        axes.axvline(0.0, color=_INK, linewidth=0.9)
        axes.set_yticks(range(len(differences)), [str(label) for label in differences], fontsize=9)
        axes.set_ylim(len(differences) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.xaxis.set_major_formatter(lambda value, _: signed(value) if value else "0")
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
        axes.set_xlabel(xlabel)
        return _svg(figure, name, alt)


def level_dots(name: str, rows: Mapping[str, Mapping[str, Estimate]], chance: Mapping[str, float], alt: str) -> Markup:
    """Row -> level -> accuracy, a line a row with a dot and its interval for every level, and a stroke at chance."""
    levels = list(dict.fromkeys(level for found in rows.values() for level in found))
    with mpl.rc_context(_settings(name, grid="x")):
        figure, axes = _canvas(5.6, 0.9 + 0.1 * len(rows) * (2 + len(levels)))
        for number, level in enumerate(levels):
            colour, marker = _PAIRS[number % len(_PAIRS)][0], _MARKERS[number % len(_MARKERS)]
            shift = 0.7 * ((number + 0.5) / len(levels) - 0.5)
            found = [estimates[level] for estimates in rows.values()]
            places = [place + shift for place in range(len(found))]
            axes.hlines(places, [dot.low for dot in found], [dot.high for dot in found], color=colour, linewidth=1.1)
            axes.plot([dot.value for dot in found], places, marker, color=colour, markersize=4.5, label=level)
        axes.vlines(
            list(chance.values()), [place - 0.4 for place in range(len(rows))], [place + 0.4 for place in range(len(rows))], color=_INK
        )
        axes.set_yticks(range(len(rows)), [str(label) for label in rows], fontsize=9)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.xaxis.set_major_formatter(lambda value, _: score(value))
        axes.set_xlabel("accuracy")
        axes.legend(frameon=False, fontsize=7.5, handlelength=1.2, columnspacing=1.0, handletextpad=0.4, ncols=6, **_ABOVE)
        return _svg(figure, name, alt)


def paired_bars(name: str, picture: Picture, xlabel: str, alt: str) -> Markup:
    """Two distributions side by side, bin by bin; `name` is unique on the page."""
    with mpl.rc_context(_settings(name, grid="y")):
        figure, axes = _canvas(3.7, 2.3)
        places = range(len(picture.bins))
        axes.bar([place - 0.2 for place in places], picture.trained, 0.4, color=_SOFT, label="training")
        axes.bar([place + 0.2 for place in places], picture.new, 0.4, color=_JOINT, label="these texts")
        crowded = len(picture.bins) > 3
        axes.set_xticks(places, picture.bins, rotation=40 if crowded else 0, ha="right" if crowded else "center", fontsize=7.5)
        axes.tick_params(axis="x", length=0)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.yaxis.set_major_locator(MaxNLocator(nbins=4))
        axes.set_xlabel(xlabel)
        axes.legend(frameon=False, fontsize=7.5, handlelength=1.2, columnspacing=1.0, handletextpad=0.5, ncols=2, **_ABOVE)
        return _svg(figure, name, alt)


def alternative(what: str, differences: Mapping[str, Estimate]) -> str:
    """The figure of `transfer_plot` in words."""
    return f"{what}: " + "; ".join(f"{name} {signed(found.value)} {interval(found)}" for name, found in differences.items())


def _settings(name: str, grid: Literal["x", "y"]) -> Any:
    """Settings of matplotlib; the ids of its SVG follow from the name alone, so that equal runs give equal pages."""
    return {**_RC, "svg.hashsalt": name, "axes.grid.axis": grid}


def _canvas(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.add_subplot()
    axes.yaxis.set_major_formatter(lambda value, _: score(value))
    for spine in axes.spines.values():
        spine.set_linewidth(0.8)
    return figure, axes


def _svg(figure: Figure, name: str, alt: str) -> Markup:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return _dressed(buffer.getvalue(), name, alt)


def _dressed(svg: str, name: str, alt: str) -> Markup:
    """The SVG for the inside of a page: ids of its own, the page's colours and letters, no outside names, and words for who cannot see."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    box = re.search(r'viewBox="[^"]+"', body)
    assert box is not None
    body = re.sub(r"<svg[^>]*>", "", body, count=1)
    body = re.sub(r'\bid="', f'id="{name}-', body)
    body = re.sub(r"url\(#", f"url(#{name}-", body)
    body = re.sub(r'xlink:href="#', f'href="#{name}-', body)
    body = re.sub(r"font: ([\d.]+)px [^;\"]+", r"font-size: \1px", body)
    body = re.sub(r"\n\s*", "\n", body)
    for stand_in, colour in _COLOURS.items():
        body = body.replace(stand_in, colour)
    return Markup(f'<svg class="figure" role="img" aria-label="{escape(alt)}" {box.group()}>{body}')  # noqa: S704 (drawn by us; words escaped)
