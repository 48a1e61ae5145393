"""A corpus: one task's labelled texts in three splits, with the account of how they came to be."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import datasets
import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import BaseModel

from mtl_models.config.experiment import Kind
from mtl_models.corpora.annotations import WIDTHS, as_rows, on_words, type_counts
from mtl_models.corpora.arrow import RowWriter, Texts, open_rows
from mtl_models.files import sha256_of, writing_file, writing_folder

__all__ = ["FEATURES", "SPLITS", "Corpus", "CorpusReport", "Split", "features_of", "label_values"]

Split = Literal["train", "dev", "test"]
SPLITS: tuple[Split, ...] = ("train", "dev", "test")

FEATURES = datasets.Features(
    {
        "id": datasets.Value("string"),
        "text": datasets.Value("string"),
        "label": datasets.Value("int32"),
        "group": datasets.Value("string"),
    }
)
"""Columns of every split: `label` indexes `Corpus.labels`; `group` is empty where rows stand alone."""

_LABEL_FEATURES: Mapping[str, Any] = {
    "multi_label": datasets.List(datasets.Value("int8")),
    "rating": datasets.Value("float64"),
    **dict.fromkeys(WIDTHS, datasets.List(datasets.Value("int32"))),
}

_REPORT = "corpus.json"


def features_of(kind: str) -> datasets.Features:
    """The columns of a corpus of that kind: `label` is a class number, of several labels a list of K (1, 0, or -100 where nobody knows),
    of a rating the number; labels of words are the numbers of `annotations`, end to end.
    """
    return datasets.Features({**FEATURES, "label": _LABEL_FEATURES.get(kind, FEATURES["label"])})


def label_values(column: Any, labels: int) -> NDArray[Any]:
    """An Arrow column `label` as an array, in its own type: (N,), or (N, `labels`) where it holds lists."""
    if not str(column.type).startswith("list"):
        return np.asarray(column.to_numpy(zero_copy_only=False) if hasattr(column, "offset") else column.to_numpy())
    flat = pc.list_flatten(column)
    return np.asarray(flat.to_numpy(zero_copy_only=False) if hasattr(flat, "offset") else flat.to_numpy()).reshape(-1, labels)


def _label_bytes(column: Any, corpus: Corpus) -> bytes:
    if not on_words(corpus.kind):
        return label_values(column, len(corpus.labels)).tobytes()
    lengths, numbers = np.asarray(pc.list_value_length(column)), np.asarray(pc.list_flatten(column))
    return lengths.astype(np.int32).tobytes() + numbers.astype(np.int32).tobytes()


class CorpusReport(BaseModel):
    """Where the rows came from and what happened to them; kept beside them and shown in the run's report."""

    task: str
    kind: Kind = "single_label"
    source: str
    source_sha256: str | None = None
    labels: tuple[str, ...]
    rows_read: int
    dropped: dict[str, int] = {}
    """Reason -> rows left out, e.g. "label outside every band", "duplicate", "duplicate across splits"."""
    leaks: dict[str, int] = {}
    """Other task -> train and dev rows of this task left out because that task holds the same text out."""


@dataclass(frozen=True)
class Corpus:
    """Texts and labels of one task. The splits are memory-mapped `datasets.Dataset`s with the columns `FEATURES`."""

    report: CorpusReport
    splits: Mapping[Split, datasets.Dataset]

    @property
    def task(self) -> str:
        """The task's name."""
        return self.report.task

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names; a row's `label` is an index into them, or a list as long as they are. Of a rating, the name of its column; of labels
        of words, the types.
        """
        return self.report.labels

    @property
    def kind(self) -> Kind:
        """What a label is."""
        return self.report.kind

    def texts(self, split: Split) -> Texts:
        """The texts of a split, in order."""
        return Texts(self.splits[split])

    def gold(self, split: Split) -> NDArray[Any]:
        """The labels of a split: class numbers (N,) int64; of several labels (N, K) int8; of a rating (N,) float64; of words an object
        array (N,) of `Annotations`.
        """
        column = self.splits[split].select_columns(["label"]).with_format("arrow")[:]["label"]
        if on_words(self.kind):
            return as_rows(column, self.kind)
        values = label_values(column, len(self.labels))
        return values.astype(np.int64) if values.dtype == np.int32 else values

    def class_counts(self, split: Split) -> NDArray[np.int64]:
        """Rows of a split that have each of the K labels (K,); of a rating, all of them (1,); of words, annotations of each type (K,)."""
        gold = self.gold(split)
        if on_words(self.kind):
            totals: NDArray[np.int64] = type_counts(gold, self.kind, len(self.labels)).sum(axis=0)
            return totals
        if self.kind == "rating":
            return np.array([len(gold)])
        return (gold == 1).sum(axis=0) if gold.ndim == 2 else np.bincount(gold, minlength=len(self.labels))

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over the labels and every row of every split, in order; equal content, equal fingerprint."""
        digest = hashlib.sha256(repr(self.labels).encode())
        for split in SPLITS:
            digest.update(split.encode())
            for batch in self.splits[split].with_format("arrow").iter(batch_size=10_000):
                digest.update(_label_bytes(batch["label"], self))
                for name in ("id", "text", "group"):
                    digest.update(pc.binary_length(batch[name]).to_numpy().tobytes())
                    digest.update("".join(batch[name].to_pylist()).encode())
        return digest.hexdigest()

    def save(self, folder: Path) -> None:
        """Write one parquet file per split and the report; the folder appears whole or not at all."""
        with writing_folder(folder) as draft:
            for split in SPLITS:
                self.splits[split].to_parquet(str(draft / f"{split}.parquet"))
            (draft / _REPORT).write_text(self.report.model_dump_json(indent=2), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, cache: Path) -> Corpus:
        """Read what `save` wrote; the memory-mapped form is kept below `cache`, by the content of the files."""
        report = CorpusReport.model_validate_json((folder / _REPORT).read_text(encoding="utf-8"))
        splits: dict[Split, datasets.Dataset] = {}
        for split in SPLITS:
            path = folder / f"{split}.parquet"
            mapped = cache / f"{sha256_of(path)}.arrow"
            if not mapped.is_file():
                with writing_file(mapped) as draft, RowWriter(draft, features_of(report.kind)) as writer, pq.ParquetFile(path) as file:
                    for batch in file.iter_batches(10_000, use_threads=False):
                        writer.write({name: batch[name] for name in FEATURES})
            splits[split] = open_rows(mapped)
        return cls(report, splits)
