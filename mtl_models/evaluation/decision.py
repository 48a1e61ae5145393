"""The gate: whether the joint model may become champion, and why."""

from __future__ import annotations

from collections.abc import Collection

from pydantic import BaseModel

from mtl_models.config.judging import Gate
from mtl_models.evaluation.bootstrap import Estimate
from mtl_models.evaluation.comparison import CHAMPION, TWIN, Comparison

__all__ = ["NO_CHAMPION", "SERVES_ALREADY", "Check", "Decision", "decide"]

_ROUNDING = 1e-12
"""A mean of differences that cancel may miss zero by so much."""


class Check(BaseModel):
    """One condition of the gate."""

    name: str
    passed: bool
    detail: str
    """What was found and what is asked for, as a sentence."""


class Decision(BaseModel):
    """Whether the new model is promoted to champion. `reasons` say it in words; `checks` are all conditions."""

    promote: bool
    reasons: list[str]
    checks: list[Check]

    def prose(self) -> str:
        """The decision as a paragraph for people."""
        verdict = "The joint model is promoted to champion." if self.promote else "The joint model is not promoted; it stays challenger."
        return " ".join([verdict, *self.reasons])


NO_CHAMPION = "There is no champion yet to compare with."
SERVES_ALREADY = "It is the champion already; there is no other to compare with."


def decide(
    comparison: Comparison,
    gate: Gate,
    champion: Comparison | None,
    no_comparison: str = NO_CHAMPION,
    changed: Collection[str] = (),
    regression: Comparison | None = None,
) -> Decision:
    """The gate against the twins (`comparison`) and, where there is one, against the present champion (`compare_with_champion`).

    Each asks: the mean difference is not below `gate.min_mean_gain` (not below 0 for the champion), and no task loses more than
    `gate.max_regression` with its whole interval below zero. `no_comparison` says why `champion` is None.
    `changed` are tasks of a fine-tuned model that answer otherwise than before and have no rows here: nothing can be said for them.
    `regression` is the model against the champion on rows of old: there only a clear loss counts, for the champion was chosen on them.
    """
    checks = _conditions(comparison, TWIN, "its twin", "the twins", gate.min_mean_gain, gate.max_regression)
    notes: list[str] = []
    if champion is None:
        notes.append(no_comparison)
    else:
        notes += _on_common_tasks(champion)
        if champion.tasks:
            checks += _conditions(champion, CHAMPION, "the champion", "the champion", 0.0, gate.max_regression)
    if regression is not None and regression.tasks:
        checks += _losses(regression, CHAMPION, "the champion on the regression set", gate.max_regression)
    if changed:
        names = ", ".join(f"'{task}'" for task in changed)
        detail = f"The answers for {names} have changed, and there are no rows of them here to judge by; name them in the experiment too."
        checks.append(Check(name="tasks that were not measured", passed=False, detail=detail))
    failed = [check for check in checks if not check.passed]
    told = failed or [check for check in checks if check.name.startswith("mean")]
    return Decision(promote=not failed, reasons=[*(check.detail for check in told), *_no_loss(failed), *notes], checks=checks)


def _conditions(comparison: Comparison, other: str, one: str, all_of_them: str, least: float, most_lost: float) -> list[Check]:
    mean = comparison.mean_differences[other]
    enough = mean.value >= least - _ROUNDING
    asked = f"the gate asks for at least {least:+.3f}"
    detail = f"Against {all_of_them}, mean {comparison.metric} changes by {_signed(mean, comparison.confidence)}; {asked}."
    return [Check(name=f"mean against {all_of_them}", passed=enough, detail=detail), *_losses(comparison, other, one, most_lost)]


def _losses(comparison: Comparison, other: str, one: str, most_lost: float) -> list[Check]:
    """A check per task: it may not clearly lose."""
    checks = []
    for task, compared in comparison.tasks.items():
        change = compared.differences[other]
        clearly_lost = change.value < -most_lost - _ROUNDING and change.high < 0.0
        verdict = f"more than the {most_lost:.3f} it may lose, and its whole interval is below zero" if clearly_lost else "no clear loss"
        detail = f"Task '{task}' against {one}: {_signed(change, comparison.confidence)}, {verdict}."
        checks.append(Check(name=f"{task} against {one}", passed=not clearly_lost, detail=detail))
    return checks


def _on_common_tasks(champion: Comparison) -> list[str]:
    """What the comparison with the champion could not cover."""
    if not champion.left_out:
        return []
    missing = "; ".join(f"'{task}': {why}" for task, why in champion.left_out.items())
    scope = f"only on {', '.join(champion.tasks)}" if champion.tasks else "on no task at all, so it has no say"
    return [f"The champion could be compared {scope} ({missing})."]


def _no_loss(failed: list[Check]) -> list[str]:
    return [] if failed else ["No task clearly loses."]


def _signed(change: Estimate, confidence: float) -> str:
    return f"{change.value:+.3f} ({confidence:.0%} interval {change.low:+.3f} to {change.high:+.3f})"
