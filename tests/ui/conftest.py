"""A real headless Chromium for the tests of pages."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from pages import Open

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser: POLYTASK_CHROMIUM, else the first of the usual names."""
    found = os.environ.get("POLYTASK_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(_NAMES)} is on the path; name one with POLYTASK_CHROMIUM")
    return found


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One browser for the tests of a file; each opens a context of its own. Not for longer: while it lives, asyncio.run is not possible."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=list(_SWITCHES))
        yield running
        running.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens a page; at the end there must be no error in it, and no request that went elsewhere."""
    pages: list[Page] = []
    errors: list[str] = []
    asked: list[str] = []

    def open_it(url: str, **options: object) -> Page:
        page = browser.new_context(**options).new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if "Security" in message.text else None)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(url)
        pages.append(page)
        return page

    yield open_it
    origins = {re.sub(r"(//[^/]+/).*", r"\1", page.url) for page in pages}
    for page in pages:
        page.context.close()
    assert not errors
    assert all(any(url.startswith(origin) for origin in origins) for url in asked), asked
