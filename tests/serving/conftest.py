"""Small models, and servers on this machine that answer with them."""

from __future__ import annotations

import io
import logging
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import httpx
import pytest
import torch
import uvicorn
from fastapi import FastAPI

from mtl_models.config.network import JointLstm
from mtl_models.config.text import TextOptions, Vocabulary
from mtl_models.inference.familiarity import UnfamiliarTexts
from mtl_models.networks.build import build_network
from mtl_models.networks.model import Model
from mtl_models.serving.logs import JsonLines
from mtl_models.serving.served import Served, load_served
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import build_vocabulary

from folders import saved

TEXTS = ("love this phone", "what a waste of two hours", "", "यह अच्छा है", "a good film")
WORDS = {"shared": "love this phone what a waste of two hours good bad film the was", "hi": "यह फ़िल्म बहुत अच्छा है"}
TASKS = (
    Task("films", "single_label", ("bad", "good"), description="Reviews of films"),
    Task("topics", "multi_label", ("screen", "sound", "price")),
    Task("stars", "rating", ("stars",), mean=3.0),
    Task("hindi", "single_label", ("bad", "good"), vocabulary="hi"),
)


def build_model(seed: int, tasks: tuple[Task, ...] = TASKS) -> Model:
    """Four kinds of tasks over two vocabularies."""
    vocabularies = {
        name: build_vocabulary({name: [words]}, {name: TextOptions()}, Vocabulary(min_count=1)) for name, words in WORDS.items()
    }
    torch.manual_seed(seed)
    section = JointLstm(hidden=4)
    tables = {name: torch.randn(vocabulary.size, 6) for name, vocabulary in vocabularies.items()}
    return Model(build_network(section, tasks, tables).eval(), tasks, vocabularies, section, max_tokens=20)


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Folders of three models with the same tasks and other weights."""
    return saved(map(build_model, range(3)), tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def versions(folders: list[Path]) -> list[Served]:
    """The same, as versions 1, 2 and 3 of one model."""
    with warnings.catch_warnings(action="ignore", category=UnfamiliarTexts):
        return [load_served(folder, "made", str(number)) for number, folder in enumerate(folders, start=1)]


@contextmanager
def running(app: FastAPI) -> Iterator[str]:
    """The address of a real server for `app`, in a thread; gone after the block."""
    listening = socket.socket(proto=socket.IPPROTO_TCP)  # named, so that asyncio sets TCP_NODELAY
    listening.bind(("127.0.0.1", 0))
    listening.listen(512)
    config = uvicorn.Config(app, log_config=None, access_log=False, ws="none", lifespan="on", timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        deadline = time.monotonic() + 30
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            assert time.monotonic() < deadline, "the server did not start in time"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=30)
        assert not thread.is_alive(), "the server did not stop"


@pytest.fixture
def serving() -> Iterator[Callable[[FastAPI], httpx.Client]]:
    """A client for a server of the test's own."""
    opened: list[tuple[object, httpx.Client]] = []

    def serve(app: FastAPI) -> httpx.Client:
        context = running(app)
        client = httpx.Client(base_url=context.__enter__(), timeout=30, trust_env=False)
        opened.append((context, client))
        return client

    yield serve
    for context, client in opened:
        client.close()
        context.__exit__(None, None, None)


@pytest.fixture
def logged() -> Iterator[Callable[[], str]]:
    """What the servers have logged since the test began, as `logging_config` would have it written."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines())
    loggers = [logging.getLogger(name) for name in ("polytask.serving", "uvicorn")]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    yield written.getvalue
    for logger in loggers:
        logger.removeHandler(handler)


@pytest.fixture(scope="session")
def made() -> ModuleType:
    """The makers of this file."""
    return sys.modules[__name__]
