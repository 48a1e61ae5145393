"""A batch of answers as a run in MLflow, tied to the version that answered and to the texts it read; and the way back to it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelInput, Run

from mtl_models.corpora.corpus import Corpus
from mtl_models.evaluation.drift_report import DriftReport
from mtl_models.inference.batch import Answerer, Answers, batch_key
from steps.lineage import PipelineRun
from steps.tracking.client import connect, talking_to
from steps.tracking.metrics import drift_measures, points
from steps.tracking.tags import matching, own_tags
from steps.tracking.writing import Files, RunRecord

__all__ = ["Batch", "batch_record", "find_batches"]

_LONGEST_DIGEST = 36
"""Of a data set, in MLflow; the whole sha256 is in the run's tags."""


@dataclass(frozen=True)
class Batch:
    """What was asked and what came of it: the texts, their column, who answered, how far they drift, the answers."""

    texts: Corpus
    column: str
    answerer: Answerer
    drift: DriftReport
    answers: Answers


def batch_record(made_by: PipelineRun, batch: Batch, artifacts: Files, client: MlflowClient | None = None) -> RunRecord:
    """Of the experiment `MODEL-batch`."""
    client = client or connect()
    texts, answerer, answers = batch.texts, batch.answerer, batch.answers
    rows = len(texts.splits["test"])
    return RunRecord(
        experiment=f"{answerer.model}-batch",
        made_by=made_by,
        tags={
            "role": "batch",
            "batch": batch_key(texts, answerer),
            "model_name": answerer.model,
            "model_version": str(answerer.version),
            "model_fingerprint": answerer.fingerprint,
            "model_run_id": answerer.run_id,
            "input_sha256": str(texts.report.source_sha256),
            "input_fingerprint": texts.fingerprint,
            "input_rows": str(rows),
            "answers_sha256": answers.sha256,
            "drift": "yes" if batch.drift.drifted else "no",
        },
        params={"source": texts.report.source, "column": batch.column, "tasks": ", ".join(answerer.tasks)},
        metrics=points({"texts": float(rows), "answers": float(answers.rows)} | drift_measures(batch.drift)),
        artifacts=artifacts,
        inputs=[_input(texts, batch.column)],
        models=_models(answerer, client),
    )


def find_batches(key: str, client: MlflowClient | None = None) -> list[Run]:
    """The whole runs that gave the answers of this key, the newest first; several where the same question was asked again."""
    client = client or connect()
    with talking_to(client):
        experiments = [found.experiment_id for found in client.search_experiments() if found.name.endswith("-batch")]
        if not experiments:
            return []
        wanted = f"{matching({'batch': key})} and attributes.status = 'FINISHED'"
        return list(client.search_runs(experiments, wanted, order_by=["attributes.start_time DESC"]))


def _models(answerer: Answerer, client: MlflowClient) -> list[LoggedModelInput]:
    """The model that answered, as its training run logged it: registered versions do not say which that is."""
    with talking_to(client):
        outputs = client.get_run(answerer.run_id).outputs
        logged = [client.get_logged_model(output.model_id) for output in outputs.model_outputs] if outputs else []
    return [LoggedModelInput(model.model_id) for model in logged if own_tags(model.tags).get("model_fingerprint") == answerer.fingerprint]


def _input(texts: Corpus, column: str) -> DatasetInput:
    """The file of texts, as MLflow keeps it."""
    report = texts.report
    source = {"source": report.source, "sha256": report.source_sha256, "fingerprint": texts.fingerprint}
    dataset = Dataset(
        name="input",
        digest=str(report.source_sha256)[:_LONGEST_DIGEST],
        source_type="polytask-input",
        source=json.dumps(source, ensure_ascii=False),
        schema=json.dumps({"mlflow_colspec": [{"name": column, "type": "string", "required": True}]}),
        profile=json.dumps({"rows": report.rows_read}),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "prediction")])
