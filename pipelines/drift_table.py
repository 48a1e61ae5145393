"""What was found of drift, on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from mtl_models.evaluation.drift_report import DriftReport, Measure

__all__ = ["print_drift"]


def print_drift(report: DriftReport, title: str, labels: str) -> None:
    """A row per task, a column per measure, each value beside its limit; `labels` heads the column of labels."""
    table = Table("task", "length", "unknown words", labels, "domain (AUC)", header_style="bold", title_justify="left")
    table.title = title
    for column in table.columns[1:]:
        column.justify = "right"
    for name, task in report.tasks.items():
        table.add_row(name, *(_cell(measure) for measure in task.measures))
    if report.tasks:
        Console(width=max(Console().width, 90)).print(table)


def _cell(measure: Measure) -> str:
    value = "-" if measure.value is None else f"{measure.value:.3f}"
    return f"[bold yellow]{value} ({measure.limit:g})[/]" if measure.drifted else f"{value} ({measure.limit:g})"
