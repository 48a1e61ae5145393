"""`polytask predict`: what a model says of texts, for every task at once."""

from __future__ import annotations

import csv
import json
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mtl_models.errors import ConfigError
from mtl_models.progress import progress, say
from pipelines.environment import prepare

if TYPE_CHECKING:
    from mtl_models.inference.predictor import Prediction, Predictor
    from mtl_models.tasks.task import Task

__all__ = ["model_folder", "predict_texts", "warnings_as_lines"]


def predict_texts(
    texts: Sequence[str],
    file: Path | None,
    model: str | None,
    tasks: Sequence[str] | None,
    form: str,
    column: str = "text",
    out: Path | None = None,
    abstain_below: float | None = None,
) -> None:
    """Print one row per text and task, or write them to `out`; a file is read and answered in parts, so it may be larger than memory."""
    if bool(texts) == bool(file):
        raise ConfigError('give texts, or a file: polytask predict "love this phone", or polytask predict --file texts.txt')
    if out is not None and file is None:
        raise ConfigError("--out wants a --file: polytask predict --file texts.csv --out answers.jsonl")
    prepare()
    folder = model_folder(model)

    from mtl_models.inference.predictor import load_model

    predictor = load_model(folder)
    wanted = list(tasks) if tasks else None
    with warnings_as_lines():
        if file is not None and out is not None:
            from mtl_models.inference.answer_files import predict_to_file

            count = predict_to_file(predictor, file, out, column, wanted, abstain_below)
            typer.echo(f"written: {out} ({count} texts, {len(wanted or predictor.tasks)} tasks)")
            return
        rows = (row for part in _parts(predictor, texts, file, wanted, column, abstain_below) for row in part)
        if form == "csv":
            _as_csv(rows, [predictor.model.task(name) for name in wanted or predictor.tasks])
        else:
            {"table": _as_table, "json": _as_json}[form](rows)


def model_folder(model: str | None) -> Path:
    """The folder of the model asked for: a path as it is, else what the registry holds under the URI."""
    if model is not None and not model.startswith("models:"):
        return Path(model)
    from steps.tracking.registry import download
    from steps.tracking.versions import only_champion

    uri = model or only_champion()
    say(f"loading {uri}")  # the first sign of life, and which model answers
    return download(uri)


@contextmanager
def warnings_as_lines() -> Iterator[None]:
    """Inside the block each warning about texts, unknown to the model or read in part, is one plain line on standard error, told once."""
    from mtl_models.inference.familiarity import CutTexts, UnfamiliarTexts

    with warnings.catch_warnings():
        for category in (CutTexts, UnfamiliarTexts):
            warnings.simplefilter("once", category)
        warnings.showwarning = lambda message, *_, **__: say(f"warning: {message}")
        yield


def _parts(
    predictor: Predictor, texts: Sequence[str], file: Path | None, tasks: list[str] | None, column: str, abstain_below: float | None
) -> Iterable[list[Prediction]]:
    if file is None:
        return [predictor.predict(texts, tasks, abstain_below=abstain_below)]
    answered = predictor.predict_file(file, column, tasks, abstain_below=abstain_below)
    return answered if sys.stdout.isatty() else progress(answered, "predicting", unit="x4,096 texts")


def _as_table(rows: Iterator[Prediction]) -> None:
    table = Table("text", "task", "label", "confidence", header_style="bold")
    table.columns[3].justify = "right"
    before = None
    for row in rows:
        shown = row.text if row.index != before else ""
        shown = shown if len(shown) <= 80 else f"{shown[:79]}…"
        for number, (label, confidence) in enumerate(_lines(row)):
            first = number == 0
            # As they stand: a text may hold what the table would take for markup.
            cells = shown if first else "", row.task if first else "", label, "" if confidence is None else f"{confidence:.3f}"
            table.add_row(*map(Text, cells))
        before = row.index
    Console().print(table)


def _lines(row: Prediction) -> list[tuple[str, float | None]]:
    """What the table says of an answer: a line, or one for each part that was found on words, with its characters where it is a span."""
    if row.found is None:
        return [("(unsure)" if row.label is None else row.label, row.confidence)]

    from mtl_models.inference.marked import Span, summary

    places = [f"  {part.start}-{part.end}" if isinstance(part, Span) else "" for part in row.found]
    lines: list[tuple[str, float | None]] = [
        (f"{summary([part])}{place}", part.confidence) for part, place in zip(row.found, places, strict=True)
    ]
    return lines or [("(nothing)", None)]


def _as_json(rows: Iterator[Prediction]) -> None:
    """One JSON object a line."""
    from mtl_models.inference.answer_files import object_of

    for row in rows:
        print(json.dumps(object_of(row), ensure_ascii=False))


def _as_csv(rows: Iterator[Prediction], tasks: Sequence[Task]) -> None:
    from mtl_models.inference.answer_files import row_of, table_columns

    columns = table_columns(tasks)
    writer = csv.writer(sys.stdout)
    writer.writerow(columns)
    for row in rows:
        cells = row_of(row, columns)
        cells[4] = "" if row.confidence is None else f"{row.confidence:.6f}"
        writer.writerow(cells)
