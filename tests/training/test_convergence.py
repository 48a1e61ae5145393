"""What a user loses if these fail: a claim that joint training needs fewer rows, or more, that its own history does not bear out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mtl_models.training.convergence import convergence
from mtl_models.training.history import History

from histories import epoch_records, history

SCORES = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=1, max_size=8)


def account(rows: dict[str, int], updates: int, **scores: list[float]) -> History:
    """Task -> its dev macro_f1 by epoch, with so many of its rows in each."""
    return history([r.model_copy(update={"examples": rows, "updates": updates * r.epoch}) for r in epoch_records(**scores)])


def test_rows_of_the_task_and_updates_of_the_model_are_counted_until_the_goal() -> None:
    joint = account({"a": 10, "b": 90}, 7, a=[0.5, 0.8, 0.6], b=[0.1, 0.2, 0.3])
    found = convergence(joint, {"a": account({"a": 10}, 2, a=[0.4, 0.5, 0.7, 0.7]), "b": account({"b": 90}, 5, b=[0.9])}, "macro_f1")
    assert found["a"].goal == 0.7
    assert (found["a"].twin.epoch, found["a"].twin.rows, found["a"].twin.updates) == (3, 30, 6), "the first of equals"
    assert found["a"].joint is not None
    assert (found["a"].joint.epoch, found["a"].joint.rows, found["a"].joint.updates) == (2, 20, 14)
    assert found["b"].joint is None
    assert found["b"].best == 0.3


def test_a_task_out_of_patience_sees_no_more_rows() -> None:
    joint = account({"a": 10, "b": 90}, 7, a=[0.1, 0.2, 0.9])
    joint = joint.model_copy(
        update={"epochs": [joint.epochs[0], *(e.model_copy(update={"examples": {"b": 90}}) for e in joint.epochs[1:])]}
    )
    found = convergence(joint, {"a": account({"a": 10}, 2, a=[0.9])}, "macro_f1")["a"]
    assert found.joint is not None
    assert (found.joint.rows, found.joint.updates) == (10, 21)


@given(alone=SCORES, together=SCORES)
def test_the_goal_is_had_in_the_first_epoch_that_has_it_or_never(alone: list[float], together: list[float]) -> None:
    found = convergence(account({"a": 3}, 1, a=together), {"a": account({"a": 3}, 1, a=alone)}, "macro_f1")["a"]
    if found.joint is None:
        assert max(together) < max(alone)
    else:
        assert together[found.joint.epoch - 1] >= max(alone) > max([-1.0, *together[: found.joint.epoch - 1]])


def test_without_dev_rows_there_is_nothing_to_tell() -> None:
    bare = account({"a": 3}, 1, a=[0.5])
    bare.epochs[0].dev.clear()
    assert convergence(bare, {"a": bare}, "macro_f1") == {}
