"""What a user loses if these fail: an OpenAPI document that does not say what the server does, or a question that breaks it."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.schemas import OpenApiSchema

from mtl_models.serving.app import create_app
from mtl_models.serving.limits import Limits
from mtl_models.serving.served import MAIN, OTHER, Served

pytestmark = pytest.mark.filterwarnings("ignore::mtl_models.inference.familiarity.UnfamiliarTexts")

TOKEN = "sesame"


@pytest.fixture(scope="module")
def address(versions: list[Served], made: ModuleType) -> Iterator[str]:
    app = create_app({MAIN: versions[0], OTHER: versions[1]}, Limits(texts=5, characters=60), TOKEN)
    with made.running(app) as address:
        yield address


@pytest.fixture(scope="module")
def described(address: str) -> OpenApiSchema:
    return schemathesis.openapi.from_url(f"{address}/openapi.json", headers={"Authorization": f"Bearer {TOKEN}"})


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/predict"), ("POST", "/explain"), ("GET", "/tasks"), ("GET", "/health"), ("GET", "/ready"), ("GET", "/metrics")],
)
def test_the_server_does_what_its_document_says(described: OpenApiSchema, method: str, path: str) -> None:
    @given(case=described[path][method].as_strategy())
    @settings(max_examples=60 if method == "POST" else 5, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def check(case: schemathesis.Case) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {TOKEN}"})

    check()


def test_the_document_names_the_limits_and_tasks_of_this_server(address: str) -> None:
    document = httpx.get(f"{address}/openapi.json", headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False).json()
    question = document["components"]["schemas"]["Question"]["properties"]
    assert question["model"]["enum"] == ["main", "other"]
    assert question["tasks"]["anyOf"][0]["items"]["enum"] == ["films", "topics", "stars", "hindi"]
    assert question["texts"]["anyOf"][1] == {"type": "array", "items": {"type": "string", "maxLength": 60}, "minItems": 1, "maxItems": 5}
    assert set(document["paths"]) == {"/predict", "/explain", "/tasks", "/health", "/ready", "/metrics"}
    for name in ("/predict", "/explain"):
        assert {"200", "401", "413", "422", "503", "504"} <= set(document["paths"][name]["post"]["responses"])
