"""The report of a training run: one self-contained HTML page, from the decision down to the versions."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from statistics import fmean

import yaml
from markupsafe import Markup

from mtl_models.config.experiment import ON_WORDS
from mtl_models.config.objectives import DynamicAverage, FixedWeights, UncertaintyWeights
from mtl_models.evaluation.comparison import JOINT, TWIN
from mtl_models.reports.candidates import KIND_NAMES, METRIC_NAMES, candidate_name, on_words, reference_note, stand_ins
from mtl_models.reports.content import RunReport
from mtl_models.reports.figures import Line, alternative, cosine_curves, curves, transfer_plot
from mtl_models.reports.numbers import signed
from mtl_models.reports.templates import render_html
from mtl_models.tasks.scores.scores import shown_metric
from mtl_models.training.conflict_findings import CONFLICT, conflict_advice, conflict_findings
from mtl_models.training.convergence import convergence
from mtl_models.training.history import EpochRecord, History
from mtl_models.training.stopping import cross_table

__all__ = ["render_report"]

_MOST_PAIRS = 6
"""More lines than this nobody can tell apart; four tasks make six pairs."""


def render_report(run: RunReport, pictures: Markup | None = None) -> str:
    """One self-contained HTML page; `pictures` of what the model looks at, as `attention_page.render_attention` draws them."""
    candidates = run.comparison.candidates
    others = [name for name in candidates if name != JOINT]
    return render_html(
        "run.html.jinja",
        run=run,
        pictures=pictures,
        tasks=list(run.experiment.tasks),
        metric=METRIC_NAMES[run.comparison.metric],
        metrics=METRIC_NAMES,
        candidates=candidates,
        others=others,
        references=[name for name in others if name != TWIN],
        candidate_name=partial(candidate_name, kinds=run.comparison.kinds.values()),
        on_words=on_words(run),
        reference_note=reference_note(run.comparison.kinds),
        marking=ON_WORDS,
        kind_names=KIND_NAMES,
        stand_ins=stand_ins(run),
        transfer=_transfer_figure(run),
        curves={task: _task_curves(run, task) for task in run.experiment.tasks},
        findings=conflict_findings(run.joint.epochs),
        advice=conflict_advice(run.joint.epochs),
        mark=CONFLICT,
        cosines=_cosine_figure(run.joint.epochs),
        last_cosines=next((record for record in reversed(run.joint.epochs) if record.conflicts), None),
        weights=_weights(run),
        cross=cross_table(run.joint.epochs, run.experiment.training.metric) if len(run.experiment.tasks) > 1 else {},
        soon=convergence(run.joint, run.twins, run.experiment.training.metric),
        weighed="loss" if isinstance(run.experiment.training.objective, FixedWeights | UncertaintyWeights | DynamicAverage) else "gradient",
        padded=_padded(run.joint.epochs),
        speed={task: _examples_per_second(run.joint, task) for task in run.experiment.tasks},
        twin_padded={task: _padded(run.twins[task].epochs) for task in run.experiment.tasks},
        twin_speed={task: _examples_per_second(run.twins[task], task) for task in run.experiment.tasks},
        config=yaml.safe_dump(run.experiment.model_dump(mode="json", exclude_none=True), sort_keys=False, allow_unicode=True, width=100),
    )


def _transfer_figure(run: RunReport) -> Markup:
    differences = {task: run.comparison.tasks[task].differences[TWIN] for task in run.experiment.tasks}
    if len(differences) > 1 and run.comparison.mean_transfer is not None:
        differences["mean"] = run.comparison.mean_transfer
    metric = METRIC_NAMES[run.comparison.metric]
    return transfer_plot("transfer", differences, alternative(f"Joint minus twin, test {metric}", differences))


def _task_curves(run: RunReport, task: str) -> list[Markup]:
    """The dev metric and the losses of one task; none of the first without dev rows."""
    metric = shown_metric(run.experiment.tasks[task].kind, run.experiment.training.metric)
    joint, twin = run.joint.epochs, run.twins[task].epochs
    scores = {"joint": _dev(joint, task, metric), "twin": _dev(twin, task, metric)}
    losses = {
        "joint": _train_loss(joint, task),
        "twin": _train_loss(twin, task),
        "joint, dev": _dev(joint, task, "loss"),
        "twin, dev": _dev(twin, task, "loss"),
    }
    drawn = []
    for kind, label, lines in (("dev", f"dev {METRIC_NAMES[metric]}", scores), ("loss", "loss", losses)):
        present = {name: line for name, line in lines.items() if line}
        if present:
            ends = ", ".join(f"{name} from {line[0][1]:.3f} to {line[-1][1]:.3f}" for name, line in present.items())
            drawn.append(curves(f"{kind}-{task}", present, label, f"{task}: {label} by epoch; {ends}", run.joint.best_epoch))
    return drawn


def _cosine_figure(epochs: Iterable[EpochRecord]) -> Markup | None:
    """Every pair's cosine by epoch; None where they are too many to tell apart, or none."""
    lines: dict[str, list[tuple[float, float]]] = {}
    for record in epochs:
        for pair, cosine in record.conflicts.items():
            lines.setdefault(pair.replace("/", ", "), []).append((record.epoch, cosine))
    if not 1 <= len(lines) <= _MOST_PAIRS:
        return None
    ends = "; ".join(f"{pair} from {signed(line[0][1])} to {signed(line[-1][1])}" for pair, line in lines.items())
    return cosine_curves("cosines", lines, f"Mean cosine of the gradients by epoch: {ends}")


def _weights(run: RunReport) -> dict[str, tuple[float | None, float | None, float | None]]:
    """Task -> its weight in the first epoch, the one whose weights were kept and the last; empty where all are 1."""
    epochs = run.joint.epochs
    if all(weight == 1.0 for record in epochs for weight in record.weights.values()):
        return {}
    chosen = (epochs[0], epochs[run.joint.best_epoch - 1], epochs[-1])
    first, kept, last = ([record.weights.get(task) for task in run.experiment.tasks] for record in chosen)
    return dict(zip(run.experiment.tasks, zip(first, kept, last, strict=True), strict=True))


def _dev(epochs: Iterable[EpochRecord], task: str, measure: str) -> Line:
    return [(record.epoch, record.dev[task][measure]) for record in epochs if task in record.dev]


def _train_loss(epochs: Iterable[EpochRecord], task: str) -> Line:
    return [(record.epoch, record.train_loss[task]) for record in epochs if task in record.train_loss]


def _examples_per_second(history: History, task: str) -> float | None:
    found = [record.examples_per_second[task] for record in history.epochs if task in record.examples_per_second]
    return fmean(found) if found else None


def _padded(epochs: Iterable[EpochRecord]) -> float:
    return fmean(record.padded for record in epochs)
