"""Time outside the training and evaluation code: orchestration, artifacts, tracking and imports, against the wall time of a run.

    python benchmarks/overhead.py [EXPERIMENT] [--downloads FOLDER] [--set KEY=VALUE ...] [--json FILE]

Runs `polytask run` for an experiment (the demo's by default) in a process of its own with a fresh, temporary home folder, so nothing comes
from a cache. The wall time is that of the whole process, interpreter and imports included. Inside is what the step functions spend in our
library: reading, validating, vocabulary, vectors, training, references, predicting, comparing, rendering the report. Outside is all else;
of the time in step functions that is:

  register       the whole step: it talks to MLflow
  report         the pages it attaches to the MLflow run
  any step       imports that happen while it runs, such as Great Expectations' or gensim's

Give --downloads the `downloads` folder of an earlier home (runs/downloads), which is linked into the temporary one; without it the time
of fetching counts as inside, in ingest and build_embeddings, and as outside before them, whichever asks first. Exits with 1 where the
outside share is over the target of 20 %.
"""

from __future__ import annotations

import argparse
import builtins
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[1]
_TARGET = 0.20
_TRACKING_STEPS = ("register",)


@dataclass
class Step:
    """Seconds of one step: in its function, of these in imports and MLflow, and from ZenML's start to ZenML's end of it."""

    name: str
    function: float
    imports: float = 0.0
    tracking: float = 0.0
    whole: float = 0.0
    start: float = 0.0
    """Seconds from the start of the process, by the system's clock."""

    @property
    def inside(self) -> float:
        """Seconds in the training and evaluation code."""
        return 0.0 if self.name in _TRACKING_STEPS else self.function - self.imports - self.tracking


def main() -> None:
    """Run, print the table, exit with 1 over the target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", nargs="?", type=Path, default=_ROOT / "configs" / "demo.yaml")
    parser.add_argument("--downloads", type=Path, help="folder of earlier downloads to use")
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure is not None:
        _measure(arguments.experiment, arguments.overrides, arguments.measure)
        return
    wall, steps = _run(arguments.experiment, arguments.overrides, arguments.downloads)
    share = _print(wall, steps)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps({"wall": wall, "outside_share": share, "steps": [asdict(step) for step in steps]}, indent=2))
    if share > _TARGET:
        sys.exit(f"{share:.1%} of the wall time is outside the training and evaluation code; the target is below {_TARGET:.0%}")


def _run(experiment: Path, overrides: list[str], downloads: Path | None) -> tuple[float, list[Step]]:
    """Wall seconds of the process that runs the experiment, and its steps in the order of their start."""
    with tempfile.TemporaryDirectory(prefix="polytask-overhead-") as scratch:
        home, found = Path(scratch) / "home", Path(scratch) / "steps.json"
        home.mkdir()
        if downloads is not None:
            (home / "downloads").symlink_to(downloads.resolve(strict=True))
        settings = [word for override in overrides for word in ("--set", override)]
        command = [sys.executable, __file__, str(experiment), "--measure", str(found), *settings]
        paths = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
        began, clock = time.time(), time.perf_counter()
        subprocess.run(command, env=os.environ | {"POLYTASK_HOME": str(home), "PYTHONPATH": paths}, check=True)
        wall = time.perf_counter() - clock
        steps = [Step(**step) for step in json.loads(found.read_text())]
    for step in steps:
        step.start -= began
    return wall, steps


def _print(wall: float, steps: list[Step]) -> float:
    """The table; the outside share."""
    inside, whole = sum(step.inside for step in steps), sum(step.whole for step in steps)
    width = max(len(step.name) for step in steps)
    print(f"\n{'step':<{width}}  {'inside':>8}  {'imports':>8}  {'MLflow':>8}  {'ZenML':>8}  {'whole':>8}  (seconds)")
    for step in steps:
        tracking = step.function - step.imports if step.name in _TRACKING_STEPS else step.tracking
        zenml = step.whole - step.function
        print(f"{step.name:<{width}}  {step.inside:8.2f}  {step.imports:8.2f}  {tracking:8.2f}  {zenml:8.2f}  {step.whole:8.2f}")
    before, after = steps[0].start, wall - steps[-1].start - steps[-1].whole
    for what, seconds in (("before the first step", before), ("between steps", wall - whole - before - after), ("after the last", after)):
        print(f"{what:<{width + 40}}  {seconds:8.2f}")
    share = 1.0 - inside / wall
    print(f"\nwall {wall:.1f} s: inside {inside:.1f} s, outside {wall - inside:.1f} s = {share:.1%} (target: below {_TARGET:.0%})")
    return share


def _measure(experiment: Path, overrides: list[str], out: Path) -> None:
    """In the process that is timed: `polytask run` with a clock around every step function."""
    from pipelines.environment import prepare

    prepare()
    steps: dict[str, Step] = {}
    _time_step_functions(steps, _ImportClock())
    from pipelines.run import run_experiment

    run_experiment(experiment, overrides, cache=True)
    _add_whole_times(steps)
    out.write_text(json.dumps([asdict(step) for step in steps.values()]))


class _ImportClock:
    """Seconds in outermost import statements of one thread while it is switched on; modules loaded already cost next to nothing."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._thread: int | None = None
        self._deep = False

    @contextmanager
    def on(self) -> Iterator[None]:
        """Count from zero inside the block."""
        original = builtins.__import__
        self.seconds, self._thread = 0.0, threading.get_ident()

        def timed(*words: Any, **named: Any) -> Any:
            if self._deep or threading.get_ident() != self._thread:
                return original(*words, **named)
            self._deep, began = True, time.perf_counter()
            try:
                return original(*words, **named)
            finally:
                self.seconds += time.perf_counter() - began
                self._deep = False

        builtins.__import__ = timed
        try:
            yield
        finally:
            builtins.__import__ = original


