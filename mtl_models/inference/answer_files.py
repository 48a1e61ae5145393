"""Answers written to a file in parts, so that a run that was killed goes on where it stopped."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import filelock
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel

from mtl_models.errors import ConfigError, CorpusError
from mtl_models.files import sha256_of, writing_file
from mtl_models.inference.marked import as_objects
from mtl_models.inference.predictor import CHUNK, Prediction, Predictor
from mtl_models.inference.text_files import read_texts
from mtl_models.progress import progress, say
from mtl_models.tasks.task import Task

__all__ = ["ANSWER_FIELDS", "FOUND", "found_cell", "object_of", "predict_to_file", "row_of", "table_columns"]

FOUND = "found"
"""What was found on words: objects in JSON lines, one string of JSON in a cell of CSV and Parquet."""

_COLUMNS = ("index", "text", "task", "label", "confidence")
_FORMATS = (".jsonl", ".csv", ".parquet")
_ABOUT = "about.json"
ANSWER_FIELDS = (
    ("index", pa.int64()),
    ("text", pa.string()),
    ("task", pa.string()),
    ("label", pa.string()),
    ("confidence", pa.float64()),
    ("probabilities", pa.map_(pa.string(), pa.float64())),
)
"""Columns of every Parquet file of answers."""

_SCHEMA = pa.schema(ANSWER_FIELDS)


class _About(BaseModel):
    """What a folder of parts holds the beginning of: all that its answers depend on."""

    model: str
    """Fingerprint."""
    file: str
    """sha256 of the texts' file."""
    column: str
    tasks: list[str]
    abstain_below: float | None
    chunk: int
    """Texts of a part."""


