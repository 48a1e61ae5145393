"""What a user loses if these fail: a page whose commands, typed one after the other, do what it says.

Every ```sh block of every page is run, page by page, in a scratch project where the demo was trained twice (pages of `FROM_NOTHING`: where
nothing was). Configurations are those of the project, cut to few rows and epochs; a yaml block that begins with `name:` becomes
`configs/NAME.yaml`. Two comments before a block say otherwise:

    <!-- not run: REASON -->   it needs a cluster, a hub, data that is not part of the project, hours
    <!-- stays: URL -->        it is a server: it runs beside the rest of the page, which goes on when URL answers

What only installs (`pip install`) is not run either.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "benchmarks" / "README.md"]
FROM_NOTHING = {"README.md", "docs/getting-started.md", "docs/your-own-data.md"}
BLOCK = re.compile(r"^(?:<!-- (not run|stays): (.+?) -->\n)?```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"^```yaml\n((?:#.*\n)*name: ([\w-]+)\n.*?)^```$", re.MULTILINE | re.DOTALL)
SMALL: dict[str, Any] = {"evaluation": {"resamples": 100}, "gate": {"min_mean_gain": -1.0, "max_regression": 1.0}}
"""So few rows say nothing, and a model that the gate keeps back would end half of the pages."""
SECONDS = 1200


@dataclass(frozen=True)
class Block:
    mark: str
    """`not run`, `stays`, or nothing."""
    why: str
    text: str


def blocks_of(page: Path) -> list[Block]:
    found = [Block(*parts) for parts in BLOCK.findall(page.read_text(encoding="utf-8"))]
    return [block for block in found if not block.text.startswith("pip install")]


def runnable_pages() -> list[Any]:
    pages = [page for page in PAGES if any(block.mark != "not run" for block in blocks_of(page))]
    return [pytest.param(page, id=str(page.relative_to(ROOT))) for page in pages]


def script_of(page: Path) -> str:
    """The page as one shell script; a server runs in the background until the page ends."""
    lines = ["set -euo pipefail"]
    for number, block in enumerate(blocks_of(page)):
        if block.mark == "stays":
            wait = f"for _ in $(seq 120); do curl --silent --fail --output /dev/null {block.why} && break; sleep 1; done"
            lines += [f"({block.text}) > server{number}.log 2>&1 &", wait, f"curl --silent --fail --output /dev/null {block.why}"]
        elif not block.mark:
            lines += ["set -x", block.text, "{ set +x; } 2> /dev/null"]
    return "\n".join(lines)


def end_session(group: int) -> None:
    """End servers and whatever else is left, and wait for it: the next page wants their ports."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGTERM)
        for _ in range(300):
            os.killpg(group, 0)
            time.sleep(0.1)
        os.killpg(group, signal.SIGKILL)


def run_script(text: str, folder: Path) -> None:
    """Run it in a session of its own, and end what it left running."""
    variables = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "POLYTASK_HOME": str(folder / "runs"),
        "COLUMNS": "120",
        "NO_COLOR": "1",
    }
    with (folder / "output.log").open("w", encoding="utf-8") as log:
        shell = subprocess.Popen(
            ["bash", "-c", text], cwd=folder, env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        try:
            code = shell.wait(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            end_session(shell.pid)
    said = "\n".join(f"== {path.name}\n{path.read_text(encoding='utf-8')[-6000:]}" for path in sorted(folder.glob("*.log")))
    assert code == 0, f"ended with {code}\n{said}"


def cut(path: Path) -> None:
    """Few rows and epochs; the rest as it stands."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    for task in data["tasks"].values():
        if isinstance(task, dict) and isinstance(task["corpus"], dict):
            task["corpus"].setdefault("splits", {})["train_rows"] = 120
    data.get("defaults", {}).get("corpus", {}).pop("splits", None)
    data.setdefault("training", {})["epochs"] = 1
    path.write_text(yaml.safe_dump(data | SMALL, sort_keys=False), encoding="utf-8")


def write_data(folder: Path) -> None:
    """The files that examples speak of, from the tutorial's made table."""
    subprocess.run([sys.executable, "docs/tutorial/messages.py", "data/messages.csv"], cwd=folder, check=True)
    with (folder / "data" / "messages.csv").open(encoding="utf-8", newline="") as file:
        rows = [{"text": row["text"], "label": row["mood"]} for row in csv.DictReader(file)]
    with (folder / "data" / "movie.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, ["text", "label"])
        table.writeheader()
        table.writerows(rows[:300])
    with gzip.open(folder / "data" / "tweets.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows[300:])
    texts = [row["text"] for row in rows[:50]]
    (folder / "texts.txt").write_text("\n".join(texts) + "\n", encoding="utf-8")
    for name in ("texts.csv", "reviews.csv"):
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["text"], *([text] for text in texts)])


def empty_home(folder: Path) -> None:
    """A home where nothing is but what was fetched before."""
    shutil.rmtree(folder / "runs", ignore_errors=True)
    (folder / "runs").mkdir()
    (folder / "runs" / "downloads").symlink_to(ROOT / "runs" / "downloads")


@pytest.fixture(scope="module")
def empty_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Configurations and data; nothing trained."""
    folder = tmp_path_factory.mktemp("docs") / "project"
    shutil.copytree(ROOT / "configs", folder / "configs")
    shutil.copytree(ROOT / "docs" / "tutorial", folder / "docs" / "tutorial")
    for path in sorted((folder / "configs").glob("*.yaml")):
        cut(path)
    for path in sorted((folder / "configs" / "studies").glob("*.yaml")):
        study = yaml.safe_load(path.read_text(encoding="utf-8")) | {"seeds": [0], "changes": ["training.epochs=1"]}
        path.write_text(yaml.safe_dump(study, sort_keys=False), encoding="utf-8")
    write_data(folder)
    return folder


@pytest.fixture(scope="module")
def trained_home(empty_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `runs/` holds after two runs of the demo: two versions, of which the second took the first one's place."""
    empty_home(empty_project)
    run_script("polytask run configs/demo.yaml && polytask run configs/demo.yaml --set seed=14", empty_project)
    kept = tmp_path_factory.mktemp("docs") / "trained"
    shutil.move(empty_project / "runs", kept)
    return kept


@pytest.fixture
def project(request: pytest.FixtureRequest, empty_project: Path) -> Iterator[Path]:
    """The project with a home as the page wants it, always at one and the same place: the registry holds absolute paths."""
    if str(request.node.callspec.params["page"].relative_to(ROOT)) in FROM_NOTHING:
        empty_home(empty_project)
    else:
        trained = request.getfixturevalue("trained_home")
        shutil.rmtree(empty_project / "runs", ignore_errors=True)
        shutil.copytree(trained, empty_project / "runs", symlinks=True)
    before = set(empty_project.iterdir())
    yield empty_project
    for made in set(empty_project.iterdir()) - before:
        shutil.rmtree(made) if made.is_dir() else made.unlink()


@pytest.mark.timeout(SECONDS + 300, func_only=True)
@pytest.mark.parametrize("page", runnable_pages())
def test_the_commands_of_a_page_work_as_they_stand(page: Path, project: Path) -> None:
    for text, name in NAMED.findall(page.read_text(encoding="utf-8")):
        shown = yaml.safe_load(text) | SMALL
        (project / "configs" / f"{name}.yaml").write_text(yaml.safe_dump(shown, sort_keys=False), encoding="utf-8")
    run_script(script_of(page), project)
