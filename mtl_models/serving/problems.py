"""What a server says when it does not answer: problem documents (RFC 9457), which name the fault and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from mtl_models.errors import PolytaskError

__all__ = ["MEDIA_TYPE", "ProblemDocument", "ProblemError", "install_handlers", "problem_response", "responses"]

MEDIA_TYPE = "application/problem+json"


class ProblemDocument(BaseModel):
    """Why there is no answer."""

    title: str
    status: int
    detail: str


class ProblemError(Exception):
    """Ends a request with `status` and the reason."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers


def problem_response(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The answer that carries a problem document."""
    sound = detail.encode("utf-8", "replace").decode()  # half a surrogate pair, quoted from a question, has no bytes
    document = ProblemDocument(title=HTTPStatus(status).phrase, status=status, detail=sound)
    return JSONResponse(document.model_dump(), status, dict(headers or {}), MEDIA_TYPE)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The part of the OpenAPI document that says with which problems a route may answer."""
    schema = {"$ref": "#/components/schemas/ProblemDocument"}
    return {status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": schema}}} for status in statuses}


def install_handlers(app: FastAPI) -> None:
    """Every fault that a request can have becomes a problem document; none of them repeats a text."""
    app.add_exception_handler(ProblemError, _problem)
    app.add_exception_handler(PolytaskError, _user_fault)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)


async def _problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ProblemError)
    return problem_response(error.status, error.detail, error.headers)


async def _user_fault(_: Request, error: Exception) -> JSONResponse:
    return problem_response(422, str(error))


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return problem_response(error.status_code, error.detail, error.headers)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return problem_response(422, "; ".join(f"{_place(fault['loc'])}: {fault['msg']}" for fault in error.errors()))


def _place(where: tuple[str | int, ...]) -> str:
    """`("body", "texts", 3)` as `texts[3]`."""
    inner = where[1:] if where and where[0] == "body" else where
    said = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in inner)
    return said.removeprefix(".") or "the body"
