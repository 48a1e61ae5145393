"""Commands as a user types them, several in one process to be quick."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

Told = tuple[int, str, str]
"""Exit code, output, errors."""

_DRIVER = """
import contextlib, io, json, os, sys
from pipelines.cli import main
told = []
for folder, words in json.load(sys.stdin):
    os.chdir(folder)
    sys.argv = ["polytask", *words]
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        except BaseException as error:
            code = f"{type(error).__name__}: {error}"
    told.append([code, out.getvalue(), err.getvalue()])
json.dump(told, open(os.environ["TOLD"], "w"))
"""


def told_by(commands: Sequence[tuple[Path, Sequence[str]]], home: Path) -> tuple[list[Told], str]:
    """What each `polytask WORDS...`, run in its folder, told; and what the process printed beside it."""
    asked = json.dumps([(str(folder), [*words]) for folder, words in commands])
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told.json"
        environment = os.environ | {"POLYTASK_HOME": str(home), "COLUMNS": "160", "NO_COLOR": "1", "TOLD": str(told)}
        process = [sys.executable, "-c", _DRIVER]
        ran = subprocess.run(process, input=asked, env=environment, cwd=home.parent, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        return [(code, out, err) for code, out, err in json.loads(told.read_text())], ran.stdout + ran.stderr
