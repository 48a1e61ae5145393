"""What every request passes before and after the application: the log and the measures, the token, the limits of size and time."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
import uuid
from collections.abc import Sequence
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mtl_models.serving.limits import Limits
from mtl_models.serving.measures import Measures
from mtl_models.serving.problems import ProblemError, problem_response

__all__ = ["OPEN_PATHS", "Guard", "Observer"]

OPEN_PATHS = ("/", "/docs", "/health", "/ready")
"""What answers without the token, beside /static/: the pages ask for it themselves, and tell nothing of the model."""

_LOG = logging.getLogger("polytask.serving")

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Observer:
    """Gives every answer its number and headers, counts it and writes its line; what goes wrong inside becomes a 500."""

    def __init__(self, app: ASGIApp, measures: Measures) -> None:
        self._app, self._measures = app, measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        number, began = uuid.uuid4().hex, time.perf_counter()
        noted: dict[str, Any] = {}
        scope.setdefault("state", {})["noted"] = noted
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = number
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except Exception:
            _LOG.exception("fault", extra={"fields": {"request": number}})
            if not status:
                await problem_response(500, f"a fault of the server; its log has it under {number}")(scope, receive, answer)
        finally:
            seconds = time.perf_counter() - began
            path = _known_path(scope)
            self._measures.requests.labels(path, scope["method"], status or 499).inc()
            self._measures.seconds.labels(path).observe(seconds)
            said = {"method": scope["method"], "path": scope["path"], "status": status or 499, "ms": round(1000 * seconds, 1)}
            _LOG.info("request", extra={"fields": {"request": number, **said, **noted}})


class Guard:
    """Lets a request in only with the token, within `limits.bytes`, and for `limits.seconds`."""

    def __init__(self, app: ASGIApp, limits: Limits, token: str | None) -> None:
        self._app, self._limits = app, limits
        self._token = None if token is None else token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = reading = False

        async def answer(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            self._check_token(scope)
            async with asyncio.timeout(self._limits.seconds):
                reading = True
                body = await self._body(scope, receive)
                reading = False
                await self._app(scope, _replayed(body, receive), answer)
        except ProblemError as problem:
            await problem_response(problem.status, problem.detail, problem.headers)(scope, receive, send)
        except TimeoutError:
            if begun:
                raise
            limit = f"{self._limits.seconds:g} seconds"
            late = (408, f"the request did not arrive within {limit}") if reading else (504, f"no answer within {limit}; send fewer texts")
            await problem_response(*late)(scope, receive, send)

    def _check_token(self, scope: Scope) -> None:
        if self._token is None or scope["path"] in OPEN_PATHS or scope["path"].startswith("/static/"):
            return
        scheme, _, given = Headers(scope=scope).get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secrets.compare_digest(given.strip().encode("latin-1"), self._token):
            raise ProblemError(401, "this server wants its token: Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"})

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """The whole body, read no further than the limit."""
        limit = self._limits.bytes
        length = Headers(scope=scope).get("content-length", "")
        over = ProblemError(413, f"the body is over {limit} bytes; send fewer or shorter texts", {"Connection": "close"})
        if length.isdecimal() and int(length) > limit:
            raise over
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ProblemError(400, "the request broke off")
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > limit:
                raise over
            if not message.get("more_body", False):
                return b"".join(parts)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """`receive` for the application: the body that was read, then what the connection says."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _known_path(scope: Scope) -> str:
    """The path if it is a route of ours, else one name for all others: a stranger must not fill the measures with paths."""
    known: Sequence[str] = scope["app"].state.paths if "app" in scope else ()
    path: str = scope["path"]
    if path.startswith("/static/"):
        return "/static"
    return path if path in known else "other"
