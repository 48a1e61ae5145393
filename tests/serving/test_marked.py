"""What a user loses if these fail: over REST, the words that a model marks, and a description of the answer that is true."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from mtl_models.inference.predictor import load_model
from mtl_models.serving.app import create_app
from mtl_models.serving.served import MAIN, Served, load_served

pytestmark = pytest.mark.filterwarnings("ignore::mtl_models.inference.familiarity.UnfamiliarTexts")
TEXT = "Anna Berg lives in New York. They love work at Acme Corp."


@pytest.fixture
def client(serving: Callable[[FastAPI], httpx.Client], marking_folder: Path) -> httpx.Client:
    return serving(create_app({MAIN: load_served(marking_folder, "made")}))


def test_what_is_found_goes_over_the_wire(client: httpx.Client, marking_folder: Path) -> None:
    answers = client.post("/predict", json={"texts": [TEXT, ""]}).raise_for_status().json()["predictions"]
    found = {answer["task"]: answer for answer in answers[0]["answers"]}
    said = {answer.task: answer for answer in load_model(marking_folder).predict(TEXT)}
    assert {task: answer["label"] for task, answer in found.items()} == {task: answer.label for task, answer in said.items()}
    span = found["names"]["found"][1]
    assert (span["start"], span["end"], span["text"], span["label"]) == (19, 27, "New York", "LOC")
    assert found["pairs"]["found"][0]["tail"] == span
    assert [mention["text"] for mention in found["same"]["found"][0]["mentions"]] == ["Anna Berg", "They"]
    assert found["mood"]["found"] is None
    assert [answer["found"] for answer in answers[1]["answers"]] == [[], [], [], [], None]
    unsure = client.post("/predict", json={"texts": TEXT, "abstain_below": 1.0, "tasks": ["names"]}).json()["predictions"][0]["answers"][0]
    assert (unsure["found"], unsure["label"], unsure["confidence"]) == ([], "", None)


def test_a_text_that_is_not_read_to_its_end_is_warned_of(client: httpx.Client) -> None:
    warnings = client.post("/predict", json={"texts": "Anna " * 41}).json()["warnings"]
    assert any("the first 40 words" in warning for warning in warnings)


def test_what_cannot_be_explained_is_said_beforehand_and_when_asked(client: httpx.Client) -> None:
    assert client.get("/tasks").json()["models"][0]["explains"] is False
    refused = client.post("/explain", json={"text": TEXT})
    assert refused.status_code == 422
    assert "cannot be explained" in refused.json()["detail"]


def test_the_document_describes_what_is_found(client: httpx.Client) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    forms = schemas["Answer"]["properties"]["found"]["anyOf"]
    named = {form["$ref"].split("/")[-1] for form in forms[0]["items"]["anyOf"]}
    assert named == {"Span", "Relation", "Cluster"}
    assert set(schemas["Span"]["required"]) == {"start", "end", "text", "label", "confidence"}
    assert all("description" in schemas["Span"]["properties"][name] for name in ("start", "end", "label"))


def test_jobs_that_share_a_pass_get_the_answers_to_their_own_texts(marking_folder: Path) -> None:
    from mtl_models.serving.batching import Batcher
    from mtl_models.serving.limits import Limits

    served: Served = load_served(marking_folder, "made")
    batches: list[int] = []

    async def ask() -> list[str]:
        batcher = Batcher(Limits(batch_wait=0.2), batches.append)
        at_work = asyncio.create_task(batcher.run())
        found = await asyncio.gather(*(batcher.predict(served, [text], ["names"]) for text in ("Omar Said lives in Rome .", TEXT)))
        at_work.cancel()
        return [str(answered.predictions[0].label) for answered in found]

    assert asyncio.run(ask()) == ["PER Omar Said; LOC Rome", "PER Anna Berg; LOC New York; ORG Acme Corp"]
    assert batches == [2]
