"""What a user loses if these fail: a plan that says something else than what training then does, or keeps silent about a starving task."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtl_models.config.samplers import ProportionalSampler, UniformSampler
from mtl_models.config.training import Training
from mtl_models.errors import CorpusError
from mtl_models.training.batches import EpochBatches
from mtl_models.training.encoding import EncodedSplit
from mtl_models.training.plan import SamplingPlan, sampling_plan
from mtl_models.training.samplers.build import build_sampler
from mtl_models.training.samplers.draw import draw
from mtl_models.training.seeds import generator

ROWS = st.dictionaries(st.sampled_from("abcd"), st.integers(1, 200), min_size=1)


@pytest.mark.parametrize("section", [ProportionalSampler(), UniformSampler(name="uniform")], ids=lambda section: section.name)
@given(rows=ROWS, epochs=st.integers(1, 5), batch_size=st.integers(1, 64))
def test_the_plan_is_what_is_drawn(section: ProportionalSampler, rows: dict[str, int], epochs: int, batch_size: int) -> None:
    training = Training(epochs=epochs, batch_size=batch_size, sampler=section)
    plan = sampling_plan(rows, training)
    drawn = dict.fromkeys(rows, 0)
    for epoch in range(1, epochs + 1):
        for task, chosen in draw(build_sampler(section), rows, epoch, epochs, 0).items():
            drawn[task] += len(chosen)
    for task, planned in plan.tasks.items():
        assert planned.passes * rows[task] == pytest.approx(drawn[task])
        assert planned.updates * batch_size == pytest.approx(drawn[task])
        assert planned.rows_per_epoch * epochs == pytest.approx(drawn[task])
        assert planned.share == pytest.approx(drawn[task] / sum(drawn.values()))
    assert sum(planned.share for planned in plan.tasks.values()) == pytest.approx(1)


def test_the_updates_are_the_batches(made_split: Callable[..., EncodedSplit]) -> None:
    rows = {"a": 70, "b": 31}
    splits = {task: made_split(count, 0) for task, count in rows.items()}
    training = Training(epochs=3, batch_size=8)
    batches = [
        sum(1 for _ in EpochBatches(splits, draw(build_sampler(training.sampler), rows, epoch, 3, 0), 8, generator(0, epoch)))
        for epoch in (1, 2, 3)
    ]
    assert sampling_plan(rows, training).updates == sum(batches)


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
