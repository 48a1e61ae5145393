"""What a user loses if these fail: a first update at full rate, or a last one at none, and results nobody can explain."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtl_models.training.schedule import rate_factor

SHAPES = st.sampled_from(["linear", "cosine", "none"])


@given(updates=st.integers(1, 300), warmup=st.floats(0.0, 0.99), decay=SHAPES)
def test_it_rises_to_one_then_never_rises_again(updates: int, warmup: float, decay: str) -> None:
    factors = [rate_factor(update, updates, warmup, decay) for update in range(updates)]
    top = round(warmup * updates)
    assert all(0.0 < factor <= 1.0 for factor in factors)
    assert factors[: top + 1] == sorted(factors[: top + 1])
    assert factors[top:] == sorted(factors[top:], reverse=True)
    if top < updates:
        assert factors[top] == pytest.approx(1.0)


def test_shapes() -> None:
    assert [rate_factor(update, 10, 0.2, "linear") for update in range(10)] == pytest.approx(
        [1 / 2, 1, 1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8]
    )
    assert rate_factor(5, 10, 0.0, "cosine") == pytest.approx(0.5)
    assert rate_factor(1, 10, 0.0, "cosine") == pytest.approx(0.97552826)
    assert {rate_factor(update, 10, 0.0, "none") for update in range(10)} == {1.0}
