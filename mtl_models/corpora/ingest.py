"""From a source to a corpus: read, labelled, without duplicates, split; memory-mapped, and kept in the home folder by content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mtl_models.config.corpus import Corpus as CorpusConfig
from mtl_models.config.corpus import Splits
from mtl_models.config.experiment import Kind
from mtl_models.corpora.annotations import on_words
from mtl_models.corpora.arrow import RowWriter, iterate_batches, open_rows
from mtl_models.corpora.classes import class_names, label_table, strata
from mtl_models.corpora.corpus import SPLITS, Corpus, CorpusReport, Split, features_of
from mtl_models.corpora.documents.files import with_columns
from mtl_models.corpora.duplicates import keep_apart, keep_unique
from mtl_models.corpora.labels import Target
from mtl_models.corpora.locks import alone
from mtl_models.corpora.parts import open_parts, sources_of
from mtl_models.corpora.sources import describe, fingerprint, pinned
from mtl_models.corpora.splits import choose_rows, deal, deal_by_text, deal_sets, rarest
from mtl_models.corpora.staging import Stage, stage
from mtl_models.errors import CorpusError
from mtl_models.files import writing_folder
from mtl_models.home import home_folder

__all__ = ["content_key", "ingest"]

_OUT = -1
"""The split of a row that is left out."""


def ingest(task: str, corpus: CorpusConfig, seed: int, kind: Kind = "single_label") -> Corpus:
    """The corpus of a task of that kind. Equal content, configuration and seed give equal splits, read from the home folder next time.

    Raises `CorpusError` naming source and row where the source cannot be had, a row is malformed, without text or label or with an unknown
    one, ids repeat, there are no rows or a single class, or a class has too few rows to be in every split (dealt by text, or one of several
    labels: to be in train).
    """
    prints = [fingerprint(source) for source in sources_of(corpus)]
    key = content_key(task, corpus, seed, kind, prints)
    folder = home_folder("cache", "corpora") / key
    with alone(key):
        if not folder.is_dir():
            with writing_folder(folder) as draft:
                fetched = _as_fetched(corpus, prints)
                _make(task, fetched, seed, kind, prints, draft)
                if [fingerprint(source) for source in sources_of(fetched)] != prints:
                    raise CorpusError(f"{describe(corpus.source)}: the source changed while it was read; run again")
    report = CorpusReport.model_validate_json((folder / "corpus.json").read_text(encoding="utf-8"))
    return Corpus(report, {split: open_rows(folder / f"{split}.arrow") for split in SPLITS})


def content_key(task: str, corpus: CorpusConfig, seed: int, kind: Kind, prints: Sequence[str]) -> str:
    """A sha256 that changes with the prints of the sources, their configuration, the kind, the seed, or the code that reads and splits."""
    here = Path(__file__).parent
    later = ("leaks", "fresh")  # what later steps do with a corpus
    modules = [path for path in sorted([*here.glob("*.py"), *here.glob("documents/*.py")]) if path.stem not in later]
    code = hashlib.sha256(b"".join(path.read_bytes() for path in modules)).hexdigest()
    parts = [task, seed, kind, corpus.model_dump(mode="json"), code, [*prints]]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _as_fetched(corpus: CorpusConfig, prints: Sequence[str]) -> CorpusConfig:
    """With every URL held to the bytes that were fetched, so that a server without checksums is not asked for them again."""
    first, *others = [pinned(source, found) for source, found in zip(sources_of(corpus), prints, strict=True)]
    update: dict[str, Any] = {"source": first}
    if others:
        sources = dict(zip(corpus.splits.sources or {}, others, strict=True))
        update["splits"] = corpus.splits.model_copy(update={"sources": sources})
    return corpus.model_copy(update=update)


def _make(task: str, corpus: CorpusConfig, seed: int, kind: Kind, prints: Sequence[str], folder: Path) -> None:
    source = ", ".join(describe(source) for source in sources_of(corpus))
    corpus = with_columns(corpus) if on_words(kind) else corpus
    staged_at = folder / "stage.arrow"
    staged = stage(open_parts(corpus, kind), corpus, staged_at, f"reading {task}", kind)
    labels = class_names(_found(staged, source), corpus.label, kind, source)
    table = label_table(staged.names, labels, kind)
    stratum = strata(table, staged.label, kind, len(labels))
    if on_words(kind):
        keep, repeated = keep_apart(staged.key, staged.part)
    else:
        keep, repeated = keep_unique(staged.key, staged.exact, staged.label, staged.part)
    split = np.where(keep, staged.part, np.int8(_OUT))
    _deal_free_rows(split, staged, stratum, corpus.splits, seed)
    if on_words(kind):
        repeated = _part_copies(split, staged, repeated)
    capped = _cap_train(split, staged, stratum, corpus.splits, seed)
    if on_words(kind):
        _check_types(stratum[split == SPLITS.index("train")], labels, source)
    elif kind != "rating":
        _check_classes(split, staged, table, labels, corpus.splits, source)
    _write_splits(staged_at, split, table, kind, folder)
    staged_at.unlink()
    report = CorpusReport(
        task=task,
        kind=kind,
        source=source,
        source_sha256=prints[0] if len(prints) == 1 else hashlib.sha256("\n".join(prints).encode()).hexdigest(),
        labels=labels,
        rows_read=staged.rows_read,
        dropped={**staged.dropped, **repeated, **capped},
    )
    (folder / "corpus.json").write_text(report.model_dump_json(indent=2), encoding="utf-8")


def _found(staged: Stage, source: str) -> list[Target]:
    """The labels that rows have."""
    if len(staged.label) == 0:
        reasons = ", ".join(f"{count} for '{reason}'" for reason, count in staged.dropped.items())
        raise CorpusError(f"{source}: of {staged.rows_read} rows none is left; dropped: {reasons}")
    counts = np.bincount(staged.label, minlength=len(staged.names))
    return [name for name, count in zip(staged.names, counts, strict=True) if count]


def _deal_free_rows(split: npt.NDArray[np.int8], staged: Stage, stratum: npt.NDArray[Any], splits: Splits, seed: int) -> None:
    """Deal rows of the train part out to the splits that were not given; changes `split`."""
    share: dict[Split, float] = {"dev": splits.dev, "test": splits.test}
    missing: list[Split] = [name for name in ("dev", "test") if not (staged.part == SPLITS.index(name)).any() and share[name] > 0]
    free = np.flatnonzero(split == SPLITS.index("train"))
    if not missing or not len(free):
        return
    shares = [1.0 - sum(share[name] for name in missing), *(share[name] for name in missing)]
    group, key = staged.group[free], staged.key[free]
    if splits.by == "text":
        dealt = deal_by_text(group, key, shares, seed)
    elif stratum.ndim == 2:
        dealt = deal_sets(stratum[free], group, key, shares, seed)
    else:
        dealt = deal(stratum[free], group, key, shares, seed)
    split[free] = np.array([SPLITS.index(name) for name in ("train", *missing)], dtype=np.int8)[dealt]


def _part_copies(split: npt.NDArray[np.int8], staged: Stage, repeated: dict[str, int]) -> dict[str, int]:
    """Leave out copies that dealing has put on two sides of a split; changes `split`, and adds them to what went before."""
    keep, more = keep_apart(staged.key, split)
    split[~keep] = _OUT
    return {reason: repeated.get(reason, 0) + more.get(reason, 0) for reason in {**repeated, **more}}


def _cap_train(split: npt.NDArray[np.int8], staged: Stage, stratum: npt.NDArray[Any], splits: Splits, seed: int) -> dict[str, int]:
    """Leave out train rows beyond `splits.train_rows`; changes `split`."""
    most, seed = splits.train_rows, seed if splits.train_rows_seed is None else splits.train_rows_seed
    train = np.flatnonzero(split == SPLITS.index("train"))
    if most is None or len(train) <= most:
        return {}
    label = stratum[train] if stratum.ndim == 1 else rarest(stratum[train])
    kept = train[choose_rows(label, staged.key[train], most, seed)]
    split[train] = _OUT
    split[kept] = SPLITS.index("train")
    return {"beyond train_rows": len(train) - most}


def _check_classes(
    split: npt.NDArray[np.int8], staged: Stage, table: npt.NDArray[Any], labels: tuple[str, ...], splits: Splits, source: str
) -> None:
    """Every class must be in every split; only a split that was neither given nor has a share may be empty.

    Where rows are dealt by text, or have several labels, nobody can see to that but in train; validation warns of the rest.
    """
    share = {"train": 1.0, "dev": splits.dev, "test": splits.test}
    loose = splits.by == "text" or table.ndim == 2
    for number, name in enumerate(SPLITS):
        if not (share[name] or (staged.part == number).any()) or (loose and name != "train"):
            continue
        counts = np.bincount(staged.label[split == number], minlength=len(staged.names))
        for place, label in enumerate(labels):
            mine = table[:, place] == 1 if table.ndim == 2 else table == place
            if counts[mine].sum() == 0:
                rows = mine[staged.label] & (split != _OUT)
                grouped = staged.group[rows]
                groups = len(np.unique(grouped[grouped != 0])) + int((grouped == 0).sum())
                having = f"{rows.sum()} row{'s' if rows.sum() > 1 else ''}" + (f" in {groups} groups" if groups < rows.sum() else "")
                raise CorpusError(
                    f"{source}: no row of class '{label}' in {name}: the class has {having}, duplicates left out; "
                    "add rows, merge or drop the class, or change splits.dev, splits.test or splits.train_rows"
                )


def _check_types(has: npt.NDArray[np.bool_], labels: tuple[str, ...], source: str) -> None:
    """Every type of labels of words must be somewhere in train; `has` (N, K) says which types the train rows have."""
    lacking = [label for label, found in zip(labels, np.count_nonzero(has, axis=0).tolist(), strict=True) if not found]
    if lacking:
        raise CorpusError(
            f"{source}: no text in train has a '{lacking[0]}'; add texts, leave the type out (label.map: {{{lacking[0]}: null, ...}}), "
            "or change splits.dev, splits.test or splits.train_rows"
        )


def _write_splits(staged: Path, split: npt.NDArray[np.int8], table: npt.NDArray[Any], kind: Kind, folder: Path) -> None:
    """Second pass: the stage file's rows go to one file per split, with the final labels, `table` (S, ...)."""
    first = 0
    writers = [RowWriter(folder / f"{name}.arrow", features_of(kind)) for name in SPLITS]
    try:
        for batch in iterate_batches(staged):
            of_rows = split[first : first + batch.num_rows]
            first += batch.num_rows
            for number, writer in enumerate(writers):
                rows = batch.filter(of_rows == number)
                if rows.num_rows:
                    label = table[rows["label"].to_numpy()]
                    stored = list(label) if label.ndim == 2 or label.dtype == object else label
                    writer.write({"id": rows["id"], "text": rows["text"], "label": stored, "group": rows["group"]})
    finally:
        for writer in writers:
            writer.close()
