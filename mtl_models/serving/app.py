"""The application: routes over a `Service`, behind the guards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles

from mtl_models.serving import messages
from mtl_models.serving.document import openapi_document
from mtl_models.serving.guards import Guard, Observer
from mtl_models.serving.limits import Limits
from mtl_models.serving.measures import Measures
from mtl_models.serving.problems import ProblemError, install_handlers, responses
from mtl_models.serving.reloading import Source, watch
from mtl_models.serving.served import Served
from mtl_models.serving.service import Service

__all__ = ["create_app"]

_PAGE = Path(__file__).parent / "page"
_ASKED = (400, 401, 408, 413, 422, 500, 503, 504)


def create_app(
    models: Mapping[str, Served],
    limits: Limits | None = None,
    token: str | None = None,
    sources: Mapping[str, Source] | None = None,
    poll: float = 5.0,
    examples: Sequence[str] = (),
    log_texts: bool = False,
) -> FastAPI:
    """An ASGI application that serves `models`, by part: `main`, and `other` to compare it with.

    `token` is what a request must bring, if there is one; `sources` are asked every `poll` seconds for a new version of their part;
    `examples` are texts for the page; with `log_texts` the log has the texts of every request.
    """
    limits, measures = limits or Limits(), Measures()
    service = Service(models, limits, measures)
    at_work: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        at_work.append(asyncio.create_task(service.batcher.run()))
        at_work.extend(asyncio.create_task(watch(service, part, source, poll)) for part, source in (sources or {}).items())
        yield
        for task in at_work:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        service.close()

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.add_middleware(Guard, limits=limits, token=token)
    app.add_middleware(Observer, measures=measures)
    install_handlers(app)
    _add_questions(app, service, examples, log_texts)
    _add_state(app, service, at_work, locked=token is not None)
    _add_pages(app)
    app.state.paths = frozenset(getattr(route, "path", "") for route in app.routes)
    return app


def _add_questions(app: FastAPI, service: Service, examples: Sequence[str], log_texts: bool) -> None:
    def note(request: Request, part: str, texts: Sequence[str]) -> None:
        request.state.noted |= {"part": part, "version": service.models[part].version if part in service.models else None}
        request.state.noted |= {"texts": list(texts)} if log_texts else {"texts": len(texts)}

    @app.post("/predict", responses=responses(*_ASKED), tags=["questions"])
    async def predict(question: messages.Question, request: Request) -> messages.Predictions:
        """Answer texts, for every task or the chosen ones."""
        note(request, question.model, question.texts)
        return await service.predict(question)

    @app.post("/explain", responses=responses(*_ASKED), tags=["questions"])
    async def explain(question: messages.TextQuestion, request: Request) -> messages.Explanation:
        """What the model looks at in a text: its attention, or what an answer loses without a word."""
        note(request, question.model, [question.text])
        return await service.explain(question)

    @app.get("/tasks", responses=responses(401), tags=["questions"])
    async def tasks() -> messages.ServerDescription:
        """The models, their tasks, the limits of a request, and texts to try."""
        return service.describe(examples)


def _add_state(app: FastAPI, service: Service, at_work: Sequence[asyncio.Task[None]], locked: bool) -> None:
    @app.get("/health", tags=["state"])
    async def health() -> messages.Health:
        """The process answers."""
        return messages.Health(status="ok")

    @app.get("/ready", responses=responses(503), tags=["state"])
    async def ready() -> messages.Health:
        """The model takes questions: send some."""
        if not at_work or at_work[0].done():
            raise ProblemError(503, "the model does not work")
        if service.batcher.waiting >= service.limits.waiting:
            raise ProblemError(503, f"{service.batcher.waiting} texts wait for the model", {"Retry-After": "1"})
        return messages.Health(status="ready")

    @app.get(
        "/metrics",
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **responses(401)},
        response_class=PlainTextResponse,
        tags=["state"],
    )
    async def metrics() -> Response:
        """Measures, as Prometheus reads them."""
        return Response(service.measures.exposition(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> JSONResponse:
        return JSONResponse(document())

    def document() -> dict[str, Any]:
        return openapi_document(app, service, locked)

    app.openapi = document  # type: ignore[method-assign]


def _add_pages(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(_PAGE / "index.html")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> FileResponse:
        return FileResponse(_PAGE / "docs.html")

    app.mount("/static", StaticFiles(directory=_PAGE), name="static")
