"""What a user loses if these fail: tasks that ask the same question would not learn it from one another's rows."""

from __future__ import annotations

import torch

from mtl_models.networks.shared_heads import SharedHeads
from mtl_models.tasks.task import Task

TASKS = [
    Task("films", "single_label", ("bad", "good")),
    Task("phones", "single_label", ("bad", "good")),
    Task("type", "single_label", ("a", "b")),
]
FEATURES = torch.arange(6.0).view(2, 3)


def test_untrained_they_add_nothing() -> None:
    heads = SharedHeads(TASKS, 3)
    assert all(heads(task.name, FEATURES).eq(0).all() for task in TASKS)


def test_tasks_with_the_same_labels_and_no_others_share_a_layer() -> None:
    heads = SharedHeads(TASKS, 3)
    heads("films", FEATURES).sum().backward()
    with torch.no_grad():
        for parameter in heads.parameters():
            if parameter.grad is not None:
                parameter -= parameter.grad
    assert heads("phones", FEATURES).equal(heads("films", FEATURES))
    assert heads("phones", FEATURES).ne(0).all()
    assert heads("type", FEATURES).eq(0).all()


def test_a_layer_belongs_to_all_who_read_it() -> None:
    heads = SharedHeads(TASKS, 3)
    assert heads.owned_by(["films"]) == ()
    assert len(heads.owned_by(["type"])) == 1
    assert len(heads.owned_by(["films", "phones", "type"])) == 2
