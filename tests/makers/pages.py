"""A server of pages, and what stands on them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from playwright.sync_api import Locator, Page

__all__ = ["Open", "card", "serve"]

Open = Callable[..., Page]
"""Address and options of the browser's context -> the page."""


@contextmanager
def serve(*words: str, **environment: str) -> Iterator[str]:
    """The address of a `polytask serve` with these options, as long as it is used."""
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", "serve", "--port", "0", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=os.environ | environment, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split(": ", 1)[1].split("  ")[0]
    finally:
        process.terminate()
        process.wait(timeout=30)


def card(page: Page, task: str) -> Locator:
    """Where a task's answer stands."""
    return page.locator("#answers .card").filter(has=page.get_by_role("heading", name=task, exact=True))
