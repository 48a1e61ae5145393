"""Whether a champion is to be trained anew: what is new since its training, how far that lies off, and the decision with its reasons."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from mtl_models.config.retraining import Retraining
from mtl_models.evaluation.decision import Check
from mtl_models.evaluation.drift_report import DriftReport

__all__ = ["NewData", "RetrainingDecision", "decide_retraining"]

_DAY = 86_400.0


class NewData(BaseModel):
    """The corpora as they are now beside those that the champion knows: its own, and those of the models it was built on."""

    champion: str
    """Its address, models:/NAME/VERSION."""
    trained: datetime
    """When it was registered (UTC)."""
    rows: dict[str, int]
    """Task -> rows there are now."""
    new: dict[str, int]
    """Task -> those whose text the champion's corpora do not hold."""
    learned: dict[str, int]
    """Task -> rows that the split calls test now, and that the champion learned from; they do not judge it."""
    drift: DriftReport
    """The new rows, with their labels, against the train rows of the champion."""
    changed: dict[str, str] = {}
    """Task -> why the champion cannot answer it as the experiment wants: it does not know it, or knows other labels."""

    @property
    def nothing_new(self) -> bool:
        """Whether every text was there before, under the same tasks and labels."""
        return not any(self.new.values()) and not self.changed


class RetrainingDecision(BaseModel):
    """Whether to train anew. `checks` are the questions that were asked, `passed` where the answer asks for no training."""

    retrain: bool
    forced: bool
    reasons: list[str]
    checks: list[Check]

    def prose(self) -> str:
        """The decision as a paragraph for people."""
        verdict = "The model is trained anew." if self.retrain else "Nothing is trained; the champion stays as it is."
        return " ".join([verdict, *self.reasons])


def decide_retraining(found: NewData, section: Retraining, now: datetime, forced: bool) -> RetrainingDecision:
    """Train where the new rows drift, where the tasks have changed, or where the champion is too old and any row is new; or where `forced`.

    Without a new row training anew would learn nothing that the champion was not taught, however old it is.
    """
    age = (now - found.trained).total_seconds() / _DAY
    checks = [_changed(found), _drift(found), _age(found, section, age)]
    asked = [check.detail for check in checks if not check.passed]
    reasons = [_news(found)]
    if forced:
        reasons = ["It was asked for, whatever the data say.", *reasons]
    told = asked or [check.detail for check in checks if check.name != "tasks" and not found.nothing_new]
    return RetrainingDecision(retrain=forced or bool(asked), forced=forced, reasons=[*reasons, *told], checks=checks)


def _news(found: NewData) -> str:
    total = sum(found.rows.values())
    if found.nothing_new:
        return f"Nothing has changed: all {total:,} rows were there when the champion {found.champion} was trained."
    parts = ", ".join(f"{count:,} of {found.rows[task]:,} in '{task}'" for task, count in found.new.items())
    return f"Rows that are new since the champion {found.champion} was trained: {parts}."


def _changed(found: NewData) -> Check:
    if not found.changed:
        return Check(name="tasks", passed=True, detail="The champion knows every task with these labels.")
    return Check(name="tasks", passed=False, detail=" ".join(f"Task '{task}': {why}." for task, why in found.changed.items()))


def _drift(found: NewData) -> Check:
    drift = found.drift
    if drift.drifted:
        return Check(name="drift", passed=False, detail=f"The new rows drift: {'; '.join(drift.beyond())}.")
    looked = [name for name in drift.tasks if found.new.get(name)]
    unjudged = "".join(f" Task '{name}' was not judged: {why}." for name, why in drift.unchecked.items() if found.new.get(name))
    within = f"The new rows of {', '.join(looked)} are within every limit." if looked else "No new rows to hold against the limits."
    return Check(name="drift", passed=True, detail=within + unjudged)


def _age(found: NewData, section: Retraining, age: float) -> Check:
    if section.max_age_days is None:
        return Check(name="age", passed=True, detail=f"The champion is {age:.1f} days old; retraining.max_age_days sets no limit.")
    old = age > section.max_age_days
    compared = (
        f"The champion is {age:.1f} days old, {'more' if old else 'not more'} than retraining.max_age_days ({section.max_age_days:g})"
    )
    if old and not any(found.new.values()):
        return Check(name="age", passed=True, detail=f"{compared}, but there is no new row to learn from.")
    return Check(name="age", passed=not old, detail=f"{compared}.")
