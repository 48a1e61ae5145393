"""A look at new data as a run in MLflow, tied to the champion that was looked at."""

from __future__ import annotations

from collections.abc import Mapping

from mlflow.entities import Metric

from mtl_models.evaluation.retraining import NewData, RetrainingDecision
from steps.lineage import PipelineRun
from steps.tracking.metrics import drift_measures, points
from steps.tracking.versions import Version
from steps.tracking.writing import Files, RunRecord

__all__ = ["retraining_record"]


def retraining_record(
    made_by: PipelineRun, champion: Version, found: NewData, decision: RetrainingDecision, corpora: Mapping[str, str], artifacts: Files
) -> RunRecord:
    """Of the experiment `MODEL-retraining`; `corpora` task -> fingerprint."""
    return RunRecord(
        experiment=f"{champion.name}-retraining",
        made_by=made_by,
        tags={
            "role": "retraining",
            "retrain": "yes" if decision.retrain else "no",
            "forced": "yes" if decision.forced else "no",
            "model_name": champion.name,
            "model_version": str(champion.number),
            **{f"corpus.{task}": fingerprint for task, fingerprint in corpora.items()},
        },
        params={"champion": found.champion},
        metrics=_metrics(found),
        artifacts=artifacts,
        note=decision.prose(),
    )


def _metrics(found: NewData) -> list[Metric]:
    """`task/rows`, `task/new_rows`, and `task/drift/measure`."""
    values = {f"{task}/rows": float(rows) for task, rows in found.rows.items()}
    values |= {f"{task}/new_rows": float(rows) for task, rows in found.new.items()}
    return points(values | drift_measures(found.drift))
