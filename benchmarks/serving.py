"""`polytask serve` under load: requests per second, p50, p99 and requests lost; with and without dynamic batching, and MLflow's server.

    python benchmarks/serving.py FOLDER [--requests 4000] [--at-once 64] [--threads 1] [--mlflow]

FOLDER is a model folder, such as one below runs/cache/models/. In a temporary home it is registered as version 1, and with doubled output
layers as version 2. Texts of 3 to 40 words of its vocabulary, drawn with a fixed seed, are asked on 127.0.0.1, one a request:

  batched    polytask serve as it comes; after half of the requests the alias `champion` moves to version 2
  alone      the same with --batch 1, without a reload
  one asker  as it comes, one request at a time: what waiting for others to share a pass costs
  mlflow     `mlflow models serve` for the same version (--mlflow)

CPU is that of the server and its children. Exits with 1 where a request was lost, answered wrongly, or the new version did not take over.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import psutil
import requests

_ROOT = Path(__file__).resolve().parents[1]
_NAME = "polytask-benchmark"
_START, _ALL = 180.0, 600.0
"""Seconds a server may take to start, and a load to be answered."""


@dataclass
class Load:
    """What came of a load."""

    seconds: float = 0.0
    cpu: float = 0.0
    batch: float | None = None
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)

    def at(self, share: float) -> float:
        """Milliseconds within which `share` of the requests were answered."""
        return 1000 * sorted(self.latencies)[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


def main() -> None:
    """Run all, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--requests", type=int, default=4000)
    parser.add_argument("--at-once", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1, help="threads of the model")
    parser.add_argument("--mlflow", action="store_true", help="also measure `mlflow models serve`")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="polytask-serving-") as scratch:
        os.environ |= {"POLYTASK_HOME": scratch, "OMP_NUM_THREADS": str(arguments.threads)}
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
        sys.path.insert(0, str(_ROOT))
        promote = _register(arguments.folder, Path(scratch))
        texts = _texts(arguments.folder, arguments.requests)
        loads = _measure(texts, arguments.at_once, promote, arguments.mlflow)
    _print(loads)
    lost = sum(number for load in loads.values() for status, number in load.statuses.items() if status != 200)
    if lost or set(loads["batched"].versions) != {"1", "2"}:
        sys.exit(f"{lost} requests lost; versions that answered: {dict(loads['batched'].versions)}")


def _register(folder: Path, scratch: Path) -> Callable[[int], None]:
    """Two versions, the first champion; gives what moves the champion."""
    from pipelines.environment import prepare

    prepare()
    import torch

    from mtl_models.networks.folder import load_model, save_model
    from steps.tracking import aliases, registry
    from steps.tracking.client import connect, experiment_id
    from steps.tracking.runs import LoggedRun

    model = load_model(folder)
    with torch.no_grad():
        for name, weights in model.network.named_parameters():
            if name.startswith("heads."):
                weights.mul_(2.0)
    save_model(model, scratch / "second")
    client = connect()
    experiment = experiment_id(client, "benchmark")
    run = LoggedRun(client.create_run(experiment).info.run_id, experiment, "benchmark", {})
    for version in (folder, scratch / "second"):
        registry.register(version, _NAME, run, {}, client=client)
    aliases.promote(_NAME, 1, client)
    return lambda number: aliases.promote(_NAME, number, client) and None


def _texts(folder: Path, count: int) -> list[str]:
    from mtl_models.networks.folder import load_model

    words = [word for vocabulary in load_model(folder).vocabularies.values() for word in vocabulary.tokens if word.isalpha()]
    source = random.Random(0)
    return [" ".join(source.choices(words, k=source.randint(3, 40))) for _ in range(count)]


