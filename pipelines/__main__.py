"""`python -m pipelines`: the command line, for processes that start it by the interpreter they run on."""

from __future__ import annotations

from pipelines.cli import main

main()
