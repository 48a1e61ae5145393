"""Where a registered model comes from: per task, the MLflow run, the ZenML run and the corpus it was trained on.

A fine-tuned model has several origins: its new tasks come from its own run, the others from the runs of the model it was built on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlflow import MlflowClient
from mlflow.entities import Run
from zenml.client import Client
from zenml.models import ArtifactVersionResponse, PipelineRunResponse

from mtl_models.config import Experiment
from mtl_models.corpora.corpus import Corpus
from mtl_models.errors import TrackingError
from steps.tracking.client import connect, talking_to
from steps.tracking.records import EXPERIMENT, read_record
from steps.tracking.tags import own_tags
from steps.tracking.versions import Version, find_version_by_fingerprint, list_models

__all__ = ["Origin", "all_origins", "origins"]


@dataclass(frozen=True)
class Origin:
    """Where one task of a model was learnt. `run` is MLflow's; `zenml` and `experiment` are None where they are not to be found here."""

    task: str
    version: Version
    """The registered version that was trained then, which may be the one that another was built on."""
    run: Run
    zenml: PipelineRunResponse | None
    experiment: Experiment | None

    @property
    def zenml_run_id(self) -> str:
        """As the MLflow run has it; empty where it has none."""
        return own_tags(self.run.data.tags).get("zenml_run_id", "")

    @property
    def corpus_fingerprint(self) -> str:
        """Over every row of every split."""
        return own_tags(self.run.data.tags)[f"corpus.{self.task}"]

    def artifact(self) -> ArtifactVersionResponse | None:
        """The corpus in ZenML's store, just as it was trained on; None where the run is not in the store that is connected."""
        steps = self.zenml.steps if self.zenml else {}
        step = steps.get(f"hold_apart_{self.task}") or steps.get(f"separate_{self.task}")
        return step.outputs[f"corpus_{self.task}"][0] if step else None

    def corpus(self) -> Corpus:
        """The rows. `TrackingError` where they cannot be had, or are not those that MLflow says."""
        artifact = self.artifact()
        if artifact is None:
            raise TrackingError(f"the pipeline run {self.zenml_run_id or '?'} that trained it is not in the ZenML store connected here")
        try:
            found = artifact.load()
        except (OSError, ValueError) as error:
            raise TrackingError(f"its corpus cannot be read from {artifact.uri} ({error})") from error
        if not isinstance(found, Corpus) or found.fingerprint != self.corpus_fingerprint:
            raise TrackingError(f"what lies at {artifact.uri} is not the corpus it was trained on")
        return found


def origins(version: Version, client: MlflowClient | None = None) -> dict[str, Origin]:
    """Task -> its origin, for every task of the model that can be followed; `TrackingError` where the version names no run."""
    client = client or connect()
    found: dict[str, Origin] = {}
    for ancestor in _line(version, client):
        found = {origin.task: origin for origin in _own(ancestor, client)} | found
    return found


def all_origins(version: Version, client: MlflowClient | None = None) -> list[Origin]:
    """Every origin of the model and of those it was built on: all that its weights have learned from, a task more than once perhaps."""
    client = client or connect()
    return [origin for ancestor in _line(version, client) for origin in _own(ancestor, client)]


def _line(version: Version, client: MlflowClient) -> Iterator[Version]:
    """The version, the one it was built on, and so forth as far as they are registered."""
    seen: set[str] = set()
    ancestor: Version | None = version
    while ancestor is not None and ancestor.uri not in seen:
        seen.add(ancestor.uri)
        yield ancestor
        ancestor = _base(ancestor, client)


def _own(version: Version, client: MlflowClient) -> Iterator[Origin]:
    run = _run_of(version, client)
    experiment = read_record(run.info.run_id, EXPERIMENT, Experiment, client)
    zenml = _pipeline_run(run)
    for tag in own_tags(run.data.tags):
        if tag.startswith("corpus."):
            yield Origin(tag.removeprefix("corpus."), version, run, zenml, experiment)


def _run_of(version: Version, client: MlflowClient) -> Run:
    if version.run_id is None:
        raise TrackingError(f"{version.uri} names no run; it was not registered by `polytask run`, so nothing is known of its training")
    with talking_to(client):
        return client.get_run(version.run_id)


def _pipeline_run(run: Run) -> PipelineRunResponse | None:
    name = own_tags(run.data.tags).get("zenml_run_id")
    if name is None:
        return None
    try:
        return Client().get_pipeline_run(name)
    except (KeyError, ValueError):
        return None


def _base(version: Version, client: MlflowClient) -> Version | None:
    """The registered version that a fine-tuned one was built on."""
    zenml = _pipeline_run(_run_of(version, client))
    step = zenml.steps.get("load_base") if zenml else None
    if step is None:
        return None
    fingerprint = str(step.config.parameters["fingerprint"])
    versions = (find_version_by_fingerprint(name, fingerprint, client) for name in list_models(client))
    return next((found for found in versions if found is not None), None)
