"""`polytask study`: one experiment in several variants and with several seeds, and a table of what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer
import yaml
from pydantic import ValidationError

from mtl_models.config import load_experiment
from mtl_models.config.study import Study
from mtl_models.errors import ConfigError
from mtl_models.files import writing_file
from mtl_models.home import home_folder
from mtl_models.progress import say
from pipelines.environment import prepare

if TYPE_CHECKING:
    from mtl_models.config import Experiment
    from mtl_models.evaluation.predictions import Predictions
    from mtl_models.evaluation.study import CellRecord
    from mtl_models.evaluation.study_results import StudyResults, VariantResult
    from mtl_models.training.prepared import Prepared

__all__ = ["load_study", "run_study"]

RESAMPLES, CONFIDENCE = 2000, 0.95
METRICS = ("accuracy", "macro_f1")


def load_study(path: Path) -> Study:
    """Read a study file; `ConfigError` names the file and the key."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Study.model_validate(data)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; give the path of a study file") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not YAML: {error}") from error
    except ValidationError as error:
        faults = (
            (".".join(map(str, fault["loc"])) or "(top level)", fault["msg"].removeprefix("Value error, ")) for fault in error.errors()
        )
        raise ConfigError("\n".join(f"{path}: {key}: {told}" for key, told in faults)) from error


def run_study(path: Path, only: Sequence[str], out: Path | None) -> None:
    """Train what is not trained yet, then print (and write to `out`) the table of all variants in `only` (default: all)."""
    study = load_study(path)
    unknown = [name for name in only if name not in study.variants]
    if unknown:
        raise ConfigError(f"{path}: no variant '{unknown[0]}'; the variants: {', '.join(study.variants)}")
    prepare()
    from mtl_models.evaluation.study_results import StudyResults
    from mtl_models.reports.study_table import render_study

    folder = home_folder("studies", study.name)
    variants = {variant: _run_variant(path, study, variant, folder) for variant in only or study.variants}
    results = StudyResults(
        name=study.name, split=study.split, axis=study.axis, confidence=CONFIDENCE, resamples=RESAMPLES, variants=variants
    )
    table = render_study(results)
    typer.echo(table)
    if out is not None:
        _write(out, results, table)


def _write(out: Path, results: StudyResults, table: str) -> None:
    """The tables, and beside them the curve where the variants are numbers."""
    from mtl_models.reports.study_figure import is_curve, render_curve

    files = {out: table}
    if is_curve(results):
        files |= {out.with_suffix(f".{metric}.svg"): render_curve(results, metric) for metric in METRICS}
    for path, text in files.items():
        with writing_file(path) as draft:
            draft.write_text(text, encoding="utf-8")
        typer.echo(f"written: {path}", err=True)


def _run_variant(path: Path, study: Study, variant: str, folder: Path) -> VariantResult:
    from mtl_models.evaluation.comparison import JOINT, POOLED, SINGLE, TWIN
    from mtl_models.evaluation.study import Cell, run_cell
    from mtl_models.evaluation.study_results import summarise
    from mtl_models.training.prepared import prepare_experiment
    from pipelines.fingerprints import pinned

    candidates = [JOINT, *([TWIN] if study.with_twins(variant) else []), *([SINGLE, POOLED] if study.references else [])]
    predictions: dict[str, dict[int, Mapping[str, Predictions]]] = {name: {} for name in candidates}
    records: dict[str, list[CellRecord]] = {name: [] for name in candidates}
    read: dict[tuple[str, ...], tuple[Experiment, Prepared]] = {}
    for seed in study.seeds:
        changes = tuple(change.replace("{seed}", str(seed)) for change in (*study.changes, *study.variants[variant]))
        if changes not in read:
            say(f"{study.name}: {variant}: {' '.join(changes) or 'as it stands'}")
            experiment = pinned(load_experiment(path.parent / study.experiment, changes))
            read[changes] = (experiment, prepare_experiment(experiment))
        for candidate in candidates:
            say(f"{study.name}: {variant}: {candidate}, seed {seed}")
            found, record = run_cell(Cell(candidate, seed, *read[changes]), folder)
            if study.split not in found.candidates:
                raise ConfigError(f"{path}: split: {study.split}: some task has no {study.split} rows; look at corpus.splits")
            predictions[candidate][seed] = found.candidates[study.split]
            records[candidate].append(record)
    return summarise(predictions, records, METRICS, RESAMPLES, CONFIDENCE, experiment.training.metric)
