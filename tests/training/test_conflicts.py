"""What a user loses if these fail: alarm about tasks that agree, silence about tasks that fight, a training changed by being watched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mtl_models.config.training import Training
from mtl_models.networks.network import Network
from mtl_models.training.conflicts import ConflictTally, conflict_advice, conflict_findings, cosines
from mtl_models.training.encoding import EncodedCorpus
from mtl_models.training.fit import fit
from mtl_models.training.history import EpochRecord

ROWS = {"a": 120, "b": 40, "c": 60}
SHORT = {"epochs": 2, "batch_size": 16, "learning_rate": 0.02, "device": "cpu", "patience": None}


def epochs(**by_pair: list[float]) -> list[EpochRecord]:
    """One record per epoch; pairs are written `a_b`."""
    return [
        EpochRecord(
            epoch=number,
            updates=number,
            seconds=1.0,
            learning_rate=0.1,
            train_loss={},
            dev={},
            examples={},
            examples_per_second={},
            padded=0.0,
            conflicts={pair.replace("_", "/"): cosine for pair, cosine in zip(by_pair, values, strict=True)},
        )
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
    training = Training(**(SHORT | {"epochs": 1, "learning_rate": 1e-6}), updates="aggregate", conflicts_every=1)
    (record,) = fit(network, tasks, corpora, training, 1).epochs
    assert record.conflicts["a/b"] < -0.3
    assert record.conflicts["a/same"] > 0.3
    (finding,) = [line for line in conflict_findings([record]) if "a and b" in line]
    assert finding.startswith("Tasks a and b conflict in every epoch")
    assert conflict_advice([record]) is not None


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


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        ([0.2, 0.1, -0.1, -0.3], "Tasks x and y conflict from epoch 3 on: mean cosine -0.30 in epoch 4, -0.30 at its lowest."),
        ([-0.2, -0.4, -0.1], "Tasks x and y conflict in every epoch: mean cosine -0.10 in epoch 3, -0.40 at its lowest."),
        ([-0.2, 0.1, -0.1], "Tasks x and y conflict from epoch 3 on: mean cosine -0.10 in epoch 3, -0.20 at its lowest."),
        ([-0.2, -0.3, 0.1], "Tasks x and y conflicted in epochs 1, 2, not later: mean cosine -0.30 at its lowest."),
        ([0.1, -0.3, 0.1], "Tasks x and y conflicted in epoch 2, not later: mean cosine -0.30 at its lowest."),
        ([0.3, 0.02, 0.1], "No pair of tasks conflicts: every mean cosine is at least +0.02 (x and y)."),
        ([0.3, -0.04, 0.1], "No pair of tasks conflicts: every mean cosine is at least -0.04 (x and y)."),
    ],
)
def test_findings_in_plain_words(measured: list[float], said: str) -> None:
    assert conflict_findings(epochs(x_y=measured, x_z=[0.5] * len(measured))) == [said]


def test_advice_is_for_conflicts_that_last() -> None:
    assert conflict_advice(epochs(x_y=[-0.5, 0.1])) is None
    advice = conflict_advice(epochs(x_y=[0.1, -0.5]))
    assert advice is not None
    assert "upgrad" in advice
    assert conflict_advice([]) is None
    assert conflict_findings([]) == []
