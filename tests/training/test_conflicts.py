"""What a user loses if these fail: alarm about tasks that agree, silence about tasks that fight, a training changed by being watched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mtl_models.config.training import Training
from mtl_models.networks.network import Network
from mtl_models.training.conflict_findings import conflict_advice, conflict_findings
from mtl_models.training.conflicts import ConflictTally, cosines
from mtl_models.training.encoding import EncodedCorpus
from mtl_models.training.fit import fit
from mtl_models.training.history import EpochRecord

from histories import epoch_record

ROWS = {"a": 120, "b": 40, "c": 60}
SHORT = {"epochs": 2, "batch_size": 16, "learning_rate": 0.02, "device": "cpu", "patience": None}


def epochs(**by_pair: list[float]) -> list[EpochRecord]:
    """One record per epoch; pairs are written `a_b`."""
    return [
        epoch_record(number, conflicts={pair.replace("_", "/"): cosine for pair, cosine in zip(by_pair, values, strict=True)})
        for number, values in enumerate(zip(*by_pair.values(), strict=True), start=1)
    ]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"precision": "bf16"},
        {"updates": "single_task", "sampler": {"name": "sequential"}},
        {"updates": "aggregate", "objective": {"name": "pcgrad"}},
    ],
    ids=["mixed", "bf16", "single_task", "pcgrad"],
)
def test_a_training_that_is_measured_gives_the_same_weights(
    options: dict[str, Any],
    tasks_named: Callable[..., list],
    made_corpora: Callable[..., dict],
    made_network: Callable[..., Network],
    digest: Callable[[Network], str],
) -> None:
    """With dropout, and PCGrad's random order: both live on the random state that measuring must not touch."""
    tasks, corpora, found = tasks_named(*ROWS), made_corpora(ROWS), {}
    for every in (None, 1, 3):
        network = made_network(tasks)
        history = fit(network, tasks, corpora, Training(**(SHORT | options), conflicts_every=every), 1)
        found[every] = digest(network)
        for record in history.epochs:
            assert set(record.conflicts) == (set() if every is None else {"a/b", "a/c", "b/c"})
            assert all(-1 <= cosine <= 1 for cosine in record.conflicts.values())
    assert len(set(found.values())) == 1


def test_tasks_that_want_the_opposite_are_seen(
    tasks_named: Callable[..., list], made_corpora: Callable[..., dict], made_network: Callable[..., Network]
) -> None:
    """`b` is `a` with its labels swapped, and heads that begin alike: what helps one harms the other. `same` is `a` again."""
    corpora = made_corpora({"a": 160})
    split = corpora["a"].splits["train"]
    swapped = type(split)(split.tokens, split.starts, split.lengths, 1 - split.labels)
    corpora["b"] = EncodedCorpus("b", "b", {**corpora["a"].splits, "train": swapped})
    corpora["same"] = EncodedCorpus("same", "same", corpora["a"].splits)
    tasks = tasks_named("a", "b", "same")
    network = made_network(tasks)
    for task in ("b", "same"):
        network.heads[task].load_state_dict(network.heads["a"].state_dict())
    training = Training(**(SHORT | {"epochs": 4, "learning_rate": 1e-6}), updates="aggregate", conflicts_every=1)
    records = fit(network, tasks, corpora, training, 1).epochs
    assert all(record.conflicts["a/b"] < -0.3 < 0.3 < record.conflicts["a/same"] for record in records)
    assert any(finding.startswith("Tasks a and b conflict in every epoch") for finding in conflict_findings(records))


def test_one_task_conflicts_with_nobody(
    tasks_named: Callable[..., list], made_corpora: Callable[..., dict], made_network: Callable[..., Network]
) -> None:
    tasks = tasks_named("a")
    history = fit(made_network(tasks), tasks, made_corpora({"a": 40}), Training(**SHORT, conflicts_every=1), 1)
    assert [record.conflicts for record in history.epochs] == [{}, {}]
    assert conflict_findings(history.epochs) == []


@given(st.integers(2, 5), st.integers(0, 99))
def test_cosines_are_the_textbook_s(tasks: int, seed: int) -> None:
    rows = torch.randn(tasks, 7, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    expected = torch.nn.functional.cosine_similarity(rows[:, None], rows[None], dim=-1)
    assert torch.allclose(cosines(rows @ rows.T), expected)


def test_a_mean_is_over_the_measurements_a_pair_took_part_in() -> None:
    tally = ConflictTally()
    one, two, zero = torch.tensor([1.0, 0.0]), torch.tensor([0.6, 0.8]), torch.zeros(2)
    for rows in (torch.stack([one, two]), torch.stack([one, one]), torch.stack([one, zero])):
        tally.add(["x", "y"], rows @ rows.T)
    tally.add(["x", "z"], torch.stack([one, -one]) @ torch.stack([one, -one]).T)
    assert tally.means() == pytest.approx({"x/y": 0.8, "x/z": -1.0})


HARMONY = [0.3, 0.4, 0.5, 0.35, 0.45, 0.4, 0.5, 0.3]


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        ([0.2, 0.1, -0.3, -0.35, -0.3, -0.32, -0.33, -0.34], "Tasks x and y conflict from epoch 3 on: mean cosine -0.32."),
        ([-0.2, -0.25, -0.2, -0.22, -0.2, -0.18, -0.2, -0.22], "Tasks x and y conflict in every epoch: mean cosine -0.21."),
        ([-0.3, -0.2, 0.1, 0.2, 0.3, 0.1, 0.2, 0.2], "No pair of tasks conflicts: every mean cosine is at least +0.08 (x and y)."),
        (
            [0.5, -0.7, 0.3, -0.6, 0.4, -0.5, 0.2, -0.6],
            "No conflict can be told from chance: the lowest mean cosine is -0.12 (x and y), over 8 epochs.",
        ),
        ([-0.04] * 8, "No pair of tasks conflicts: every mean cosine is at least -0.04 (x and y)."),
        ([-0.9, -0.9], "Measured in 2 epochs only, too few to tell a conflict from chance."),
    ],
)
def test_findings_in_plain_words(measured: list[float], said: str) -> None:
    records = epochs(x_y=measured, x_z=HARMONY[: len(measured)])
    assert conflict_findings(records) == [said]
    assert (conflict_advice(records) is not None) == said.startswith("Tasks")


def test_noise_alone_is_no_conflict() -> None:
    """66 pairs of 12 tasks, as noisy as small batches make them: about one training in twenty raises an alarm."""
    random = np.random.default_rng(5)
    alarms = 0
    for _ in range(40):
        noise = {f"t{pair}_u{pair}": random.normal(0.0, 0.3, 8).tolist() for pair in range(66)}
        alarms += any(line.startswith("Tasks") for line in conflict_findings(epochs(**noise)))
    assert alarms <= 4


def test_epochs_between_two_measurements_are_no_hindrance() -> None:
    records = epochs(x_y=[-0.3, -0.31, -0.32, -0.3, -0.33, -0.3])
    gaps = [record if record.epoch % 2 else record.model_copy(update={"conflicts": {}}) for record in records]
    assert conflict_findings(gaps) == ["Tasks x and y conflict in every epoch: mean cosine -0.32."]


def test_nothing_measured_is_nothing_said() -> None:
    assert conflict_findings([]) == []
    assert conflict_advice([]) is None
