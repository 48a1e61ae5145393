"""Memory and time of reading a corpus, against its number of rows: `python benchmarks/corpus_memory.py [--rows 500000 1000000 ...]`.

For each size a CSV file of made rows is written to a temporary folder, and a fresh process ingests it, separates it from another task's
corpus, fingerprints and validates it. Printed per stage: processor seconds a million rows (wall time on an idle machine); and for the
whole process the peak of resident memory (VmHWM, which counts mapped file pages that the kernel may drop at will) and of its anonymous
part (memory that is really held). Both include Python and its imports. Linux only, since it reads /proc.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

_SIZES = [500_000, 1_000_000, 2_000_000, 5_000_000]
_LIMIT_MIB = 2_000
_STAGES = ("ingest", "separate", "fingerprint", "validate")


def main() -> None:
    """Measure every size and print a table; exit with 1 if the largest is over the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=_SIZES)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.measure)))
        return
    print("| rows | file, MiB | " + " | ".join(f"{stage}, CPU s per 1M" for stage in _STAGES) + " | peak RSS, MiB | peak anonymous, MiB |")
    print("| ---: " * (len(_STAGES) + 4) + "|")
    worst = 0.0
    for rows in arguments.rows:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "made.csv"
            make_rows(file, rows)
            command = [sys.executable, __file__, "--measure", str(file)]
            done = subprocess.run(
                command, env={**os.environ, "POLYTASK_HOME": f"{folder}/runs"}, stdout=subprocess.PIPE, text=True, check=True
            )
            found = json.loads(done.stdout.splitlines()[-1])
            seconds = " | ".join(f"{found[stage] / rows * 1e6:.1f}" if stage in found else "" for stage in _STAGES)
            size = file.stat().st_size >> 20
            print(f"| {rows:,} | {size} | {seconds} | {found['peak_rss']:.0f} | {found['peak_anonymous']:.0f} |", flush=True)
            worst = max(worst, found["peak_rss"])
    if worst > _LIMIT_MIB:
        sys.exit(f"peak RSS {worst:.0f} MiB is over {_LIMIT_MIB} MiB")


def make_rows(file: Path, rows: int) -> None:
    """Texts of 6 to 18 made words, two labels, reviews of ten rows; one row in a hundred repeats an earlier text."""
    chance = random.Random(13)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in range(50_000)] + [
        "naïve",
        "“so”",
        "हिन्दी",
    ]
    text = ""
    with file.open("w", encoding="utf-8", newline="") as sink:
        writer = csv.writer(sink)
        writer.writerow(["id", "review", "text", "label"])
        for row in range(rows):
            if row % 100:
                text = " ".join(chance.choices(words, k=6 + row % 13))
            writer.writerow([row, row // 10, text, "positive" if chance.random() < 0.6 else "negative"])


def measure(file: Path) -> dict[str, float]:
    """Seconds of each stage, and peaks of memory in MiB."""
    from mtl_models.config.corpus import Corpus, Validation
    from mtl_models.corpora.ingest import ingest
    from mtl_models.corpora.leaks import separate

    peak = _watch_anonymous_memory()
    found: dict[str, float] = {}
    started = time.process_time()
    config = Corpus.model_validate({"source": {"path": str(file)}, "id": "id", "group": {"column": "review"}})
    corpus = ingest("made", config, seed=13)
    found["ingest"] = time.process_time() - started

    few = Corpus.model_validate({"source": {"path": str(file)}, "rows": [0, 20_000]})
    other = ingest("few", few, seed=14)
    started = time.process_time()
    corpus = separate([corpus, other], "made")
    found["separate"] = time.process_time() - started

    started = time.process_time()
    corpus.fingerprint  # noqa: B018 (computed on first use)
    found["fingerprint"] = time.process_time() - started
    try:
        from mtl_models.corpora.validation.validate import validate
    except ImportError:
        pass
    else:
        started = time.process_time()
        validate(corpus, Validation())
        found["validate"] = time.process_time() - started
    return {**found, "peak_rss": _status("VmHWM"), "peak_anonymous": peak[0]}


def _status(key: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) / 1024
    raise KeyError(key)


def _watch_anonymous_memory() -> list[float]:
    """A list whose one number follows the largest anonymous memory seen, looked at twenty times a second."""
    peak = [0.0]

    def look() -> None:
        while True:
            peak[0] = max(peak[0], _status("RssAnon"))
            time.sleep(0.05)

    threading.Thread(target=look, daemon=True).start()
    return peak


if __name__ == "__main__":
    main()
