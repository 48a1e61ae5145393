"""What validation found: checks in plain words, with the rows that failed them."""

from __future__ import annotations

from typing import Literal

import regex
from pydantic import BaseModel, ConfigDict

from mtl_models.corpora.corpus import Split

__all__ = ["EXCERPT", "ROWS_SHOWN", "Check", "Lengths", "OffendingRow", "Severity", "ValidationReport", "excerpt"]

Severity = Literal["critical", "warning"]
"""A failed critical check stops the run; a failed warning goes to the report."""

ROWS_SHOWN = 5
"""Offending rows kept per check."""

EXCERPT = 80
"""Most characters of a text that are shown."""

# Control characters and those that turn the direction of writing would garble a terminal or a page.
_UNPRINTABLE = regex.compile(r"[\s\p{Cc}\p{Cs}\u2028\u2029\u202A-\u202E\u2066-\u2069]+")


class OffendingRow(BaseModel):
    """A row that fails a check, as far as people need it to find it."""

    model_config = ConfigDict(frozen=True)

    split: Split
    id: str
    label: str
    excerpt: str
    """At most `EXCERPT` characters of the text, on one line."""


class Check(BaseModel):
    """One expectation and what was found."""

    model_config = ConfigDict(frozen=True)

    name: str
    severity: Severity
    success: bool
    expected: str
    observed: str
    unexpected: int | None = None
    """How many rows fail it, where it is about rows."""
    rows: tuple[OffendingRow, ...] = ()
    """Of a failed check, at most `ROWS_SHOWN` of the rows behind it, in the order of the splits."""
    suite: str | None = None
    """The file of the user's suite that asked for it; none for the checks of our own."""

    @property
    def line(self) -> str:
        """The check in one line."""
        return f"{self.name}: expected {self.expected}; found {self.observed}"


class Lengths(BaseModel):
    """Characters per text over all splits."""

    model_config = ConfigDict(frozen=True)

    shortest: int
    median: int
    percentile_95: int
    longest: int


class ValidationReport(BaseModel):
    """Every check of one corpus, and the counts that a reader wants beside them."""

    task: str
    checks: tuple[Check, ...]
    rows: dict[Split, int]
    classes: dict[str, dict[Split, int]]
    """Class -> split -> rows."""
    lengths: Lengths | None
    """None where there is no text."""

    def failed(self, severity: Severity) -> list[Check]:
        """The failed checks of that severity."""
        return [check for check in self.checks if not check.success and check.severity == severity]

    @property
    def warnings(self) -> list[str]:
        """A line for every failed check that stops nothing."""
        return [check.line for check in self.failed("warning")]


def excerpt(text: str | None) -> str:
    """The text on one line, cut to `EXCERPT` characters, without what would garble a terminal."""
    if text is None:
        return ""
    line: str = _UNPRINTABLE.sub(" ", text[: EXCERPT * 4]).strip()
    return line if len(line) <= EXCERPT and len(text) <= EXCERPT * 4 else line[: EXCERPT - 1] + "…"
