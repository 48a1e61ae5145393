"""What a user loses if these fail: rows lost or with another row's label, minutes spent on padding, the same batches in every epoch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtl_models.networks.network import PAD, Batch
from mtl_models.training.batches import EpochBatches, by_length, collate
from mtl_models.training.encoding import EncodedSplit


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
    batches = EpochBatches(splits, drawn, size, np.random.default_rng(seed), pool)
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
    (batch,) = EpochBatches(splits, {"a": np.array([1, 0, 1])}, 8, np.random.default_rng(0))
    assert Counter(rows_of(batch)) == {("a", (6, 7), 1): 2, ("a", (5,), 0): 1}


def test_batches_hold_similar_lengths_of_all_tasks(made_split: Callable[..., EncodedSplit]) -> None:
    splits = {task: made_split(1600, seed, longest=60) for seed, task in enumerate("ab")}
    drawn = {task: np.arange(1600) for task in splits}
    bucketed = EpochBatches(splits, drawn, 32, np.random.default_rng(0))
    assert bucketed.padded < 0.05
    assert EpochBatches(splits, drawn, 32, np.random.default_rng(0), pool=1).padded > 0.4
    assert all(len(batch.rows) == 2 for batch in bucketed), "tasks mix"


def test_lengths_do_not_order_the_epoch_and_epochs_differ(made_split: Callable[..., EncodedSplit]) -> None:
    splits = {"a": made_split(640, 0, longest=50)}
    epochs = [
        [batch.lengths.tolist() for batch in EpochBatches(splits, {"a": np.arange(640)}, 16, np.random.default_rng(s))] for s in (0, 1)
    ]
    longest = [max(lengths) for lengths in epochs[0]]
    assert longest != sorted(longest)
    assert longest != sorted(longest, reverse=True)
    assert epochs[0] != epochs[1]


def test_equal_lengths_are_still_shuffled() -> None:
    """A corpus of titles, all of one length, must not come in file order."""
    splits = {"a": split_of([[number + 1] for number in range(64)], [0] * 64)}
    order = [batch.ids[:, 0].tolist() for batch in EpochBatches(splits, {"a": np.arange(64)}, 8, np.random.default_rng(0))]
    assert sorted(map(sorted, order)) != [list(range(start, start + 8)) for start in range(1, 65, 8)]


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
