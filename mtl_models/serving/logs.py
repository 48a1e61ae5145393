"""Logs as JSON, one object a line, on standard error."""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any

__all__ = ["JsonLines", "logging_config"]


class JsonLines(logging.Formatter):
    """Time, level, event and the fields given under `extra={"fields": ...}`.

    Of an exception its kind and the places it went through, not its message: that may quote a text.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            places = traceback.extract_tb(error.__traceback__)
            said["error"] = type(error).__name__
            said["at"] = [f"{place.filename}:{place.lineno} {place.name}" for place in places]
        return json.dumps(said)


def logging_config() -> dict[str, Any]:
    """What uvicorn hands to `logging.config.dictConfig`: our lines and its own, in one form."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonLines}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr", "formatter": "json"}},
        "loggers": {
            "polytask.serving": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
            "uvicorn": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        },
    }
