"""A probing as a run in MLflow, tied to the model that was looked into by its fingerprint."""

from __future__ import annotations

from mlflow.entities import Metric

from mtl_models.evaluation.probing.report import ProbingReport
from steps.lineage import PipelineRun
from steps.tracking.metrics import points
from steps.tracking.writing import Files, RunRecord

__all__ = ["probing_record"]


def probing_record(
    made_by: PipelineRun, experiment: str, model: str, fingerprint: str, found: ProbingReport, artifacts: Files
) -> RunRecord:
    """Of the experiment `EXPERIMENT-probing`; `experiment` is the name of that whose sentences were read."""
    return RunRecord(
        experiment=f"{experiment}-probing",
        made_by=made_by,
        tags={"role": "probing", "model": model, "model_fingerprint": fingerprint},
        params={"model": model, "rows": str(found.rows), "seed": str(found.seed)},
        metrics=_metrics(found),
        artifacts=artifacts,
    )


def _metrics(found: ProbingReport) -> list[Metric]:
    """`task/level/pooling`, and `task/baseline`."""
    values: dict[str, float] = {}
    for task in found.tasks:
        values |= {f"{task.name}/{name}": estimate.value for name, estimate in {"majority": task.majority, **task.baselines}.items()}
        values |= {f"{task.name}/{reading.level}/{reading.pooling}": reading.accuracy.value for reading in task.readings}
    return points(values)
