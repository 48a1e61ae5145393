"""compare_data: what is new in the corpora since the champion was trained, and how far it lies from what the champion was taught."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from mtl_models.config.drift import Drift
from mtl_models.corpora.corpus import Corpus
from mtl_models.corpora.fresh import known_keys, learned_keys, new_rows
from mtl_models.errors import TrackingError
from mtl_models.evaluation.drift_report import DriftReport, TaskDrift
from mtl_models.evaluation.new_data import drift_of_new_rows
from mtl_models.evaluation.retraining import NewData
from mtl_models.networks.folder import load_model
from mtl_models.networks.model import Model
from mtl_models.progress import progress
from steps.dependencies import depends_on
from steps.origins import all_origins, origins
from steps.tracking.registry import download
from steps.tracking.versions import resolve

__all__ = ["compare_data"]


@step(cache_policy=depends_on(__name__))
def compare_data(
    corpora: list[Corpus],
    champion: str,
    base: str,  # noqa: ARG001 (its fingerprint: another model at that address misses the cache)
    limits: Drift,
    seed: int,
) -> Annotated[NewData, "new_data"]:
    """The corpora beside those behind `champion`, models:/NAME/VERSION: its own, and those of the models it was built on.

    A row is new where none of these holds its text. `TrackingError` where they cannot be had.
    """
    version = resolve(champion)
    model = load_model(download(champion))
    behind = [origin.corpus() for origin in all_origins(version)]
    known, learned = known_keys(behind), learned_keys(behind)
    trained = {task: origin.corpus() for task, origin in origins(version).items()}
    changed = {corpus.task: why for corpus in corpora if (why := _changed(corpus, model))}
    new = {corpus.task: sum(int(which.sum()) for which in new_rows(corpus, known).values()) for corpus in corpora}
    tasks: dict[str, TaskDrift] = {}
    unchecked: dict[str, str] = {}
    for corpus in progress(corpora, "new rows compared", len(corpora), "tasks"):
        name = corpus.task
        if name in changed:
            unchecked[name] = changed[name]
            continue
        if name not in trained:
            raise TrackingError(
                f"{champion}: no run that is registered trained '{name}', so nobody can tell what is new; use `polytask run`"
            )
        task = model.task(name)
        found = drift_of_new_rows(task, model.vocabularies[task.vocabulary], trained[name], corpus, known, limits, seed)
        if found is not None:
            tasks[name] = found
        elif new[name]:
            unchecked[name] = f"{new[name]} new rows are too few to tell; drift.min_texts is {limits.min_texts}"
    return NewData(
        champion=champion,
        trained=version.created,
        rows={corpus.task: sum(len(rows) for rows in corpus.splits.values()) for corpus in corpora},
        new=new,
        learned={corpus.task: int((~new_rows(corpus, learned)["test"]).sum()) for corpus in corpora},
        drift=DriftReport(rows=sum(new.values()), tasks=tasks, unchecked=unchecked),
        changed=changed,
    )


def _changed(corpus: Corpus, model: Model) -> str | None:
    """Why the champion cannot answer the task as its corpus wants it, if it cannot."""
    known = {task.name: task for task in model.tasks}
    if corpus.task not in known:
        return "the champion does not know it"
    task = known[corpus.task]
    if task.kind != corpus.kind:
        return f"its kind is {corpus.kind}, and {task.kind} for the champion"
    if task.kind != "rating" and set(task.labels) != set(corpus.labels):
        return f"its labels are {', '.join(corpus.labels)}, and {', '.join(task.labels)} for the champion"
    return None
