from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtl_models.evaluation.bootstrap import Estimate
from mtl_models.reports.numbers import duration, interval, score, signed, verdict

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.7777, ".778"), (1.0, "1.000"), (0.9996, "1.000"), (0.0, ".000"), (-0.0001, ".000"), (-0.0123, f"{MINUS}.012"), (12.5, "12.500")],
)
def test_scores_have_three_decimals_and_no_leading_zero(value: float, written: str) -> None:
    assert score(value) == written


@pytest.mark.parametrize(("value", "written"), [(0.023, "+.023"), (-0.023, f"{MINUS}.023"), (0.0001, ".000"), (1.0, "+1.000")])
def test_differences_carry_their_sign(value: float, written: str) -> None:
    assert signed(value) == written


@pytest.mark.parametrize("nothing", [None, math.nan])
def test_nothing_is_a_dash(nothing: float | None) -> None:
    assert score(nothing) == signed(nothing) == "\N{EN DASH}"


def test_intervals_stand_in_brackets() -> None:
    assert interval(Estimate(value=0.01, low=0.0012, high=0.0231)) == "[.001, .023]"


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_verdict_wants_the_whole_interval_on_one_side(value: float, down: float, up: float) -> None:
    found = Estimate(value=value, low=value - down, high=value + up)
    assert (verdict(found) == "undecided") == (found.low <= 0 <= found.high)
    if verdict(found) != "undecided":
        assert (verdict(found) == "better") == (value > 0)


@pytest.mark.parametrize(
    ("seconds", "written"), [(0.42, "0.4 s"), (48.4, "48 s"), (59.7, "1 min 00 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")]
)
def test_durations_read_like_speech(seconds: float, written: str) -> None:
    assert duration(seconds) == written
