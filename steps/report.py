"""report: one self-contained page and the model card, kept as artifacts here and in MLflow."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from markupsafe import Markup
from zenml import step
from zenml.types import HTMLString, MarkdownString

from mtl_models.config import Experiment
from mtl_models.corpora.corpus import Corpus
from mtl_models.corpora.validation.report import ValidationReport
from mtl_models.evaluation.comparison import Comparison
from mtl_models.networks.backbone import Pretrained
from mtl_models.networks.model import Model
from mtl_models.reports.content import CorpusSummary, RunReport, Words
from mtl_models.reports.validation_page import render_validation
from mtl_models.training.finetune import Preservation
from mtl_models.training.history import History
from mtl_models.training.lengths import training_lengths
from mtl_models.training.plan import sampling_plan
from steps.dependencies import depends_on, templates
from steps.lineage import environment, now
from steps.tracking.registration import Registration, attach

__all__ = ["report"]

_PICTURED = 2
"""Texts of a task in the report's pictures of attention; `polytask explain` shows any others."""


@step(cache_policy=depends_on(__name__, *templates()))
def report(
    experiment: Experiment,
    joint: Model,
    registration: Registration,
    comparison: Comparison,
    corpora: list[Corpus],
    validations: list[ValidationReport],
    joint_history: History,
    twin_histories: list[History],
    matrices: list[Pretrained],
    preservation: Preservation | None = None,
) -> tuple[Annotated[HTMLString, "report"], Annotated[MarkdownString, "model_card"]]:
    """Lists are in the order of the tasks, `matrices` in that of the vocabularies; `preservation` is of a fine-tuned model."""
    from mtl_models.reports.model_card import render_card
    from mtl_models.reports.run_report import render_report  # matplotlib: not for a cached run

    rows = {corpus.task: experiment.tasks[corpus.task].trained_rows(len(corpus.splits["train"])) for corpus in corpora}
    lengths = training_lengths(experiment, {corpus.task: corpus for corpus in corpora}, joint.vocabularies)
    plan = sampling_plan(rows, experiment.training, lengths, experiment.seed)
    words = zip(experiment.vocabulary_names, matrices, strict=True)
    content = RunReport(
        experiment=experiment,
        corpora={corpus.task: CorpusSummary.of(corpus) for corpus in corpora},
        validations={validation.task: validation for validation in validations},
        words={group: Words.of(found) for group, found in words},
        plan=plan,
        joint=joint_history,
        twins={corpus.task: history for corpus, history in zip(corpora, twin_histories, strict=True)},
        comparison=comparison,
        decision=registration.decision,
        champion=registration.champion,
        model=registration.uri,
        made=now(),
        environment=environment(),
        lineage=registration.lineage,
        preservation=preservation,
    )
    page, card = render_report(content, _pictures(joint, corpora)), render_card(content)
    pages = {f"validation/{validation.task}.html": render_validation(validation) for validation in validations}
    if preservation is not None:
        pages["preservation.json"] = preservation.model_dump_json(indent=2)
    attach(registration, card, {"report.html": page, "model_card.md": card, "sampling_plan.json": plan.model_dump_json(indent=2), **pages})
    html, markdown = HTMLString(page), MarkdownString(card)
    return html, markdown


def _pictures(joint: Model, corpora: list[Corpus]) -> Markup | None:
    """What the model looks at in the first dev texts of every task; None for a model without attention."""
    from mtl_models.inference.attention import explain, has_attention
    from mtl_models.reports.attention_page import render_attention

    if not has_attention(joint):
        return None
    texts = [(corpus.task, text) for corpus in corpora for text in corpus.splits["dev"][:_PICTURED]["text"]]
    read = [reading for task, text in texts for found in explain(joint, [text], [task]) for reading in found]
    return render_attention([replace(reading, index=place) for place, reading in enumerate(read)])
