"""Tables as users have them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

__all__ = ["put_csv"]


def put_csv(path: Path, rows: Iterable[str | tuple[Any, ...]], header: str = "label,text") -> Path:
    """Write a table whose rows are lines as they stand, or cells that need no quotes."""
    lines = (row if isinstance(row, str) else ",".join(map(str, row)) for row in rows)
    path.write_text("".join(f"{line}\n" for line in (header, *lines)), encoding="utf-8")
    return path
