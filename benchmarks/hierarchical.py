"""What a longer text costs each kind on words: time and memory of one update and of one answer, by the number of words.

    python benchmarks/hierarchical.py

One text of n words, hidden 128, one thread. For every kind and n: seconds and peak memory of a training update (forward, loss,
backward), and of an answer, and the ratio to half the words: about 2 where the cost is in proportion.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

import numpy as np
import torch

from mtl_models.config.hierarchical import Hierarchical
from mtl_models.config.text import TextOptions
from mtl_models.networks.build import build_network
from mtl_models.networks.network import Batch, Words
from mtl_models.tasks.structure import structure_of
from mtl_models.tasks.task import Task

TASKS = {
    "tagging": Task("task", "tagging", ("LOC", "MISC", "ORG", "PER"), text=TextOptions(words="spaces")),
    "mentions": Task("task", "mentions", ("FAC", "GPE", "LOC", "ORG", "PER", "VEH"), text=TextOptions(words="spaces"), depth=3),
    "relations": Task("task", "relations", ("Kill", "Live_In", "Located_In"), text=TextOptions(words="spaces")),
    "coreference": Task("task", "coreference", ("cluster",), text=TextOptions(words="spaces"), singletons=True),
}
ANNOTATIONS = {
    "tagging": [[1, 3, 0]],
    "mentions": [[1, 3, 0], [2, 3, 4]],
    "relations": [[1, 3, 5, 6, 1]],
    "coreference": [[1, 3, 0], [5, 6, 0]],
}


def measured(kind: str, words: int) -> tuple[float, float, float]:
    """Seconds of an update, of an answer, and the MiB that both took at most beyond what stood before."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = build_network(Hierarchical(name="hierarchical"), [TASKS[kind]], {"shared": torch.randn(5_000, 50)})
    structure = structure_of(TASKS[kind])
    ids = torch.randint(2, 5_000, (1, words))
    place = Words(torch.tensor([words]), torch.arange(words).unsqueeze(0), torch.randint(1, 257, (1, words, 24)))
    batch = Batch(ids, torch.tensor([words]), {"task": torch.tensor([0])}, words=place)
    labels = torch.tensor([ANNOTATIONS[kind]])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    updates, answers = [], []
    for _ in range(3):
        began = time.process_time()
        structure.loss(network(batch).logits["task"], labels).backward()
        updates.append(time.process_time() - began)
        began = time.process_time()
        with torch.inference_mode():
            structure.annotations(network(batch).logits["task"])
        answers.append(time.process_time() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(np.min(updates)), float(np.min(answers)), (peak - before) / 1024


def main() -> None:
    """Every measurement in a process of its own, so that the peaks do not mix."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--words", type=int, nargs="*", default=[500, 1000, 2000, 4000])
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(*measured(asked.one[0], int(asked.one[1])))
        return
    print("| kind | words | update s | ratio | answer s | ratio | MiB | ratio |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for kind in TASKS:
        last: list[float] = []
        for words in asked.words:
            told = subprocess.run([sys.executable, __file__, "--one", kind, str(words)], capture_output=True, text=True, check=True).stdout
            now = [float(number) for number in told.split()]
            ratios = [f"{new / old:.1f}" for new, old in zip(now, last, strict=True)] if last else ["", "", ""]
            cells = [
                cell for value, ratio, form in zip(now, ratios, (".2f", ".2f", ".0f"), strict=True) for cell in (format(value, form), ratio)
            ]
            print(f"| {kind} | {words:,} | {' | '.join(cells)} |", flush=True)
            last = now


if __name__ == "__main__":
    main()
