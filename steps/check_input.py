"""check_input: what held for the texts of training must hold for those to be answered."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from mtl_models.config.corpus import Validation
from mtl_models.corpora.corpus import Corpus
from mtl_models.corpora.validation.texts import raise_if_unfit, validate_texts
from mtl_models.inference.batch import Answerer
from mtl_models.reports.batch_report import InputChecks
from steps.dependencies import depends_on
from steps.origins import origins
from steps.tracking.versions import resolve

__all__ = ["check_input"]


@step(cache_policy=depends_on(__name__))
def check_input(texts: Corpus, answerer: Answerer) -> Annotated[InputChecks, "checks"]:
    """Every task's expectations of texts, from the experiment it was trained by; a critical failure raises `CorpusError`.

    Tasks with the same expectations are looked at together; one whose experiment is not to be found is held to the usual ones.
    """
    known = origins(resolve(answerer.uri))
    alike: dict[Validation, list[str]] = {}
    for task in answerer.tasks:
        experiment = known[task].experiment if task in known else None
        alike.setdefault(experiment.tasks[task].validation if experiment else Validation(), []).append(task)
    reports = [validate_texts(texts, ", ".join(tasks), expected) for expected, tasks in alike.items()]
    for report in reports:
        raise_if_unfit(texts.report.source, report)
    return InputChecks(reports=tuple(reports))
