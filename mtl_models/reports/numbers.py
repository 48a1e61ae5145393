"""How numbers are written in every report, so that pages and cards agree."""

from __future__ import annotations

import math
from typing import Literal

from mtl_models.evaluation.bootstrap import Estimate

__all__ = ["Verdict", "count", "duration", "interval", "score", "share", "signed", "verdict"]

Verdict = Literal["better", "worse", "undecided"]

_MINUS = "\N{MINUS SIGN}"
_NONE = "\N{EN DASH}"


def score(value: float | None) -> str:
    """Three decimals without the leading zero: .778, 1.000, \N{MINUS SIGN}.012; a dash for nothing."""
    if value is None or math.isnan(value):
        return _NONE
    digits = f"{abs(value):.3f}"
    sign = _MINUS if value < 0 and digits != "0.000" else ""
    return sign + (digits[1:] if digits.startswith("0.") else digits)


def signed(value: float | None) -> str:
    """A difference, always with its sign: +.023; nothing rounds to a bare .000."""
    written = score(value)
    return written if written.startswith((_MINUS, _NONE)) or written == ".000" else f"+{written}"


def interval(estimate: Estimate) -> str:
    """[.001, .023]"""
    return f"[{score(estimate.low)}, {score(estimate.high)}]"


def verdict(difference: Estimate) -> Verdict:
    """Better or worse where the whole interval lies on one side of zero."""
    if difference.low > 0:
        return "better"
    return "worse" if difference.high < 0 else "undecided"


def count(value: float) -> str:
    """A whole number with its thousands apart."""
    return f"{value:,.0f}"


def share(value: float) -> str:
    """A share of one in per cent."""
    return f"{value:.1%}"


def duration(seconds: float) -> str:
    """Seconds as people say them: 0.4 s, 48 s, 3 min 20 s, 2 h 05 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