def predict_to_file(
    predictor: Predictor,
    path: Path,
    out: Path,
    column: str = "text",
    tasks: Sequence[str] | None = None,
    abstain_below: float | None = None,
    chunk: int = CHUNK,
) -> int:
    """Answer every text of a file (see `read_texts`) in `out`, .jsonl, .csv or .parquet, a row per text and task; the texts answered.

    Until all are, the answers lie in parts beside it, in the folder `OUT.parts`, from which the same call goes on after an
    interruption; `out` itself appears by rename, whole or not at all. The whole file is read once before the first text is answered,
    so what is wrong in its last row is told at once.

    Raises `ConfigError` where the name does not tell the format, where the parts are of another model, file or option, or where another
    process is writing them; `CorpusError` with file and line for a text that cannot be read.
    """
    if out.suffix.lower() not in _FORMATS:
        raise ConfigError(f"{out}: cannot tell the format by the name; known: {', '.join(_FORMATS)}")
    if out.exists() and out.samefile(path):
        raise ConfigError(f"{out}: the answers would take the place of the texts; give another file to write")
    wanted = [predictor.model.task(name).name for name in (tasks if tasks is not None else predictor.tasks)]
    count = sum(1 for _ in read_texts(path, column))
    about = _About(
        model=predictor.model.fingerprint(), file=sha256_of(path), column=column, tasks=wanted, abstain_below=abstain_below, chunk=chunk
    )
    parts = out.with_name(f"{out.name}.parts")
    parts.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(parts / "lock", timeout=0):
            _check(parts, about)
            _answer(predictor, path, parts, about, out.suffix.lower(), count)
            _join(parts, out, -(-count // chunk), _columns(predictor, about))
    except filelock.Timeout:
        raise ConfigError(f"{parts}: another process is writing these answers; wait for it, or give another file to write") from None
    shutil.rmtree(parts)
    return count


def table_columns(tasks: Iterable[Task]) -> tuple[str, ...]:
    """Of a CSV with the answers for these tasks: `found` is there where the labels of one lie on words."""
    return (*_COLUMNS, FOUND) if any(task.on_words for task in tasks) else _COLUMNS


def row_of(answer: Prediction, columns: Sequence[str]) -> list[str | int | float | None]:
    """The cells of `columns`, which are those of `table_columns`."""
    cells: list[str | int | float | None] = [answer.index, answer.text, answer.task, answer.label, answer.confidence]
    return [*cells, found_cell(answer)] if FOUND in columns else cells


def found_cell(answer: Prediction) -> str | None:
    """What was found as one line of JSON; None where the label is of the whole text."""
    return None if answer.found is None else json.dumps(as_objects(answer.found), ensure_ascii=False)


def object_of(answer: Prediction) -> dict[str, Any]:
    """The answer as a line of JSON has it."""
    found = dict(zip(_COLUMNS, row_of(answer, _COLUMNS), strict=True)) | {"probabilities": answer.probabilities}
    return found if answer.found is None else found | {FOUND: as_objects(answer.found)}


def _check(parts: Path, about: _About) -> None:
    """Refuse parts of other answers; what is not known of the folder yet is written down."""
    path = parts / _ABOUT
    if not path.is_file():
        with writing_file(path) as draft:
            draft.write_text(about.model_dump_json(indent=2), encoding="utf-8")
        return
    before = _About.model_validate_json(path.read_text(encoding="utf-8"))
    changed = [name for name in _About.model_fields if getattr(before, name) != getattr(about, name)]
    if changed:
        raise ConfigError(
            f"{parts}: holds the beginning of answers of another {' and another '.join(changed)}; "
            "remove the folder to begin anew, or give another file to write"
        )


def _answer(predictor: Predictor, path: Path, parts: Path, about: _About, suffix: str, count: int) -> None:
    """Write the parts that are not there yet; each appears by rename, so the first that is missing is where to go on."""
    total = -(-count // about.chunk)
    done = next((number for number in range(total) if not _part(parts, number).is_file()), total)
    if done:
        say(f"goes on after {min(done * about.chunk, count)} of {count} texts, which are answered")
    answered = predictor.predict_file(path, about.column, about.tasks, about.chunk, about.abstain_below, first=done * about.chunk)
    for number, answers in enumerate(progress(answered, "predicting", total=total - done, unit=f"x{about.chunk} texts"), start=done):
        with writing_file(_part(parts, number)) as draft:
            _write(draft, answers, suffix, _columns(predictor, about), first=number == 0)
    if sum(_part(parts, number).is_file() for number in range(total + 1)) != total or sha256_of(path) != about.file:
        raise CorpusError(f"{path}: changed while it was read; remove {parts} and run again")


def _part(parts: Path, number: int) -> Path:
    return parts / f"{number:08d}"


def _columns(predictor: Predictor, about: _About) -> tuple[str, ...]:
    return table_columns(predictor.tasks[name] for name in about.tasks)


def _schema(columns: Sequence[str]) -> pa.Schema:
    return _SCHEMA.append(pa.field(FOUND, pa.string())) if FOUND in columns else _SCHEMA


def _write(path: Path, answers: Iterable[Prediction], suffix: str, columns: Sequence[str], first: bool) -> None:
    if suffix == ".parquet":
        rows = [[*row_of(answer, _COLUMNS), list(answer.probabilities.items()), found_cell(answer)] for answer in answers]
        schema = _schema(columns)
        arrays = [pa.array(cells, field.type) for cells, field in zip(zip(*rows, strict=True), schema, strict=False)]
        pq.write_table(pa.Table.from_arrays(arrays, schema=schema), path)
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        if suffix == ".csv":
            csv.writer(file).writerows([columns] * first + [row_of(answer, columns) for answer in answers])
            return
        for answer in answers:
            file.write(json.dumps(object_of(answer), ensure_ascii=False) + "\n")


def _join(parts: Path, out: Path, count: int, columns: Sequence[str]) -> None:
    """All parts as one file."""
    whole = parts / "whole"
    if out.suffix.lower() == ".parquet":
        with pq.ParquetWriter(whole, _schema(columns)) as writer:
            for number in range(count):
                with pq.ParquetFile(_part(parts, number)) as file:
                    for group in range(file.num_row_groups):
                        writer.write_table(file.read_row_group(group))
    else:
        with whole.open("wb") as file:
            if not count and out.suffix.lower() == ".csv":
                file.write((",".join(columns) + "\r\n").encode())
            for number in range(count):
                with _part(parts, number).open("rb") as part:
                    shutil.copyfileobj(part, file)
    whole.replace(out)
