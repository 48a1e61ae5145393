"""A text that stands on both sides of a split makes a score a lie; a row dropped without need is lost data."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mtl_models.corpora.duplicates import CONFLICT, HELD_OUT, NEAR_DUPLICATE, SAME, keep_unique

ROWS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2), st.integers(0, 1), st.integers(0, 2)), max_size=30)


def run(rows: list[tuple[int, int, int, int]]) -> tuple[list[bool], dict[str, int]]:
    """Rows are (normalised text, variant, label, part)."""
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    key, exact = table[:, 0].astype(np.uint64), (table[:, 0] * 10 + table[:, 1] + 1).astype(np.uint64)
    keep, counts = keep_unique(key, exact, table[:, 2].astype(np.int32), table[:, 3].astype(np.int8))
    return keep.tolist(), counts


def test_the_first_of_agreeing_copies_stays() -> None:
    assert run([(5, 0, 1, 0), (6, 0, 0, 0), (5, 0, 1, 0), (5, 1, 1, 0)]) == ([True, True, False, False], {SAME: 1, NEAR_DUPLICATE: 1})


def test_copies_with_different_labels_all_go() -> None:
    assert run([(5, 0, 1, 0), (6, 0, 0, 0), (5, 0, 0, 0)]) == ([False, True, False], {CONFLICT: 2})


def test_empty_texts_are_left_for_validation_to_report() -> None:
    assert run([(0, 0, 1, 0), (0, 0, 0, 0), (0, 0, 1, 2)]) == ([True, True, True], {})


def test_train_and_dev_give_way_to_given_test_rows() -> None:
    rows = [(5, 0, 1, 0), (5, 0, 1, 1), (5, 1, 0, 2), (5, 0, 1, 2), (6, 0, 1, 1), (6, 0, 1, 0)]
    assert run(rows) == ([False, False, True, True, True, False], {HELD_OUT: 3})


@given(ROWS)
def test_against_a_slow_reading_of_the_rules(rows: list[tuple[int, int, int, int]]) -> None:
    keep, counts = run(rows)
    in_test = {row[0] for row in rows if row[3] == 2}
    in_dev = {row[0] for row in rows if row[3] == 1}
    for number, (text, _, _, part) in enumerate(rows):
        copies = [row for row in rows if row[0] == text and row[3] == 0]
        if text == 0 or part == 2:
            expected = True
        elif part == 1:
            expected = text not in in_test
        else:
            first = next(index for index, row in enumerate(rows) if row[0] == text and row[3] == 0)
            expected = text not in in_test | in_dev and len({row[2] for row in copies}) == 1 and first == number
        assert keep[number] == expected
    assert sum(counts.values()) == keep.count(False)
