"""The OpenAPI document, with the limits and the tasks of this server in it."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from mtl_models import __version__
from mtl_models.serving.problems import ProblemDocument
from mtl_models.serving.service import Service

__all__ = ["openapi_document"]

_ABOUT = (
    "Texts in, answers out: one model answers for all its tasks. "
    "Every answer carries the name, version and fingerprint of the model that gave it."
)


def openapi_document(app: FastAPI, service: Service, locked: bool) -> dict[str, Any]:
    """Made anew for every asker, as a new version may have other tasks. `locked`: a token is wanted."""
    document = get_openapi(title="Polytask", version=__version__, description=_ABOUT, routes=app.routes)
    schemas = document["components"]["schemas"]
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemas["ProblemDocument"] = ProblemDocument.model_json_schema()
    tasks = list(dict.fromkeys(task for served in service.models.values() for task in served.tasks))
    for name in ("Question", "TextQuestion"):
        asked = schemas[name]["properties"]
        asked["model"]["enum"] = list(service.models)
        listed = next(form for form in asked["tasks"]["anyOf"] if form["type"] == "array")
        listed["items"]["enum"] = tasks
    one, many = schemas["Question"]["properties"]["texts"]["anyOf"]
    one["maxLength"] = many["items"]["maxLength"] = service.limits.characters
    many["maxItems"] = service.limits.texts
    schemas["TextQuestion"]["properties"]["text"]["maxLength"] = service.limits.characters
    if locked:
        document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        for path, operations in document["paths"].items():
            for operation in operations.values():
                operation["security"] = [] if path in ("/health", "/ready") else [{"token": []}]
    return document