def _time_step_functions(found: dict[str, Step], imports: _ImportClock) -> None:
    """Put a clock around what ZenML calls of a step, and around what the report step sends to MLflow."""
    from zenml import get_step_context
    from zenml.steps import BaseStep

    import steps.report as report_module

    call: Callable[..., Any] = BaseStep.call_entrypoint
    attach: Callable[..., None] = report_module.attach
    sent = 0.0

    def timed_attach(*words: Any, **named: Any) -> None:
        nonlocal sent
        began, imported = time.perf_counter(), imports.seconds
        attach(*words, **named)
        sent += time.perf_counter() - began - (imports.seconds - imported)

    def timed_call(self: BaseStep, *words: Any, **named: Any) -> Any:
        nonlocal sent
        sent, began = 0.0, time.perf_counter()
        with imports.on():
            result = call(self, *words, **named)
        seconds = time.perf_counter() - began
        name = get_step_context().step_run.name
        found[name] = Step(name, seconds, imports.seconds, sent)
        return result

    BaseStep.call_entrypoint = timed_call
    report_module.attach = timed_attach


def _add_whole_times(found: dict[str, Step]) -> None:
    """ZenML's own account of the run: no step may be missing, come from a cache, or overlap another."""
    from zenml.client import Client

    run = Client().list_pipeline_runs(size=1, sort_by="desc:created", hydrate=True).items[0]
    ended = None
    for name, step in sorted(run.steps.items(), key=lambda item: item[1].start_time):
        if name not in found or step.start_time is None or step.end_time is None:
            sys.exit(f"the step {name} was not run and timed here (status {step.status}); is the home folder fresh?")
        if ended is not None and step.start_time < ended:
            sys.exit(f"the step {name} began before another had ended; seconds of steps side by side cannot be added up")
        found[name].whole = (step.end_time - step.start_time).total_seconds()
        found[name].start = step.start_time.replace(tzinfo=step.start_time.tzinfo or UTC).timestamp()
        ended = step.end_time


if __name__ == "__main__":
    main()
