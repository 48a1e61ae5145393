"""What a user loses if this fails: rows of a small task that weigh more, or less, than those of a large one, without being told."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from mtl_models.tasks.kind import MISSING, kind_of
from mtl_models.tasks.task import Task
from mtl_models.training.objectives.combining import mean_over_rows


@given(
    labels=st.dictionaries(st.sampled_from("abc"), st.lists(st.sampled_from([0, 1, 2, MISSING]), min_size=1, max_size=9), min_size=1),
    seed=st.integers(0, 99),
)
def test_every_labelled_row_weighs_the_same(labels: dict[str, list[int]], seed: int) -> None:
    torch.manual_seed(seed)
    logits = {task: torch.randn(len(rows), 3, requires_grad=True) for task, rows in labels.items()}
    gold = {task: torch.tensor(rows) for task, rows in labels.items()}
    kinds = {task: kind_of(Task(task, "single_label", ("x", "y", "z"))) for task in labels}
    counts = {task: int((rows != MISSING).sum()) for task, rows in gold.items()}
    loss = mean_over_rows({task: kinds[task].loss(logits[task], gold[task]) for task in labels}, counts)
    loss.backward()
    rows = torch.cat([functional.cross_entropy(logits[task].detach(), gold[task], reduction="none") for task in labels])
    there = torch.cat([gold[task] != MISSING for task in labels])
    expected = rows[there].mean() if there.any() else torch.zeros(())
    assert torch.allclose(loss, expected, atol=1e-6)
    weights = torch.cat([logits[task].grad.abs().sum(1) for task in labels])
    assert (weights[~there] == 0).all()
