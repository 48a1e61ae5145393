"""A new version takes over while the server works: the model is loaded beside the old one, then replaces it."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from mtl_models.serving.served import Served
from mtl_models.serving.service import Service

__all__ = ["Source", "watch"]

_LOG = logging.getLogger("polytask.serving")
_LONGEST_PAUSE = 300.0
"""Seconds between two attempts with a version that fails."""


class Source(Protocol):
    """Where versions of a model come from. Both calls may block, and may fail with any exception."""

    def version(self) -> str:
        """The version that is to serve now."""

    def load(self, version: str) -> Served:
        """That version, ready to answer."""


async def watch(service: Service, part: str, source: Source, every: float) -> None:
    """Ask `source` every `every` seconds, until cancelled; another version than the one that serves takes its place.

    What cannot be found or loaded leaves the old model serving: a version that fails is tried again after longer and longer pauses, and
    a source that does not answer is said once until it does.
    """
    failed, not_before, pause = "", 0.0, every
    silent = False
    clock = asyncio.get_running_loop().time
    while True:
        await asyncio.sleep(every)
        try:
            version = await asyncio.to_thread(source.version)
        except Exception as error:
            if not silent:
                _say(logging.WARNING, "the registry does not answer; the model stays", part, reason=_reason(error))
            silent = True
            continue
        silent = False
        if version == service.models[part].version:
            failed = ""
            continue
        if version == failed and clock() < not_before:
            continue
        try:
            served = await asyncio.to_thread(source.load, version)
        except Exception as error:
            pause = min(2 * pause, _LONGEST_PAUSE) if version == failed else every
            failed, not_before = version, clock() + pause
            service.measures.reloads.labels(part, "failed").inc()
            kept = service.models[part].version
            _say(logging.ERROR, "the new version cannot serve; the old one stays", part, version=version, kept=kept, reason=_reason(error))
            continue
        before = service.models[part].version
        service.replace(part, served)
        failed = ""
        service.measures.reloads.labels(part, "done").inc()
        _say(logging.INFO, "a new version serves", part, version=served.version, before=before, fingerprint=served.fingerprint)


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _say(level: int, event: str, part: str, **fields: str | None) -> None:
    _LOG.log(level, event, extra={"fields": {"part": part, **fields}})
