"""The curve of a study whose variants are numbers, as an SVG file of its own."""

from __future__ import annotations

import io
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from mtl_models.evaluation.study_results import StudyResults
from mtl_models.reports.candidates import METRIC_NAMES, candidate_name

__all__ = ["is_curve", "render_curve"]

_COLOURS = {"joint": "#1f5fae", "twin": "#c2571a", "tfidf_single": "#8a8a8a", "tfidf_pooled": "#4d4d4d"}
_RC: Any = {"svg.fonttype": "none", "font.size": 10, "axes.spines.top": False, "axes.spines.right": False}


def is_curve(results: StudyResults) -> bool:
    """Whether every variant's name is a number, and there are two at least."""
    return len(results.variants) > 1 and all(name.isdecimal() for name in results.variants)


def render_curve(results: StudyResults, metric: str) -> str:
    """SVG: the metric of every candidate by the variants' numbers, on a logarithmic axis, with intervals."""
    places = sorted(int(name) for name in results.variants)
    with mpl.rc_context({**_RC, "svg.hashsalt": results.name}):
        figure = Figure(figsize=(6.4, 4.0), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        candidates = list(next(iter(results.variants.values())).candidates)
        for number, candidate in enumerate(candidates):
            found = [results.variants[str(place)].candidates[candidate].scores[metric] for place in places]
            shift = 1.0 + 0.012 * (number - (len(candidates) - 1) / 2)  # so that intervals do not hide one another
            axes.errorbar(
                [place * shift for place in places],
                [score.value for score in found],
                yerr=[[score.value - score.low for score in found], [score.high - score.value for score in found]],
                label=candidate_name(candidate, results.kinds.values()),
                color=_COLOURS.get(candidate),
                linestyle="--" if candidate.startswith("tfidf") else "-",
                marker="o",
                markersize=4,
                capsize=3,
            )
        axes.set_xscale("log", base=2)
        axes.set_xticks(places, [f"{place:,}" for place in places])
        axes.minorticks_off()
        axes.set_xlabel(results.axis)
        axes.set_ylabel(f"{METRIC_NAMES[metric]}, {results.split}, {results.confidence:.0%} intervals")
        axes.grid(axis="y", color="#e5e5e5")
        axes.legend(frameon=False)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()
