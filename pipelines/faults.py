"""What an exception means to the person at the terminal: a fault they can mend, or one of ours."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mtl_models.errors import PolytaskError
from mtl_models.home import home

__all__ = ["explain"]

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FULL_TEXTS = (*(os.strerror(number) for number in _FULL), "database or disk is full")
"""How libraries that keep no errno say it: safetensors, pyarrow, and SQLite through ZenML and MLflow."""


def explain(error: BaseException) -> str | None:
    """What to tell the user, or None where the exception is a fault of ours and its traceback is needed.

    A full disk is recognised however deep it lies in the chain of causes: while a step fails, cleaning up may fail as well.
    """
    full = next((link for link in _chain(error) if _is_full(link)), None)
    if isinstance(error, PolytaskError):
        return f"the disk is full: {error}" if full else str(error)
    if full is None:
        return None
    return f"the disk is full: {_first_line(full)}\nfree some space for {_places()}, then run the same command again; it goes on from there"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception, and all that caused it or were being handled when it came."""
    waiting, seen = [error], set()
    while waiting:
        link = waiting.pop()
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        waiting.extend(behind for behind in (link.__context__, link.__cause__) if behind is not None)


def _is_full(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in _FULL:
        return True
    return any(text in str(error) for text in _FULL_TEXTS)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _places() -> str:
    """The home folder, and the folder of temporary files where that lies on another file system."""
    scratch = Path(tempfile.gettempdir())
    try:
        apart = home().exists() and home().stat().st_dev != scratch.stat().st_dev
    except OSError:
        apart = False
    return f"{home()} or for temporary files in {scratch}" if apart else str(home())
