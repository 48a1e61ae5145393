"""What a user loses if these fail: after a run, `polytask ui` shows curves, corpora, twins, report, model and card on MLflow's pages."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from mlflow import MlflowClient
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.pipeline


@dataclass(frozen=True)
class Pages:
    """Addresses: where all of MLflow's pages are, and the page of the first version's run, which is called `name`."""

    at: str
    run: str
    name: str


_PATIENCE = 180
_SLOWEST = 60_000
"""Milliseconds until a page must show something, on a busy machine."""


def start(home: Path, port: int) -> subprocess.Popen[bytes]:
    """`polytask ui`, once it answers."""
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", "ui", "--port", str(port)]
    process = subprocess.Popen(command, env=os.environ | {"POLYTASK_HOME": str(home)}, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None, "polytask ui ended"
        try:
            if requests.get(f"http://127.0.0.1:{port}/health", timeout=5).ok:
                return process
        except requests.RequestException:
            time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    pytest.fail("polytask ui did not answer")


@pytest.fixture(scope="module")
def mlflow(finished_once) -> Iterator[Pages]:
    """The pages after a finished run: their address, and the run of the first version."""
    finished, lock = finished_once
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with lock:
        client = MlflowClient(f"sqlite:///{finished.home / 'mlflow.db'}")
        run = client.get_run(client.get_model_version("polytask-made", "1").run_id)
        process = start(finished.home, port)
        try:
            at = f"http://127.0.0.1:{port}/#"
            yield Pages(at, f"{at}/experiments/{run.info.experiment_id}/runs/{run.info.run_id}", run.info.run_name)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    shown = context.new_page()
    shown.set_default_timeout(_SLOWEST)
    expect.set_options(timeout=_SLOWEST)
    yield shown
    context.close()


def test_the_run_names_its_corpora_its_twins_and_its_model(page: Page, mlflow: Pages) -> None:
    page.goto(mlflow.run)
    expect(page.get_by_role("heading", name=mlflow.name)).to_be_visible()
    for twin in ("twin films", "twin phones"):
        expect(page.get_by_role("link", name=twin)).to_be_visible()
    expect(page.get_by_text(re.compile(r"^(films|phones) \([0-9a-f]+\)$")).first).to_be_visible()
    expect(page.get_by_role("link", name="polytask-made").first).to_be_visible()
    page.get_by_role("link", name="twin films").click()
    expect(page.get_by_role("heading", name="twin films")).to_be_visible()
    expect(page.get_by_role("link", name=mlflow.name)).to_be_visible()


def test_the_run_shows_curves_by_epoch(page: Page, mlflow: Pages) -> None:
    page.goto(f"{mlflow.run}/model-metrics")
    page.get_by_placeholder("Search metric charts").fill("films/dev/macro_f1")
    expect(page.get_by_text("films/dev").first).to_be_visible()
    expect(page.locator(".js-plotly-plot .scatterlayer .point")).to_have_count(3)


def test_the_report_opens_inside_the_run(page: Page, mlflow: Pages) -> None:
    page.goto(f"{mlflow.run}/artifacts")
    page.get_by_text("report.html").click()
    report = page.frame_locator("iframe")
    expect(report.get_by_role("heading", name="Results")).to_be_visible()
    expect(report.get_by_role("rowheader", name="phones").first).to_be_visible()
    expect(report.locator("svg.figure").first).to_be_visible()


def test_the_model_shows_its_versions_and_who_serves(page: Page, mlflow: Pages) -> None:
    page.goto(f"{mlflow.at}/models/polytask-made")
    for version in ("Version 1", "Version 2"):
        expect(page.get_by_role("link", name=version)).to_be_visible()
    expect(page.get_by_text("@ champion", exact=True)).to_have_count(1)


def test_a_version_shows_its_card_and_leads_to_its_run(page: Page, mlflow: Pages) -> None:
    page.goto(f"{mlflow.at}/models/polytask-made/versions/1")
    for heading in ("Intended use", "Data", "Evaluation"):
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    expect(page.get_by_role("cell", name="phones.csv").first).to_be_visible()
    page.get_by_role("link", name=mlflow.name).click()
    expect(page.get_by_role("heading", name=mlflow.name)).to_be_visible()
