"""What the terminal says at the end of a run: a short table, the decision, and where to look next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table

from mtl_models.evaluation.bootstrap import Estimate
from mtl_models.evaluation.comparison import JOINT, TWIN, Comparison
from mtl_models.files import writing_file
from mtl_models.home import home_folder
from mtl_models.reports.candidates import candidate_name, reference_note
from mtl_models.reports.numbers import interval, score, signed
from pipelines.outputs import output

if TYPE_CHECKING:
    from zenml.models import PipelineRunResponse

__all__ = ["print_summary"]

_LEGEND = (
    "A twin is the same network, trained on that task alone. {references} "
    "The interval is about joint - twin: how far the luck of the test rows goes."
)


def print_summary(run: PipelineRunResponse, seconds: float) -> None:
    """Results per task, the gate's decision, what was cached, where things lie."""
    from zenml.types import HTMLString

    from steps.tracking.registration import Registration

    steps = run.steps  # asked for once: every look costs a query per step
    comparison = output(steps["compare"], "comparison", Comparison)
    registration = output(steps["register"], "registration", Registration)
    page = home_folder("reports", registration.model) / "report.html"
    with writing_file(page) as draft:
        draft.write_text(output(steps["report"], "report", HTMLString), encoding="utf-8")
    console = Console(width=max(Console().width, 100))
    console.print(_results(comparison))
    console.print(_LEGEND.format(references=reference_note(comparison.kinds)), style="dim", highlight=False)
    typer.secho(registration.decision.prose(), fg="green" if registration.decision.promote else "yellow")
    cached = sum(step.status == "cached" for step in steps.values())
    typer.echo(f"\n{run.name}: {len(steps)} steps, {cached} from the cache, {seconds:.0f} s")
    typer.echo(f"  report      {page}")
    typer.echo(f"  model       {registration.uri} (MLflow run {registration.run_id})")
    typer.echo("  runs        polytask ui")
    serving = f"models:/{registration.model}@champion" if registration.decision.promote else registration.uri
    typer.echo(f'  predict     polytask predict --model {serving} "love this phone"')


def _results(comparison: Comparison) -> Table:
    references = [name for name in comparison.candidates if name not in (JOINT, TWIN)]
    named = [candidate_name(name, comparison.kinds.values()) for name in references]
    table = Table("task", "joint", TWIN, *named, "joint - twin", f"{comparison.confidence:.0%} interval", header_style="bold")
    table.title = f"{comparison.metric} on the test splits"
    for column in table.columns[1:]:
        column.justify = "right"
    for name, task in comparison.tasks.items():
        scores = [_score(task.scores.get(candidate)) for candidate in (JOINT, TWIN, *references)]
        table.add_row(f"{name} ({task.metric})" if task.metric else name, *scores, *_gain(task.transfer))
    table.add_section()
    means = [_score(comparison.mean_scores.get(candidate)) for candidate in (JOINT, TWIN, *references)]
    table.add_row("mean", *means, *_gain(comparison.mean_transfer), style="bold")
    return table


def _score(found: Estimate | None) -> str:
    return score(found.value if found else None)


def _gain(found: Estimate | None) -> tuple[str, str]:
    return (signed(found.value), interval(found)) if found else (signed(None), "")
