"""What a user loses if these fail: a conflict between tasks that the report keeps to itself, or weights that nobody can look up."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any

from mtl_models.config.objectives import UncertaintyWeights
from mtl_models.reports.content import RunReport
from mtl_models.reports.run_report import render_report
from mtl_models.training.history import History


def measured(history: History, cosine: float, tasks: list[str], weight: float = 1.0) -> History:
    """The history with every pair at 0.3, the first one from the third epoch on at `cosine`; the first task weighs `weight`."""
    pairs = [f"{one}/{other}" for one, other in combinations(tasks, 2)]
    records = []
    for place, record in enumerate(history.epochs):
        first = 0.3 if place < 2 else cosine + 0.01 * (place % 2)
        conflicts = dict.fromkeys(pairs, 0.3) | {pairs[0]: first}
        weights = dict.fromkeys(tasks, 1.0) | {tasks[0]: weight}
        records.append(record.model_copy(update={"conflicts": conflicts, "weights": weights}))
    return history.model_copy(update={"epochs": records})


def test_a_conflict_is_said_drawn_and_advised_about(make_run: Any, run: RunReport, read_page: Any) -> None:
    tasks = list(run.experiment.tasks)
    page = render_report(make_run(joint=measured(run.joint, -0.5, tasks)))
    read = read_page(page)
    assert f"Tasks {tasks[0]} and {tasks[1]} conflict from epoch 3 on: mean cosine -0.50." in read.text
    assert "updates: aggregate" in read.text
    assert any(str(svg["aria-label"]).startswith("Mean cosine of the gradients by epoch") for svg in read.all("svg"))
    cells = re.findall(r'<td class="against" style="--heat: ([\d.]+)">(.*?)</td>', page)
    assert cells == [("30.0", "\N{MINUS SIGN}.500")] * 2, "the pair stands twice in the table, both times marked"
    assert "balance" in read.ids


def test_harmony_is_said_too(make_run: Any, run: RunReport, read_page: Any) -> None:
    read = read_page(render_report(make_run(joint=measured(run.joint, 0.2, list(run.experiment.tasks)))))
    assert "No pair of tasks conflicts: every mean cosine is at least +0.23" in read.text
    assert "updates: aggregate`" not in read.text


def test_many_tasks_get_the_table_without_the_tangle(make_run: Any, read_page: Any) -> None:
    """Ten tasks make 45 pairs, more than lines can be told apart."""
    several = make_run({f"task{number}": ("no", "yes") for number in range(5)})
    read = read_page(render_report(several.model_copy(update={"joint": measured(several.joint, -0.5, list(several.experiment.tasks))})))
    assert not any("cosine" in str(svg["aria-label"]) for svg in read.all("svg"))
    assert "Mean cosine of the gradients in epoch 9" in read.text


def test_weights_are_listed_where_they_are_not_all_one(make_run: Any, run: RunReport, read_page: Any) -> None:
    tasks = list(run.experiment.tasks)
    training = run.experiment.training.model_copy(update={"objective": UncertaintyWeights(name="uncertainty")})
    experiment = run.experiment.model_copy(update={"training": training})
    read = read_page(render_report(make_run(experiment=experiment, joint=measured(run.joint, 0.2, tasks, weight=0.625))))
    assert "Weights of the tasks in the joint model" in read.text
    assert ".625" in read.text
    assert "multiplied the loss of each task" in read.text
    assert "Weights of the tasks" not in read_page(render_report(make_run(joint=measured(run.joint, 0.2, tasks)))).text


def test_a_run_that_measured_nothing_says_nothing(run: RunReport, read_page: Any) -> None:
    read = read_page(render_report(run))
    assert "Mean cosine of the gradients" not in read.text
    assert "What the objective" not in read.text
