"""`polytask serve`: a model over HTTP, with a page for people."""

from __future__ import annotations

import ipaddress
import math
import os
import signal
import socket
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mtl_models.errors import ConfigError
from pipelines.environment import prepare

if TYPE_CHECKING:
    from fastapi import FastAPI
    from mlflow import MlflowClient

    from mtl_models.serving.limits import Limits
    from mtl_models.serving.reloading import Source
    from mtl_models.serving.served import Served

__all__ = ["serve_models"]

_TOKEN = "POLYTASK_TOKEN"  # noqa: S105 (the name of a variable)
_EXAMPLES = ("what a waste of two hours", "love this phone, great camera and the battery lasts for days", "not as bad as people say")
_MOST_EXAMPLES = 12
_BACKLOG = 2048


class _Registered:
    """A model of the registry; behind an alias the version may change while it is served."""

    def __init__(self, uri: str, client: MlflowClient) -> None:
        self._uri, self._client = uri, client
        self.moves = "@" in uri

    def version(self) -> str:
        from steps.tracking.versions import resolve

        return str(resolve(self._uri, self._client).number)

    def load(self, version: str) -> Served:
        from mtl_models.serving.served import load_served
        from steps.tracking.registry import download
        from steps.tracking.versions import resolve

        name = resolve(self._uri, self._client).name
        return load_served(download(f"models:/{name}/{version}", self._client), name, version)


def serve_models(
    model: str | None,
    compare: str | None,
    host: str,
    port: int,
    token_file: Path | None,
    without_token: bool,
    examples: Path | None,
    poll: float,
    log_texts: bool,
    limits: Limits,
) -> None:
    """Serve until Ctrl-C or SIGTERM; what is under way then is answered first."""
    token = _token(token_file)
    if token is None and not without_token and not _is_loopback(host):
        raise ConfigError(
            f"--host {host} lets everyone ask who can reach this machine; set a token with --token-file or {_TOKEN}, "
            "or say --without-token if something in front of the server keeps strangers out"
        )
    listening = _listen(host, port)
    prepare()
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        from mtl_models.serving.app import create_app

        models, sources = _found(model, compare)
        app = create_app(models, limits, token, sources, poll, _texts(examples), log_texts)
        if token is None and not _is_loopback(host):
            typer.secho(f"WARNING: no token, and {host} is open to everyone who can reach this machine", fg="red", bold=True, err=True)
        names = " beside ".join(f"{served.name}{f' version {served.version}' if served.version else ''}" for served in models.values())
        typer.echo(f"{names}: http://{_shown(host)}:{listening.getsockname()[1]}/  (API: /docs, Ctrl-C ends it)")
        _run(app, listening, limits.seconds)
    except KeyboardInterrupt:
        typer.echo("stopped")
    finally:
        signal.signal(signal.SIGTERM, before)


def _found(model: str | None, compare: str | None) -> tuple[dict[str, Served], dict[str, Source]]:
    """The models to begin with, by part, and where the next version of a part comes from, if there can be one."""
    import warnings

    from mtl_models.inference.familiarity import CutTexts, UnfamiliarTexts
    from mtl_models.serving.served import MAIN, OTHER, load_served

    for category in (CutTexts, UnfamiliarTexts):  # every answer carries its own
        warnings.simplefilter("ignore", category)
    models: dict[str, Served] = {}
    sources: dict[str, Source] = {}
    for part, uri in ((MAIN, model), (OTHER, compare)):
        if part == OTHER and uri is None:
            continue
        if uri is not None and not uri.startswith("models:"):
            models[part] = load_served(Path(uri), Path(uri).resolve().name)
            continue
        registered = _registered(uri)
        models[part] = registered.load(registered.version())
        if registered.moves:
            sources[part] = registered
    return models, sources


def _registered(uri: str | None) -> _Registered:
    """The model of the URI, by default the only champion."""
    from steps.tracking.client import connect
    from steps.tracking.versions import only_champion

    client = connect()
    return _Registered(uri or only_champion(client), client)


def _run(app: FastAPI, listening: socket.socket, patience: float) -> None:
    """Serve until a signal; uvicorn answers what is under way, for `patience` seconds at most, then hands the signal on to us."""
    import uvicorn

    from mtl_models.serving.logs import logging_config

    settings = uvicorn.Config(
        app,
        log_config=logging_config(),
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="on",
        timeout_graceful_shutdown=math.ceil(patience),
    )
    uvicorn.Server(settings).run(sockets=[listening])


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def _token(file: Path | None) -> str | None:
    """From the file, else from the environment; None where there is neither."""
    place, token = _TOKEN, os.environ.get(_TOKEN)
    if file is not None:
        place = f"--token-file {file}"
        try:
            token = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{place}: cannot be read ({error})") from error
        if not token:
            raise ConfigError(f"{place}: is empty; write a secret of your own into it")
    if token and not (token.isascii() and token.isprintable()):
        raise ConfigError(f"{place}: has other signs than ASCII letters, digits and punctuation, which not every client can send")
    return token or None


def _texts(file: Path | None) -> Sequence[str]:
    if file is None:
        return _EXAMPLES
    from mtl_models.inference.text_files import read_texts

    return list(islice(read_texts(file), _MOST_EXAMPLES))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _listen(host: str, port: int) -> socket.socket:
    """Taken before the model is loaded, so that a port in use is told at once."""
    try:
        # Named as TCP, as asyncio asks for that before it sets TCP_NODELAY: without it an answer waits 40 ms for the asker's ACK.
        listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except OSError as error:
        raise ConfigError(f"port {port} of {host} cannot be used ({error.strerror or error}); give another with --port") from error
    return listening