def _measure(texts: list[str], at_once: int, promote: Callable[[int], None], mlflow: bool) -> dict[str, Load]:
    loads = {}
    with _serving("--poll", "0.5") as (server, url):
        _run(server, url, texts[:200], at_once)  # caches and connections warm
        loads["batched"] = _run(server, url, texts, at_once, halfway=lambda: promote(2))
    promote(1)
    with _serving("--batch", "1") as (server, url):
        _run(server, url, texts[:200], at_once)
        loads["alone"] = _run(server, url, texts, at_once)
    with _serving() as (server, url):
        _run(server, url, texts[:20], 1)
        loads["one asker"] = _run(server, url, texts[: len(texts) // 10], 1)
    if mlflow:
        with _mlflow_serving() as (server, url):
            _run(server, url, texts[:50], at_once, _invocation)
            loads["mlflow"] = _run(server, url, texts[: len(texts) // 4], at_once, _invocation)
    return loads


def _question(text: str) -> tuple[str, dict[str, object]]:
    return "/predict", {"texts": text}


def _invocation(text: str) -> tuple[str, dict[str, object]]:
    return "/invocations", {"dataframe_records": [{"text": text}]}


def _run(
    server: psutil.Process,
    url: str,
    texts: list[str],
    at_once: int,
    form: Callable[[str], tuple[str, dict[str, object]]] = _question,
    halfway: Callable[[], None] | None = None,
) -> Load:
    cpu, batches = _cpu(server), _batches(url)
    load = asyncio.run(_load(url, texts, at_once, form, halfway))
    load.cpu = _cpu(server) - cpu
    if batches is not None:
        after = _batches(url) or batches
        load.batch = (after[1] - batches[1]) / (after[0] - batches[0])
    return load


async def _load(
    url: str, texts: list[str], at_once: int, form: Callable[[str], tuple[str, dict[str, object]]], halfway: Callable[[], None] | None
) -> Load:
    load, left, moving = Load(), iter(enumerate(texts)), None

    async def ask(session: aiohttp.ClientSession) -> None:
        nonlocal moving
        for number, text in left:
            if halfway is not None and number == len(texts) // 2:
                moving = asyncio.create_task(asyncio.to_thread(halfway))
            path, question = form(text)
            began = time.perf_counter()
            try:
                async with session.post(path, json=question) as answer:
                    said = await answer.json()
                    load.statuses[answer.status] += 1
                    load.versions[said.get("model", {}).get("version", "?")] += 1
            except aiohttp.ClientError:
                load.statuses[0] += 1
            load.latencies.append(time.perf_counter() - began)

    connector = aiohttp.TCPConnector(limit=at_once)
    async with aiohttp.ClientSession(url, connector=connector) as session, asyncio.timeout(_ALL):
        began = time.perf_counter()
        await asyncio.gather(*(ask(session) for _ in range(at_once)))
        load.seconds = time.perf_counter() - began
        if moving is not None:
            await moving
    return load


@contextmanager
def _serving(*words: str) -> Iterator[tuple[psutil.Process, str]]:
    command = "from pipelines.cli import main; main()"
    with _server([sys.executable, "-c", command, "serve", *words], "/ready") as found:
        yield found


@contextmanager
def _mlflow_serving() -> Iterator[tuple[psutil.Process, str]]:
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{Path(os.environ['POLYTASK_HOME']) / 'mlflow.db'}"
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    words = ["models", "serve", "-m", f"models:/{_NAME}@champion", "--env-manager", "local", "-h", "127.0.0.1"]
    with _server([sys.executable, "-m", "mlflow", *words], "/ping") as found:
        yield found


@contextmanager
def _server(command: list[str], path: str) -> Iterator[tuple[psutil.Process, str]]:
    """A server on a free port, from its first answer to its end; its children end with it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + _START
        while not _answers(url + path):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"the server did not start: {' '.join(command)}")
            time.sleep(0.2)
        yield psutil.Process(process.pid), url
    finally:
        family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
        for member in family:
            member.terminate()
        process.wait()
        psutil.wait_procs(family, timeout=10)


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False


def _cpu(server: psutil.Process) -> float:
    return sum(sum(member.cpu_times()[:2]) for member in (server, *server.children(recursive=True)))


def _batches(url: str) -> tuple[float, float] | None:
    """Passes of the model and the texts in them so far; None for a server that does not say."""
    answer = requests.get(f"{url}/metrics", timeout=10)
    if not answer.ok:
        return None
    said = dict(line.rsplit(" ", 1) for line in answer.text.splitlines() if line.startswith("polytask_batch_texts_"))
    return float(said["polytask_batch_texts_count"]), float(said["polytask_batch_texts_sum"])


def _print(loads: dict[str, Load]) -> None:
    print(f"\n{'server':<10}{'requests':>9}{'lost':>6}{'per s':>8}{'p50 ms':>9}{'p99 ms':>9}{'batch':>7}{'CPU ms':>8}  answered by version")
    for name, load in loads.items():
        count = load.statuses.total()
        batch = "" if load.batch is None else f"{load.batch:.1f}"
        figures = f"{count - load.statuses[200]:>6}{count / load.seconds:8.0f}{load.at(0.5):9.1f}{load.at(0.99):9.1f}"
        versions = ", ".join(f"{version}: {number}" for version, number in sorted(load.versions.items()))
        print(f"{name:<10}{count:>9}{figures}{batch:>7}{1000 * load.cpu / count:8.1f}  {versions}")


if __name__ == "__main__":
    main()
