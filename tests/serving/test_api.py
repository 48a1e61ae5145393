"""What a user loses if these fail: answers over HTTP, a server that says what is wrong and keeps strangers out."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import httpx
import pytest
from fastapi import FastAPI

from mtl_models.errors import ModelFolderError
from mtl_models.inference.attention import explain
from mtl_models.inference.predictor import Predictor
from mtl_models.networks.folder import save_model
from mtl_models.serving.app import create_app
from mtl_models.serving.limits import Limits
from mtl_models.serving.served import MAIN, OTHER, Served, load_served

Serving = Callable[[FastAPI], httpx.Client]
pytestmark = pytest.mark.filterwarnings("ignore::mtl_models.inference.familiarity.UnfamiliarTexts")

SMALL = Limits(bytes=3_000, texts=4, characters=500, seconds=10)


@pytest.fixture(scope="module")
def client(versions: list[Served], made: ModuleType) -> Iterator[httpx.Client]:
    """One server for the tests that leave nothing behind."""
    app = create_app({MAIN: versions[0], OTHER: versions[1]}, SMALL, examples=["try me"])
    with made.running(app) as address, httpx.Client(base_url=address, timeout=30, trust_env=False) as client:
        yield client


def problem(answer: httpx.Response, status: int) -> str:
    """The reason of a problem document, which must be whole."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == status
    assert document["title"]
    return str(document["detail"])


class _Slow(Predictor):
    """Takes its time."""

    def predict(self, *words, **named):
        time.sleep(0.6)
        return super().predict(*words, **named)


def slow(served: Served) -> Served:
    return replace(served, predictor=_Slow(served.predictor.model))


def test_answers_are_those_of_the_predictor_with_the_model_that_gave_them(
    client: httpx.Client, versions: list[Served], made: ModuleType
) -> None:
    texts = list(made.TEXTS[:4])
    answer = client.post("/predict", json={"texts": texts}).json()
    assert answer["model"] == {"name": "made", "version": "1", "fingerprint": versions[0].fingerprint}
    found = [(text["index"], said) for text in answer["predictions"] for said in text["answers"]]
    expected = versions[0].predictor.predict(texts)
    assert [(index, said["task"], said["label"]) for index, said in found] == [(one.index, one.task, one.label) for one in expected]
    for (_, said), one in zip(found, expected, strict=True):
        assert said["probabilities"] == pytest.approx(one.probabilities, abs=1e-5)
        assert said["confidence"] == (None if one.confidence is None else pytest.approx(one.confidence, abs=1e-5))


def test_one_text_chosen_tasks_and_the_other_model(client: httpx.Client, versions: list[Served]) -> None:
    answer = client.post("/predict", json={"texts": "good film", "tasks": ["stars", "films"], "model": "other"}).json()
    assert answer["model"]["version"] == "2"
    (one,) = answer["predictions"]
    assert [said["task"] for said in one["answers"]] == ["stars", "films"]
    expected = versions[1].predictor.predict(["good film"], ["films"])[0]
    assert one["answers"][1]["probabilities"] == pytest.approx(expected.probabilities, abs=1e-5)


def test_an_unsure_answer_can_be_left_open_and_a_strange_script_is_told(client: httpx.Client) -> None:
    answer = client.post("/predict", json={"texts": "यह अच्छा है", "tasks": ["films", "stars"], "abstain_below": 1.0}).json()
    films, stars = answer["predictions"][0]["answers"]
    assert films["label"] is None
    assert films["confidence"] == max(films["probabilities"].values())
    assert stars["label"]
    assert "Devanagari" in answer["warnings"][0]
    assert client.post("/predict", json={"texts": "good film", "tasks": ["films"]}).json()["warnings"] == []


def test_an_explanation_is_that_of_the_library(client: httpx.Client, versions: list[Served]) -> None:
    answer = client.post("/explain", json={"text": "good film zzz"}).json()
    (expected,) = explain(versions[0].predictor.model, ["good film zzz"])
    assert answer["model"]["version"] == "1"
    assert [[said["task"] for said in reading["answers"]] for reading in answer["readings"]] == [["films", "topics", "stars"], ["hindi"]]
    for reading, one in zip(answer["readings"], expected, strict=True):
        assert [(word["word"], word["unknown"]) for word in reading["words"]] == list(zip(one.words, one.unknown, strict=True))
        assert reading["hops"] == reading["layers"] == []
        for task, lost in one.left_out.items():
            assert reading["left_out"][task] == pytest.approx(lost.tolist(), abs=1e-5)
    assert client.post("/explain", json={"text": "good", "leave_out": False}).json()["readings"][0]["left_out"] == {}


