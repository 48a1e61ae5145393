"""What a user loses if these fail: a log that machines can read, and that keeps what people wrote out of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI

from mtl_models.inference.predictor import Predictor
from mtl_models.serving.app import create_app
from mtl_models.serving.served import MAIN, Served

pytestmark = pytest.mark.filterwarnings("ignore::mtl_models.inference.familiarity.UnfamiliarTexts")

Serving = Callable[[FastAPI], httpx.Client]


def lines(written: str) -> list[dict]:
    return [json.loads(line) for line in written.splitlines()]


def test_the_log_is_json_without_texts(serving: Serving, versions: list[Served], logged: Callable[[], str]) -> None:
    client = serving(create_app({MAIN: versions[0]}))
    answer = client.post("/predict", json={"texts": ["secret one", "secret two"], "tasks": ["films"]})
    client.post("/predict", json={"texts": ["secret"], "tasks": ["secret"]})
    assert "secret" not in logged()
    said = next(line for line in lines(logged()) if line.get("path") == "/predict")
    assert said["request"] == answer.headers["x-request-id"]
    assert (said["method"], said["status"], said["texts"], said["version"]) == ("POST", 200, 2, "1")
    assert said["ms"] > 0


def test_the_log_has_the_texts_where_asked(serving: Serving, versions: list[Served], logged: Callable[[], str]) -> None:
    client = serving(create_app({MAIN: versions[0]}, log_texts=True))
    client.post("/predict", json={"texts": ["अच्छा"]})
    assert any(line.get("texts") == ["अच्छा"] for line in lines(logged()))


class _Broken(Predictor):
    """Has a fault whose message quotes the text."""

    def predict(self, texts, *words, **named):
        raise RuntimeError(f"cannot read {texts}")


def test_a_fault_of_ours_is_500_with_its_place_but_not_the_text_in_the_log(
    serving: Serving, versions: list[Served], logged: Callable[[], str]
) -> None:
    client = serving(create_app({MAIN: replace(versions[0], predictor=_Broken(versions[0].predictor.model))}))
    answer = client.post("/predict", json={"texts": "secret"})
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] in answer.json()["detail"]
    assert "secret" not in logged()
    fault = next(line for line in lines(logged()) if line["event"] == "fault")
    assert fault["error"] == "RuntimeError"
    assert "test_log.py" in fault["at"][-1]
    assert client.get("/ready").status_code == 200
