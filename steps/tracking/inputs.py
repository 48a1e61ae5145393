"""Corpora as dataset inputs of a run: lineage from a model to the rows it was trained on."""

from __future__ import annotations

import json
from typing import Any

from mlflow.entities import Dataset, DatasetInput, InputTag

from mtl_models.corpora.annotations import WIDTHS
from mtl_models.corpora.corpus import FEATURES, SPLITS, Corpus

__all__ = ["corpus_input"]

_LONGEST_DIGEST = 36
"""MLflow takes no longer one; the whole fingerprint is in the source and in the run's tags."""

_LABELS: dict[str, dict[str, Any]] = {
    "single_label": {"type": "long"},
    "ordinal": {"type": "long"},
    "multi_label": {"type": "array", "items": {"type": "long"}},
    "rating": {"type": "double"},
    **{kind: {"type": "array", "items": {"type": "long"}} for kind in WIDTHS},
}
"""The type of the column `label`, as MLflow writes it."""


def corpus_input(corpus: Corpus) -> DatasetInput:
    """The corpus of one task, as MLflow keeps it: name, digest, source, columns, rows per split; tagged with context and task."""
    source = {"source": corpus.report.source, "sha256": corpus.report.source_sha256, "fingerprint": corpus.fingerprint}
    columns = [{"name": name, **(_LABELS[corpus.kind] if name == "label" else {"type": "string"}), "required": True} for name in FEATURES]
    profile = {
        "rows": {split: len(corpus.splits[split]) for split in SPLITS},
        "labels": list(corpus.labels),
        "rows_read": corpus.report.rows_read,
        "dropped": corpus.report.dropped,
        "leaks": corpus.report.leaks,
    }
    dataset = Dataset(
        name=corpus.task,
        digest=corpus.fingerprint[:_LONGEST_DIGEST],
        source_type="polytask-corpus",
        source=json.dumps(source, ensure_ascii=False),
        schema=json.dumps({"mlflow_colspec": columns}),
        profile=json.dumps(profile, ensure_ascii=False),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "training"), InputTag("task", corpus.task)])
