"""What a user loses if these fail: weights of a worse epoch, a task cut off while it still improves, hours of training for nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mtl_models.training.stopping import best_epoch, cross_table, stopped_tasks

from histories import epoch_records


def test_a_task_stops_after_patience_epochs_without_a_better_metric() -> None:
    found = epoch_records(a=[0.5, 0.6, 0.6, 0.55, 0.9], b=[0.1, 0.2, 0.3, 0.4, 0.5])
    assert stopped_tasks(found[:3], 2, "macro_f1") == {}
    assert stopped_tasks(found[:4], 2, "macro_f1") == {"a": 4}


def test_a_stopped_task_stays_stopped_though_others_move_its_metric() -> None:
    assert stopped_tasks(epoch_records(a=[0.5, 0.4, 0.9]), 1, "macro_f1") == {"a": 2}


def test_without_patience_or_dev_rows_nothing_stops() -> None:
    assert stopped_tasks(epoch_records(a=[0.5, 0.4, 0.3]), None, "macro_f1") == {}
    bare = [record.model_copy(update={"dev": {}}) for record in epoch_records(a=[0.5, 0.4, 0.3])]
    assert stopped_tasks(bare, 1, "macro_f1") == {}
    assert best_epoch(bare, "macro_f1") == 3, "nothing to choose by: the last"


def test_the_best_epoch_has_the_best_mean_and_is_the_earliest_of_equals() -> None:
    assert best_epoch(epoch_records(a=[0.1, 0.9, 0.2], b=[0.5, 0.1, 0.9]), "macro_f1") == 3
    assert best_epoch(epoch_records(a=[0.2, 0.4, 0.4], b=[0.6, 0.4, 0.4]), "macro_f1") == 1


SCORES = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=1, max_size=12)


@given(scores=SCORES, patience=st.integers(1, 5))
def test_stopping_by_its_definition(scores: list[float], patience: int) -> None:
    expected = next(
        (
            epoch
            for epoch in range(1, len(scores) + 1)
            if epoch > patience and max(scores[epoch - patience : epoch]) <= max(scores[: epoch - patience])
        ),
        None,
    )
    assert stopped_tasks(epoch_records(a=scores), patience, "macro_f1") == ({} if expected is None else {"a": expected})


@given(scores=SCORES)
def test_best_epoch_by_its_definition(scores: list[float]) -> None:
    assert best_epoch(epoch_records(a=scores), "macro_f1") == scores.index(max(scores)) + 1


def test_the_weights_can_be_picked_by_one_task() -> None:
    told = epoch_records(a=[0.1, 0.9, 0.2], b=[0.5, 0.1, 0.9])
    assert best_epoch(told, "macro_f1", "a") == 2
    assert best_epoch(told, "macro_f1", "a task without dev rows") == best_epoch(told, "macro_f1")


def test_the_cross_table_says_what_the_best_weights_of_one_task_give_the_others() -> None:
    assert cross_table(epoch_records(a=[0.1, 0.9, 0.2], b=[0.5, 0.1, 0.9]), "macro_f1") == {
        "a": (2, {"a": 0.9, "b": 0.1}),
        "b": (3, {"a": 0.2, "b": 0.9}),
    }
