"""`polytask predict`: what a model says of texts, for every task at once."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from mtl_models.errors import ConfigError
from pipelines.environment import prepare

if TYPE_CHECKING:
    from mtl_models.inference.predictor import Prediction

__all__ = ["model_folder", "predict_texts"]


def predict_texts(texts: Sequence[str], file: Path | None, model: str | None, tasks: Sequence[str] | None, form: str) -> None:
    """Print one row per text and task; a file is read and answered in parts, so it may be larger than memory."""
    if bool(texts) == bool(file):
        raise ConfigError('give texts, or a file: polytask predict "love this phone", or polytask predict --file texts.txt')
    prepare()
    folder = model_folder(model)

    from mtl_models import load_model

    predictor = load_model(folder)
    wanted = list(tasks) if tasks else None
    parts: Iterable[list[Prediction]] = (
        [predictor.predict(list(texts), wanted)] if file is None else predictor.predict_file(file, tasks=wanted)
    )
    rows = (row for part in parts for row in part)
    {"table": _as_table, "json": _as_json, "csv": _as_csv}[form](rows)


def model_folder(model: str | None) -> Path:
    """The folder of the model asked for: a path as it is, else what the registry holds under the URI."""
    if model is not None and not model.startswith("models:"):
        return Path(model)
    from steps.tracking.registry import download, only_champion

    return download(model or only_champion())


def _as_table(rows: Iterator[Prediction]) -> None:
    table = Table("text", "task", "label", "confidence", header_style="bold")
    table.columns[3].justify = "right"
    before = None
    for row in rows:
        shown = row.text if row.index != before else ""
        table.add_row(
            shown if len(shown) <= 80 else f"{shown[:79]}…",
            row.task,
            row.label,
            "" if row.confidence is None else f"{row.confidence:.3f}",
            end_section=False,
        )
        before = row.index
    Console().print(table)


def _as_json(rows: Iterator[Prediction]) -> None:
    """One JSON object a line."""
    for row in rows:
        found = {"index": row.index, "text": row.text, "task": row.task, "label": row.label, "confidence": row.confidence}
        print(json.dumps(found | {"probabilities": row.probabilities}, ensure_ascii=False))


def _as_csv(rows: Iterator[Prediction]) -> None:
    writer = csv.writer(sys.stdout)
    writer.writerow(["index", "text", "task", "label", "confidence"])
    writer.writerows([row.index, row.text, row.task, row.label, "" if row.confidence is None else f"{row.confidence:.6f}"] for row in rows)