def test_the_server_describes_itself(client: httpx.Client) -> None:
    said = client.get("/tasks").json()
    assert [(model["part"], model["model"]["version"], model["network"], model["attention"]) for model in said["models"]] == [
        ("main", "1", "joint_lstm", False),
        ("other", "2", "joint_lstm", False),
    ]
    assert said["models"][0]["tasks"][1] == {
        "name": "topics",
        "kind": "multi_label",
        "description": "",
        "labels": ["screen", "sound", "price"],
    }
    assert said["limits"] == {"bytes": 3000, "texts": 4, "characters": 500, "seconds": 10}
    assert said["examples"] == ["try me"]
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/ready").json() == {"status": "ready"}


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ({}, "texts: Field required"),
        ({"texts": []}, "texts: List should have at least 1 item"),
        ({"texts": ["a", 3]}, r"texts\[1\]: Input should be a valid string"),
        ({"texts": ["a"] * 5}, "texts: 5 of them, at most 4"),
        ({"texts": ["a", "b" * 501]}, r"texts\[1\]: 501 characters, at most 500"),
        ({"texts": "a", "tasks": ["film"]}, "unknown task 'film'; did you mean 'films'"),
        ({"texts": "a", "tasks": []}, "tasks: List should have at least 1 item"),
        ({"texts": "a", "model": "third"}, "model: Input should be 'main' or 'other'"),
        ({"texts": "a", "abstain_below": 2}, "abstain_below: Input should be less than or equal to 1"),
        ({"text": "a", "texts": "a"}, "text: Extra inputs are not permitted"),
        (["a"], "the body"),
    ],
)
def test_a_wrong_question_is_told_what_is_wrong(client: httpx.Client, question: object, reason: str) -> None:
    said = problem(client.post("/predict", json=question), 422)
    assert re.search(reason, said), said


def test_half_a_surrogate_pair_is_a_wrong_question_wherever_it_stands(client: httpx.Client) -> None:
    headers = {"content-type": "application/json"}
    assert "half a surrogate" in problem(client.post("/predict", content=rb'{"texts": "a\ud800"}', headers=headers), 422)
    assert "half a surrogate" in problem(client.post("/explain", content=rb'{"text": "a\ud800"}', headers=headers), 422)
    for body in (rb'{"texts": "a", "tasks": ["\ud800"]}', rb'{"texts": "a", "\ud800": 1}', b"[" * 2000, b"\xff", b'{"texts": NaN}'):
        assert client.post("/predict", content=body, headers=headers).status_code in (400, 422), body


def test_what_is_not_there_is_a_problem_too(client: httpx.Client) -> None:
    problem(client.get("/nothing"), 404)
    problem(client.get("/predict"), 405)


def test_a_part_that_is_not_served_is_told(serving: Serving, versions: list[Served]) -> None:
    client = serving(create_app({MAIN: versions[0]}))
    assert "there is no 'other' here; this server has main" in problem(client.post("/predict", json={"texts": "a", "model": "other"}), 422)


def test_a_body_over_the_limit_is_refused_whether_or_not_it_says_its_length(client: httpx.Client) -> None:
    body = json.dumps({"texts": ["a" * 400] * 20}).encode()
    headers = {"content-type": "application/json"}
    assert "over 3000 bytes" in problem(client.post("/predict", content=body, headers=headers), 413)
    assert "over 3000 bytes" in problem(client.post("/predict", content=iter([body[:5000], body[5000:]]), headers=headers), 413)
    assert client.get("/health").status_code == 200


def test_an_answer_that_takes_too_long_is_504_and_the_server_goes_on(serving: Serving, versions: list[Served]) -> None:
    client = serving(create_app({MAIN: slow(versions[0])}, replace(SMALL, seconds=0.3)))
    assert "no answer within 0.3 seconds" in problem(client.post("/predict", json={"texts": "a"}), 504)
    assert client.get("/health").status_code == 200
    assert "polytask_waiting_texts 0.0" in client.get("/metrics").text


def test_a_request_that_does_not_arrive_is_408(serving: Serving, versions: list[Served]) -> None:
    client = serving(create_app({MAIN: versions[0]}, replace(SMALL, seconds=0.3)))
    url = client.base_url
    with socket.create_connection((url.host, url.port or 80), timeout=10) as slowly:
        slowly.sendall(b'POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"te')
        assert b"408 Request Timeout" in slowly.recv(4096).split(b"\r\n")[0]


