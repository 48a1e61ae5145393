"""Whether a container of the runner is well: a server must be ready to answer; a pipeline needs a home folder that it can write.

Run by the image's HEALTHCHECK; exits 0 or 1 and says why. Standard library only, so that it costs next to nothing.
"""

from __future__ import annotations

import os
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

_SECONDS = 5


def verdict(words: list[str], home: str) -> str | None:
    """What is wrong with a container that was started with `words`, or None."""
    return _unready(_port(words)) if "serve" in words else _unwritable(home)


def _port(words: list[str]) -> str:
    """The port `polytask serve` was given, else its own."""
    for place, word in enumerate(words):
        if word == "--port":
            return words[place + 1]
        if word.startswith("--port="):
            return word.removeprefix("--port=")
    return "8000"


def _unready(port: str) -> str | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=_SECONDS):
            return None
    except (urllib.error.URLError, OSError) as error:
        return f"the server on port {port} is not ready: {error}"


def _unwritable(folder: str) -> str | None:
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"well")
    except OSError as error:
        return f"the home folder {folder} cannot be written: {error}"
    return None


if __name__ == "__main__":
    sys.exit(verdict(Path("/proc/1/cmdline").read_text(encoding="utf-8").split("\0"), os.environ.get("POLYTASK_HOME", "runs")))
