"""What a user loses if these fail: `polytask dashboard` shows the runs of the home folder as graphs, and asks nobody for a survey first."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import Browser, expect

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]

_PATIENCE = 180.0


@pytest.fixture(scope="module")
def dashboard(finished_once) -> Iterator[str]:
    """The address of the pages after a finished run."""
    finished, lock = finished_once
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", "dashboard", "--port", str(port)]
    with lock:
        process = subprocess.Popen(command, env=os.environ | {"POLYTASK_HOME": str(finished.home)}, start_new_session=True)
        try:
            _wait(process, port)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=60)


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None, "polytask dashboard ended"
        try:
            if requests.get(f"http://127.0.0.1:{port}/health", timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.5)
    pytest.fail("polytask dashboard did not answer")


def test_pipelines_and_their_runs_are_there(browser: Browser, dashboard: str) -> None:
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    page.goto(f"{dashboard}/projects/default/pipelines")
    for pipeline in ("training", "finetuning"):
        expect(page.get_by_role("link", name=pipeline).first).to_be_visible()
    page.goto(f"{dashboard}/projects/default/runs")
    expect(page.get_by_text("made-").first).to_be_visible()
    page.close()
