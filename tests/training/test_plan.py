"""What a user loses if these fail: a plan that says something else than what training then does, or keeps silent about a starving task."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_models.config.samplers import UniformSampler
from mtl_models.config.training import Training
from mtl_models.errors import CorpusError
from mtl_models.networks.network import Network
from mtl_models.training.encoding import EncodedSplit
from mtl_models.training.epoch_batches import EpochBatches, aggregated_batches, mixed_batches, single_task_batches
from mtl_models.training.fit import fit
from mtl_models.training.plan import SamplingPlan, sampling_plan
from mtl_models.training.samplers.draw import draw
from mtl_models.training.samplers.quotas import count_updates
from mtl_models.training.seeds import generator

ROWS = st.dictionaries(st.sampled_from("abcd"), st.integers(1, 200), min_size=1)
SETTINGS = [
    {"sampler": {"name": "proportional"}},
    {"sampler": {"name": "uniform"}},
    {"sampler": {"name": "annealed"}},
    {"sampler": {"name": "temperature"}, "updates": "single_task"},
    {"sampler": {"name": "sequential"}, "updates": "single_task"},
    {"sampler": {"name": "round_robin"}, "updates": "single_task"},
    {"sampler": {"name": "proportional"}, "updates": "aggregate"},
    {"sampler": {"name": "uniform"}, "updates": "aggregate"},
]


def named(options: dict[str, Any]) -> str:
    return f"{options.get('updates', 'mixed')}-{options['sampler']['name']}"


def batches_of(training: Training, splits: Mapping[str, EncodedSplit], epoch: int) -> EpochBatches:
    drawn = draw(training, {task: len(split) for task, split in splits.items()}, epoch, 0)
    match training.updates:
        case "mixed":
            return mixed_batches(splits, drawn, training.batch_size, generator(0, epoch))
        case "single_task":
            return single_task_batches(splits, drawn, training.batch_size, generator(0, epoch))
        case "aggregate":
            updates = count_updates(training, {task: len(rows) for task, rows in drawn.items()})
            return aggregated_batches(splits, drawn, updates, generator(0, epoch))


@pytest.mark.parametrize("options", SETTINGS, ids=named)
@settings(max_examples=30)
@given(rows=ROWS, epochs=st.integers(1, 5), batch_size=st.integers(1, 64))
def test_the_plan_is_what_is_drawn(options: dict[str, Any], rows: dict[str, int], epochs: int, batch_size: int) -> None:
    training = Training(epochs=epochs, batch_size=batch_size, **options)
    plan = sampling_plan(rows, training)
    drawn = dict.fromkeys(rows, 0)
    for epoch in range(1, epochs + 1):
        for task, chosen in draw(training, rows, epoch, 0).items():
            drawn[task] += len(chosen)
    for task, planned in plan.tasks.items():
        assert planned.passes * rows[task] == pytest.approx(drawn[task])
        assert planned.rows_per_epoch * epochs == pytest.approx(drawn[task])
        assert planned.share == pytest.approx(drawn[task] / sum(drawn.values()))
        assert planned.ends == pytest.approx(min(1.0, rows[task] * epochs / drawn[task]))
    assert sum(planned.share for planned in plan.tasks.values()) == pytest.approx(1)


@pytest.mark.parametrize("options", SETTINGS, ids=named)
def test_the_updates_are_the_batches(options: dict[str, Any], made_split: Callable[..., EncodedSplit]) -> None:
    splits = {task: made_split(count, 0) for task, count in {"a": 70, "b": 31, "c": 5}.items()}
    training = Training(epochs=3, batch_size=8, **options)
    plan = sampling_plan({task: len(split) for task, split in splits.items()}, training)
    built = [batch for epoch in (1, 2, 3) for batch in batches_of(training, splits, epoch)]
    assert plan.updates == len(built)
    for task, planned in plan.tasks.items():
        if training.updates == "mixed":
            assert planned.updates * 8 == sum(len(batch.rows.get(task, ())) for batch in built)
        else:
            assert planned.updates == sum(task in batch.rows for batch in built)


TOKENS = [
    {"sampler": {"name": "proportional"}},
    {"sampler": {"name": "uniform", "draws": "random"}},
    {"sampler": {"name": "round_robin"}, "updates": "single_task"},
    {"sampler": {"name": "temperature", "draws": "random"}, "updates": "single_task"},
]


@pytest.mark.parametrize("options", TOKENS, ids=named)
def test_where_tokens_limit_batches_the_updates_are_those_of_the_training(
    options: dict[str, Any],
    tasks_named: Callable[..., list],
    made_corpora: Callable[..., dict],
    made_network: Callable[..., Network],
) -> None:
    training = Training(epochs=2, batch_size=8, batch_tokens=20, patience=None, device="cpu", conflicts_every=None, **options)
    tasks, corpora = tasks_named("a", "b"), made_corpora({"a": 70, "b": 31})
    lengths = {task.name: corpora[task.name].splits["train"].lengths for task in tasks}
    rows = {name: len(of_task) for name, of_task in lengths.items()}
    plan = sampling_plan(rows, training, lengths, 5)
    history = fit(made_network(tasks), tasks, corpora, training, 5)
    assert plan.updates == history.epochs[-1].updates > sampling_plan(rows, training.model_copy(update={"batch_tokens": None})).updates
    assert sum(planned.updates for planned in plan.tasks.values()) == pytest.approx(plan.updates)
    assert "batches of 8 rows and 20 tokens at most" in plan.heading()


def test_few_long_texts_that_come_alone_do_not_starve() -> None:
    """A document in an update of its own counts as much as a batch of sentences."""
    training = Training(epochs=1, batch_size=50, batch_tokens=500, updates="single_task")
    plan = sampling_plan({"sentences": 990, "documents": 10}, training, {"sentences": np.full(990, 10), "documents": np.full(10, 400)})
    assert {name: task.updates for name, task in plan.tasks.items()} == {"sentences": 20, "documents": 10}
    assert plan.tasks["documents"].share == 0.01
    assert not plan.warnings


def test_a_plan_is_of_all_phases() -> None:
    """Phases have epochs of their own, and may leave tasks out."""
    phases = ({"tasks": ["a"], "epochs": 3}, {"epochs": 2})
    plan = sampling_plan({"a": 64, "b": 32}, Training(phases=phases))
    assert plan.epochs == 5
    assert plan.updates == 3 * 2 + 2 * 3
    assert (plan.tasks["a"].passes, plan.tasks["b"].passes) == (5, 2)
    assert plan.tasks["b"].ends == 1


def test_a_starving_task_is_named() -> None:
    plan = sampling_plan({"large": 1000, "tiny": 50}, Training(epochs=2))
    assert plan.tasks["tiny"].starved
    assert [warning for warning in plan.warnings if "'tiny' would starve" in warning and "4.76%" in warning]
    assert not sampling_plan({"large": 950, "small": 50}, Training(epochs=2)).warnings, "exactly 1/(10 T) is enough"


def test_a_task_repeated_too_often_is_named() -> None:
    plan = sampling_plan({"large": 1000, "tiny": 50}, Training(epochs=2, sampler=UniformSampler(name="uniform")))
    assert plan.tasks["tiny"].passes == 21.0
    assert [warning for warning in plan.warnings if "'tiny' would be repeated 21.0 times" in warning]
    assert not sampling_plan({"a": 10, "b": 10}, Training(epochs=20)).warnings, "exactly 20 times is allowed"
    assert len(sampling_plan({"a": 10, "b": 10}, Training(epochs=21)).warnings) == 2


def test_advice_fits_the_sampler() -> None:
    """Nobody is told to take the sampler they have, or to turn a knob that it lacks."""
    rows = {"large": 10_000, "tiny": 50}
    given_ = {"name": "given", "probabilities": {"large": 1, "tiny": 0.001}}
    for sampler, advice in (
        ({"name": "proportional"}, "take `sampler: {name: temperature}` or `{name: uniform}`"),
        ({"name": "temperature", "alpha": 0.9}, "lower sampler.alpha"),
        (given_, "raise its sampler.probabilities"),
    ):
        (warning,) = sampling_plan(rows, Training(sampler=sampler, epochs=2)).warnings
        assert "'tiny' would starve" in warning
        assert warning.endswith(advice) or advice in warning
    for sampler, advice in (
        ({"name": "uniform"}, "`sampler: {name: proportional}`"),
        ({"name": "temperature"}, "raise sampler.alpha"),
        (given_ | {"probabilities": {"large": 1, "tiny": 1}}, "lower its sampler.probabilities"),
    ):
        (warning,) = sampling_plan(rows, Training(sampler=sampler, epochs=2)).warnings
        assert "'tiny' would be repeated" in warning
        assert warning.endswith(advice)


def test_the_task_that_is_through_first_is_noted() -> None:
    plan = sampling_plan({"large": 900, "small": 100, "tiny": 50}, Training(sampler=UniformSampler(name="uniform"), epochs=2))
    assert plan.notes == ["task 'tiny' is through its rows after 14% of an epoch and begins again, shuffled anew; it ends no epoch"]
    assert f"note: {plan.notes[0]}" in plan.lines()
    assert sampling_plan({"large": 900, "small": 100}, Training()).notes == []


def test_the_heading_names_what_is_special() -> None:
    plan = sampling_plan({"a": 64, "b": 64}, Training(epochs=1, sampler={"name": "uniform", "draws": "random"}, updates="aggregate"))
    assert plan.heading() == (
        "sampling plan: 1 epochs of batches of 32 rows of every task, 2 updates at most, "
        "aggregate updates, uniform sampler, drawn at random"
    )


def test_lines_for_people() -> None:
    lines = sampling_plan({"tweets": 2937, "movie": 7395}, Training(epochs=12)).lines()
    assert lines[0] == "sampling plan: 12 epochs of batches of 32 rows, 3,876 updates at most"
    assert lines[2].split() == ["tweets", "2,937", "2,937", "1,101", "12.0", "28.4%"]
    assert len({len(line) for line in lines[1:4]}) == 1, "columns are aligned"


def test_an_empty_task_is_refused() -> None:
    with pytest.raises(CorpusError, match="task 'b' has no training rows"):
        sampling_plan({"a": 3, "b": 0}, Training())
    with pytest.raises(CorpusError, match="no task"):
        sampling_plan({}, Training())


def test_it_goes_through_json() -> None:
    plan = sampling_plan({"a": 3, "b": 5}, Training())
    assert SamplingPlan.model_validate_json(plan.model_dump_json()) == plan


def test_the_plan_needs_no_torch() -> None:
    """`polytask check` prints it, and should not wait for PyTorch."""
    code = "import sys, mtl_models.training.plan; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
