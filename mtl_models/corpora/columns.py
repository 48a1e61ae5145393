"""Names and cells of columns: what a missing one is told, and what a cell reads as."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

__all__ = ["as_name", "is_null", "missing_column", "nearest"]


def nearest(name: str, known: Sequence[str]) -> str:
    """` (did you mean 'x'?)`, or nothing where no known name is near."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f" (did you mean '{near[0]}'?)" if near else ""


def missing_column(where: str, column: str, present: Sequence[str]) -> str:
    """The message for a column that is not there."""
    shown = ", ".join(f"'{name}'" for name in present[:20]) + (" ..." if len(present) > 20 else "")
    near = nearest(column, [str(name) for name in present])
    which = f"; say which it is with corpus.{column}" if column in ("text", "label") and len(present) > 1 and not near else ""
    return f"{where}: no column '{column}'{near}; the columns are {shown or 'none'}{which}"


def is_null(value: Any) -> bool:
    """None, or a float that is not a number: how pandas, JSON and Parquet say that nothing is there."""
    return value is None or value != value


def as_name(value: Any) -> str:
    """A cell as a name (a label, an id, a group): stripped; nothing is empty; true, false and whole numbers as they are usually written."""
    if isinstance(value, str):
        return value.strip()
    if is_null(value):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
