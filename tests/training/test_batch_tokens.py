"""`training.batch_tokens`: long texts make smaller batches, and every row still comes once."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mtl_models.training.encoding import EncodedSplit
from mtl_models.training.epoch_batches import mixed_batches, single_task_batches


def split_of(lengths: list[int]) -> EncodedSplit:
    sizes = np.array(lengths, dtype=np.int32)
    return EncodedSplit(np.ones(int(sizes.sum()), np.int32), np.cumsum(sizes) - sizes, sizes, np.zeros(len(sizes), np.int32))


@given(
    st.lists(st.lists(st.integers(1, 60), min_size=1, max_size=30), min_size=1, max_size=3),
    st.integers(1, 8),
    st.integers(1, 200),
    st.booleans(),
)
def test_no_batch_of_several_rows_is_larger(tasks: list[list[int]], size: int, tokens: int, mixed: bool) -> None:
    splits = {f"t{place}": split_of(lengths) for place, lengths in enumerate(tasks)}
    drawn = {name: np.arange(len(split)) for name, split in splits.items()}
    make = mixed_batches if mixed else single_task_batches
    batches = [*make(splits, drawn, size, np.random.default_rng(0), tokens=tokens)]
    for batch in batches:
        assert len(batch.ids) <= size
        assert len(batch.ids) == 1 or batch.ids.numel() <= tokens
    for name, split in splits.items():
        assert sum(len(batch.rows.get(name, ())) for batch in batches) == len(split)