def test_a_crowd_is_told_to_come_back(serving: Serving, versions: list[Served]) -> None:
    client = serving(create_app({MAIN: slow(versions[0])}, replace(SMALL, waiting=4)))
    first = threading.Thread(target=client.post, args=("/predict",), kwargs={"json": {"texts": ["a"] * 4}})
    first.start()
    time.sleep(0.2)
    refused = client.post("/predict", json={"texts": "b"})
    not_ready = client.get("/ready")
    first.join()
    assert "4 texts wait for the model" in problem(refused, 503)
    assert refused.headers["retry-after"] == "1"
    problem(not_ready, 503)
    assert client.get("/ready").status_code == 200
    assert client.post("/predict", json={"texts": "b"}).status_code == 200


def test_with_a_token_only_pages_and_health_are_open(serving: Serving, versions: list[Served]) -> None:
    client = serving(create_app({MAIN: versions[0]}, token="sesame, open"))
    for path in ("/", "/docs", "/static/page.js", "/health", "/ready"):
        assert client.get(path).status_code == 200, path
    for given in (None, "Bearer", "Bearer sesame", "Basic sesame", "Bearer \xff"):
        headers = {} if given is None else {"authorization": given.encode("latin-1")}
        for method, path in (("GET", "/tasks"), ("GET", "/metrics"), ("GET", "/openapi.json"), ("POST", "/predict"), ("GET", "/nothing")):
            refused = client.request(method, path, headers=headers)
            assert "wants its token" in problem(refused, 401)
            assert refused.headers["www-authenticate"] == "Bearer"


def test_with_its_token_a_request_is_answered(serving: Serving, versions: list[Served]) -> None:
    client = serving(create_app({MAIN: versions[0]}, token="sesame"))
    headers = {"authorization": "bearer sesame"}
    assert client.post("/predict", json={"texts": "a"}, headers=headers).status_code == 200
    assert client.get("/openapi.json", headers=headers).json()["paths"]["/predict"]["post"]["security"] == [{"token": []}]


def test_measures_are_what_happened(serving: Serving, versions: list[Served]) -> None:
    client = serving(create_app({MAIN: versions[0], OTHER: versions[1]}))
    client.post("/predict", json={"texts": ["a", "b", "c"]})
    client.post("/predict", json={"texts": []})
    client.get("/wp-login.php")
    said = client.get("/metrics").text
    assert 'polytask_requests_total{method="POST",path="/predict",status="200"} 1.0' in said
    assert 'polytask_requests_total{method="POST",path="/predict",status="422"} 1.0' in said
    assert 'polytask_requests_total{method="GET",path="other",status="404"} 1.0' in said
    assert 'polytask_texts_total{part="main",path="/predict"} 3.0' in said
    assert "polytask_batch_texts_sum 3.0" in said
    assert 'polytask_request_seconds_count{path="/predict"} 2.0' in said
    assert f'polytask_model{{fingerprint="{versions[1].fingerprint}",name="made",part="other",version="2"}} 1.0' in said


def test_pages_come_from_this_server_alone(client: httpx.Client) -> None:
    for path in ("/", "/docs", "/predict"):
        policy = client.get(path).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
    for path in ("/", "/docs", "/static/page.css", "/static/page.js", "/static/docs.js", "/static/api.js"):
        page = client.get(path).text.replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in page
        assert "https://" not in page
        assert "innerHTML" not in page


def test_a_page_of_another_origin_gets_nothing(client: httpx.Client) -> None:
    """A form or a plain fetch of a strange page cannot send JSON without asking first, and is not allowed to."""
    asked = client.options("/predict", headers={"origin": "http://evil.example", "access-control-request-method": "POST"})
    assert "access-control-allow-origin" not in asked.headers
    plain = client.post("/predict", content=b'{"texts": "a"}', headers={"content-type": "text/plain"})
    assert plain.status_code == 422


def test_a_model_that_answers_with_nan_never_serves(tmp_path: Path, made: ModuleType) -> None:
    model = made.build_model(0)
    next(model.network.parameters()).data.fill_(float("nan"))
    save_model(model, tmp_path / "nan")
    with pytest.raises(ModelFolderError, match="answers with NaN"):
        load_served(tmp_path / "nan", "made", "4")
