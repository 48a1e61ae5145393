"""What a user loses if these fail: requests lost while a new champion takes over, or a server that a bad version takes down."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import aiohttp
import httpx
import pytest
from fastapi import FastAPI

from mtl_models.errors import ModelFolderError, TrackingError
from mtl_models.serving.app import create_app
from mtl_models.serving.served import MAIN, Served, load_served

pytestmark = pytest.mark.filterwarnings("ignore::mtl_models.inference.familiarity.UnfamiliarTexts")

Serving = Callable[[FastAPI], httpx.Client]
POLL = 0.05
AT_ONCE, ENOUGH, MOST = 64, 150, 5000


class _Alias:
    """Names a version, which may move; a version that has no folder cannot be loaded."""

    def __init__(self, folders: list[Path]) -> None:
        self.folders, self.names, self.answers, self.loads = folders, "1", True, Counter[str]()

    def version(self) -> str:
        if not self.answers:
            raise TrackingError("MLflow cannot be reached")
        return self.names

    def load(self, version: str) -> Served:
        self.loads[version] += 1
        number = int(version)
        if number > len(self.folders):
            raise ModelFolderError(f"version {number} is damaged")
        return load_served(self.folders[number - 1], "made", version)


@pytest.fixture
def alias(folders: list[Path]) -> _Alias:
    return _Alias(folders)


@pytest.fixture
def client(serving: Serving, versions: list[Served], alias: _Alias) -> httpx.Client:
    return serving(create_app({MAIN: versions[0]}, sources={MAIN: alias}, poll=POLL))


def answering_version(client: httpx.Client) -> str:
    return str(client.post("/predict", json={"texts": "good film", "tasks": ["films"]}).json()["model"]["version"])


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(POLL)


def test_a_moved_alias_is_followed_there_and_back(client: httpx.Client, alias: _Alias, versions: list[Served]) -> None:
    assert answering_version(client) == "1"
    for version in ("2", "1"):
        alias.names = version
        wait_until(lambda wanted=version: answering_version(client) == wanted)
    said = client.get("/metrics").text
    assert 'polytask_reloads_total{outcome="done",part="main"} 2.0' in said
    assert f'fingerprint="{versions[0].fingerprint}"' in said
    assert f'fingerprint="{versions[1].fingerprint}"' not in said


def test_a_version_that_cannot_serve_leaves_the_old_one_and_is_not_tried_at_every_look(client: httpx.Client, alias: _Alias) -> None:
    alias.names = "9"
    wait_until(lambda: 'outcome="failed"' in client.get("/metrics").text)
    time.sleep(20 * POLL)
    assert answering_version(client) == "1"
    assert client.get("/ready").status_code == 200
    assert 1 <= alias.loads["9"] <= 6
    alias.names = "3"
    wait_until(lambda: answering_version(client) == "3")


def test_a_registry_that_is_away_is_told_once(client: httpx.Client, alias: _Alias, logged: Callable[[], str]) -> None:
    alias.answers, alias.names = False, "2"
    time.sleep(10 * POLL)
    assert answering_version(client) == "1"
    alias.answers = True
    wait_until(lambda: answering_version(client) == "2")
    said = [json.loads(line)["event"] for line in logged().splitlines()]
    assert said.count("the registry does not answer; the model stays") == 1


def test_of_many_requests_at_once_none_is_lost_while_the_model_is_replaced(
    client: httpx.Client, alias: _Alias, versions: list[Served]
) -> None:
    """Sixty-four ask on and on; the alias moves after a while, and they ask until the new model has answered as often as the old one."""
    text = "what a waste of two hours"
    expected = {served.version: served.predictor.predict([text], ["films"])[0].probabilities for served in versions}
    statuses, answered = Counter[int](), Counter[str]()

    async def ask(session: aiohttp.ClientSession) -> None:
        while answered["2"] < ENOUGH and statuses.total() < MOST:
            async with session.post("/predict", json={"texts": text, "tasks": ["films"]}) as answer:
                statuses[answer.status] += 1
                said = await answer.json()
            answered[said["model"]["version"]] += 1
            assert said["predictions"][0]["answers"][0]["probabilities"] == pytest.approx(expected[said["model"]["version"]], abs=1e-5)
            if answered["1"] >= ENOUGH:
                alias.names = "2"

    async def load() -> None:
        connector = aiohttp.TCPConnector(limit=AT_ONCE)
        async with aiohttp.ClientSession(str(client.base_url), connector=connector) as session, asyncio.timeout(120):
            await asyncio.gather(*(ask(session) for _ in range(AT_ONCE)))

    asyncio.run(load())
    assert set(statuses) == {200}
    assert answered["1"] >= ENOUGH
    assert answered["2"] >= ENOUGH
    assert statuses.total() == answered.total()
