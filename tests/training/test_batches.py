"""What a user loses if these fail: rows lost or with another row's label, minutes spent on padding, the same batches in every epoch."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mtl_models.networks.network import PAD, Batch
from mtl_models.training.batches import by_length, by_task, collate
from mtl_models.training.encoding import EncodedSplit
from mtl_models.training.epoch_batches import Order, aggregated_batches, mixed_batches, single_task_batches


def split_of(texts: list[list[int]], labels: list[int]) -> EncodedSplit:
    lengths = np.array([len(text) for text in texts], np.int32)
    starts = (np.cumsum(lengths) - lengths).astype(np.int64)
    return EncodedSplit(np.concatenate([np.array(text, np.int32) for text in texts]), starts, lengths, np.array(labels, np.int32))


def rows_of(batch: Batch) -> list[tuple[str, tuple[int, ...], int]]:
    """(task, tokens, label) of each row of a batch, read back as a network would."""
    found = []
    for task, places in batch.rows.items():
        for place, label in zip(places.tolist(), batch.labels[task].tolist(), strict=True):
            length = int(batch.lengths[place])
            found.append((task, tuple(batch.ids[place, :length].tolist()), label))
            assert (batch.ids[place, length:] == PAD).all()
    return found


TEXTS = st.lists(st.tuples(st.lists(st.integers(1, 500), min_size=1, max_size=12), st.integers(0, 3)), min_size=1, max_size=40)


@given(
    corpora=st.dictionaries(st.sampled_from("abc"), TEXTS, min_size=1),
    size=st.integers(1, 16),
    pool=st.integers(1, 4),
    seed=st.integers(0, 99),
)
def test_every_row_once_with_its_task_tokens_and_label(
    corpora: dict[str, list[tuple[list[int], int]]], size: int, pool: int, seed: int
) -> None:
    splits = {task: split_of([text for text, _ in rows], [label for _, label in rows]) for task, rows in corpora.items()}
    drawn = {task: np.arange(len(split)) for task, split in splits.items()}
    batches = mixed_batches(splits, drawn, size, np.random.default_rng(seed), pool)
    found: Counter[tuple[str, tuple[int, ...], int]] = Counter()
    tokens = padded = 0
    built = list(batches)
    for batch in built:
        assert sorted(np.concatenate(list(batch.rows.values())).tolist()) == list(range(len(batch.ids))), "each row has one task"
        assert batch.ids.shape[1] == batch.lengths.max(), "padded to the longest of the batch only"
        found.update(rows_of(batch))
        tokens += int(batch.lengths.sum())
        padded += batch.ids.numel()
    assert found == Counter((task, tuple(text), label) for task, rows in corpora.items() for text, label in rows)
    assert len(built) == len(batches) == -(-sum(map(len, corpora.values())) // size)
    assert sum(len(batch.ids) < size for batch in built) <= 1, "one batch at most is not full"
    assert batches.padded == pytest.approx(1 - tokens / padded)


def test_a_row_drawn_twice_comes_twice() -> None:
    splits = {"a": split_of([[5], [6, 7]], [0, 1])}
    (batch,) = mixed_batches(splits, {"a": np.array([1, 0, 1])}, 8, np.random.default_rng(0))
    assert Counter(rows_of(batch)) == {("a", (6, 7), 1): 2, ("a", (5,), 0): 1}


def test_batches_hold_similar_lengths_of_all_tasks(made_split: Callable[..., EncodedSplit]) -> None:
    splits = {task: made_split(1600, seed, longest=60) for seed, task in enumerate("ab")}
    drawn = {task: np.arange(1600) for task in splits}
    bucketed = mixed_batches(splits, drawn, 32, np.random.default_rng(0))
    assert bucketed.padded < 0.05
    assert mixed_batches(splits, drawn, 32, np.random.default_rng(0), pool=1).padded > 0.4
    assert all(len(batch.rows) == 2 for batch in bucketed), "tasks mix"


def test_lengths_do_not_order_the_epoch_and_epochs_differ(made_split: Callable[..., EncodedSplit]) -> None:
    splits = {"a": made_split(640, 0, longest=50)}
    epochs = [
        [batch.lengths.tolist() for batch in mixed_batches(splits, {"a": np.arange(640)}, 16, np.random.default_rng(s))] for s in (0, 1)
    ]
    longest = [max(lengths) for lengths in epochs[0]]
    assert longest != sorted(longest)
    assert longest != sorted(longest, reverse=True)
    assert epochs[0] != epochs[1]


def test_equal_lengths_are_still_shuffled() -> None:
    """A corpus of titles, all of one length, must not come in file order."""
    splits = {"a": split_of([[number + 1] for number in range(64)], [0] * 64)}
    order = [batch.ids[:, 0].tolist() for batch in mixed_batches(splits, {"a": np.arange(64)}, 8, np.random.default_rng(0))]
    assert sorted(map(sorted, order)) != [list(range(start, start + 8)) for start in range(1, 65, 8)]


@pytest.mark.parametrize("order", ["shuffled", "sequential", "round_robin"])
@given(corpora=st.dictionaries(st.sampled_from("abc"), TEXTS, min_size=1), size=st.integers(1, 16), seed=st.integers(0, 99))
def test_batches_of_single_tasks_hold_every_row_once_in_the_order_asked_for(
    order: Order, corpora: dict[str, list[tuple[list[int], int]]], size: int, seed: int
) -> None:
    splits = {task: split_of([text for text, _ in rows], [label for _, label in rows]) for task, rows in corpora.items()}
    drawn = {task: np.arange(len(split)) for task, split in splits.items()}
    batches = single_task_batches(splits, drawn, size, np.random.default_rng(seed), order)
    built = list(batches)
    assert all(len(batch.rows) == 1 for batch in built)
    assert sum((Counter(rows_of(batch)) for batch in built), Counter()) == Counter(
        (task, tuple(text), label) for task, rows in corpora.items() for text, label in rows
    )
    tokens = sum(int(batch.lengths.sum()) for batch in built)
    assert batches.padded == pytest.approx(1 - tokens / sum(batch.ids.numel() for batch in built))
    came = [next(iter(batch.rows)) for batch in built]
    counts = {task: -(-len(rows) // size) for task, rows in corpora.items()}
    assert Counter(came) == counts
    if order == "sequential":
        assert came == [task for task in splits for _ in range(counts[task])]
    if order == "round_robin":
        assert came == [task for turn in range(max(counts.values())) for task in splits if turn < counts[task]]


def test_shuffled_batches_of_single_tasks_mix_the_tasks(made_split: Callable[..., EncodedSplit]) -> None:
    splits = {task: made_split(400, 0) for task in "ab"}
    drawn = {task: np.arange(400) for task in splits}
    orders = [
        "".join(next(iter(batch.rows)) for batch in single_task_batches(splits, drawn, 10, np.random.default_rng(seed))) for seed in (0, 1)
    ]
    assert orders[0] != orders[1]
    assert all(20 < sum(one != other for one, other in itertools.pairwise(order)) < 60 for order in orders)


@given(corpora=st.dictionaries(st.sampled_from("abc"), TEXTS, min_size=1), updates=st.integers(1, 12), seed=st.integers(0, 99))
def test_aggregated_batches_deal_every_task_evenly(corpora: dict[str, list[tuple[list[int], int]]], updates: int, seed: int) -> None:
    splits = {task: split_of([text for text, _ in rows], [label for _, label in rows]) for task, rows in corpora.items()}
    updates = min(updates, *(len(split) for split in splits.values()))
    drawn = {task: np.arange(len(split)) for task, split in splits.items()}
    built = list(aggregated_batches(splits, drawn, updates, np.random.default_rng(seed)))
    assert len(built) == updates
    assert sum((Counter(rows_of(batch)) for batch in built), Counter()) == Counter(
        (task, tuple(text), label) for task, rows in corpora.items() for text, label in rows
    )
    for task, split in splits.items():
        assert {len(batch.rows[task]) for batch in built} <= {len(split) // updates, -(-len(split) // updates)}


def test_aggregated_batches_hold_similar_lengths_of_all_tasks(made_split: Callable[..., EncodedSplit]) -> None:
    splits = {task: made_split(1600, seed, longest=60) for seed, task in enumerate("ab")}
    assert aggregated_batches(splits, {task: np.arange(1600) for task in splits}, 100, np.random.default_rng(0)).padded < 0.08


def test_a_task_s_part_of_a_batch_is_the_batch_of_its_rows(made_split: Callable[..., EncodedSplit]) -> None:
    splits = {task: made_split(5, seed) for seed, task in enumerate("abc")}
    rows = {"a": np.array([3, 0]), "b": np.array([1]), "c": np.array([4, 2, 0])}
    for task, part in by_task(collate(splits, rows)).items():
        alone = collate({task: splits[task]}, {task: rows[task]})
        assert torch.equal(part.ids, alone.ids)
        assert torch.equal(part.lengths, alone.lengths)
        assert part.rows[task].tolist() == alone.rows[task].tolist()
        assert torch.equal(part.labels[task], alone.labels[task])


@given(lengths=st.lists(st.integers(1, 50), max_size=60), tokens=st.integers(1, 200))
def test_evaluation_batches_hold_each_row_once_within_their_tokens(lengths: list[int], tokens: int) -> None:
    batches = by_length(np.array(lengths, np.int32), tokens)
    assert sorted(row for batch in batches for row in batch.tolist()) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[row] for row in batch) <= tokens


def test_collate_keeps_the_order_it_is_given() -> None:
    split = split_of([[1, 2, 3], [4], [5, 6]], [0, 1, 0])
    batch = collate({"a": split}, {"a": np.array([2, 0, 1])})
    assert batch.ids.tolist() == [[5, 6, PAD], [1, 2, 3], [4, PAD, PAD]]
    assert batch.lengths.tolist() == [2, 3, 1]
    assert batch.labels["a"].tolist() == [0, 0, 1]
    assert {str(tensor.dtype) for tensor in (batch.ids, batch.lengths, batch.rows["a"], batch.labels["a"])} == {"torch.int64"}
