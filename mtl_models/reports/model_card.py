"""The model card: what the model is for, what it was made from, how well it does, and how to load it, in Markdown."""

from __future__ import annotations

from functools import partial

from mtl_models.evaluation.comparison import JOINT
from mtl_models.reports.candidates import KIND_NAMES, METRIC_NAMES, candidate_name, on_words, reference_note, stand_ins
from mtl_models.reports.content import RunReport
from mtl_models.reports.templates import render_markdown

__all__ = ["render_card"]


def render_card(run: RunReport) -> str:
    """One Markdown document."""
    return render_markdown(
        "card.md.jinja",
        run=run,
        tasks=run.experiment.tasks,
        metric=METRIC_NAMES[run.comparison.metric],
        others=[name for name in run.comparison.candidates if name != JOINT],
        candidate_name=partial(candidate_name, kinds=run.comparison.kinds.values()),
        on_words=on_words(run),
        reference_note=reference_note(run.comparison.kinds),
        kind_names=KIND_NAMES,
        stand_ins=stand_ins(run),
        metrics=METRIC_NAMES,
    )
