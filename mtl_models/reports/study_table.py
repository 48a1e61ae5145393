"""The results of a study as Markdown tables."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean

from mtl_models.config.experiment import ON_WORDS
from mtl_models.evaluation.bootstrap import Estimate
from mtl_models.evaluation.comparison import POOLED, SINGLE
from mtl_models.evaluation.study_results import CandidateResult, StudyResults
from mtl_models.reports.candidates import METRIC_NAMES, candidate_name, reference_note
from mtl_models.reports.numbers import count, interval, score, signed

__all__ = ["render_study"]


def render_study(results: StudyResults) -> str:
    """One table over all variants and candidates, then one with the tasks of the joint models."""
    names = _metrics(results)
    metrics, kinds = [*names], results.kinds.values()
    lines = [
        f"Means over the tasks on the {results.split} split; {results.confidence:.0%} intervals by paired bootstrap over rows "
        f"({count(results.resamples)} resamples); \N{PLUS-MINUS SIGN} is the standard deviation over seeds."
        + (f" {reference_note(results.kinds)}" if _has_references(results) else ""),
        "",
        "| variant | candidate | seeds | "
        + " | ".join(f"{name} | joint minus it" for name in names.values())
        + " | parameters | CPU minutes |",
        "| --- | --- | --- | " + " | ".join("--- | ---" for _ in metrics) + " | --: | --: |",
    ]
    for variant, result in results.variants.items():
        for name, candidate in result.candidates.items():
            cells = [f"{_score(candidate, metric)} | {_gain(candidate.gain.get(metric))}" for metric in metrics]
            size = count(candidate.parameters) if candidate.parameters else ""
            seeds = str(len(candidate.seeds))
            lines.append(
                f"| {variant} | {candidate_name(name, kinds)} | {seeds} | {' | '.join(cells)} | {size} | {candidate.cpu_seconds / 60:.1f} |"
            )
    return "\n".join([*lines, "", *_per_task(results, names), "", *_soon(results)])


def _has_references(results: StudyResults) -> bool:
    return any(name in variant.candidates for variant in results.variants.values() for name in (SINGLE, POOLED))


def _score(candidate: CandidateResult, metric: str) -> str:
    found = candidate.scores[metric]
    spread = f" \N{PLUS-MINUS SIGN} {score(candidate.spread[metric])}" if len(candidate.seeds) > 1 else ""
    return f"{score(found.value)}{spread} {interval(found)}"


def _gain(found: Estimate | None) -> str:
    return f"{signed(found.value)} {interval(found)}" if found else ""


def _metrics(results: StudyResults) -> dict[str, str]:
    """What is shown, and its name. Tasks on words have one measure, whatever is asked for: an F1."""
    asked = [*next(iter(next(iter(results.variants.values())).candidates.values())).scores]
    if results.kinds and all(kind in ON_WORDS for kind in results.kinds.values()):
        return {asked[0]: METRIC_NAMES["f1"]}
    return {metric: METRIC_NAMES[metric] for metric in asked}


def _per_task(results: StudyResults, names: Mapping[str, str]) -> list[str]:
    """The first measure; a task that a variant goes without has nothing there."""
    (metric, title), *_ = names.items()
    tasks, kinds = [*results.kinds], results.kinds.values()
    lines = [
        f"{title[0].upper()}{title[1:]} by task, mean over the seeds:",
        "",
        "| variant | candidate | " + " | ".join(tasks) + " |",
        "| --- | --- | " + " | ".join("--:" for _ in tasks) + " |",
    ]
    for variant, result in results.variants.items():
        for name, candidate in result.candidates.items():
            values = " | ".join(score(candidate.tasks[task][metric]) if task in candidate.tasks else "" for task in tasks)
            lines.append(f"| {variant} | {candidate_name(name, kinds)} | {values} |")
    return lines


def _soon(results: StudyResults) -> list[str]:
    """Nothing where no variant has twins."""
    lines = []
    for variant, result in results.variants.items():
        for task, seeds in result.soon.items():
            there = [found for found in seeds if found.joint is not None]
            alone = fmean(found.twin.rows for found in seeds)
            joint = "" if not there else f"{count(fmean(found.joint.rows for found in there if found.joint))}"
            ratio = "" if not there else f"{fmean(found.joint.rows / found.twin.rows for found in there if found.joint):.2f}"
            goal = score(fmean(found.goal for found in seeds))
            lines.append(f"| {variant} | {task} | {goal} | {count(alone)} | {len(there)} of {len(seeds)} | {joint} | {ratio} |")
    if not lines:
        return []
    return [
        "How soon the joint model is as good on dev as the twin of each task ever gets: rows of the task trained on by then, mean "
        "over the seeds where it was; ratio joint to twin.",
        "",
        "| variant | task | twin's best | twin: rows | seeds that got there | joint: rows | ratio |",
        "| --- | --- | --: | --: | --: | --: | --: |",
        *lines,
        "",
    ]
