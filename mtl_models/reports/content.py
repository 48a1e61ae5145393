"""What the report and the model card of a training run are made from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, model_validator

from mtl_models.config import Experiment
from mtl_models.corpora.corpus import SPLITS, Corpus, CorpusReport, Split
from mtl_models.corpora.validation.report import ValidationReport
from mtl_models.evaluation.comparison import Comparison
from mtl_models.evaluation.decision import Decision
from mtl_models.networks.backbone import Backbone, Pretrained
from mtl_models.text.matrix import Coverage
from mtl_models.training.finetune import Preservation
from mtl_models.training.history import History
from mtl_models.training.plan import SamplingPlan

__all__ = ["CorpusSummary", "RunReport", "Words"]


class CorpusSummary(BaseModel):
    """One task's corpus as it was trained on: after duplicates and leaks were taken out."""

    report: CorpusReport
    classes: dict[str, dict[Split, int]]
    """Class -> split -> rows that have it; of a rating, empty."""
    sizes: dict[Split, int]
    """Split -> rows."""
    fingerprint: str

    @classmethod
    def of(cls, corpus: Corpus) -> Self:
        """Count the rows of every class; reads the label column only, and every row once for the fingerprint."""
        counts = {split: corpus.class_counts(split) for split in SPLITS}
        names = () if corpus.kind == "rating" else corpus.labels
        classes: dict[str, dict[Split, int]] = {
            label: {split: int(counts[split][number]) for split in SPLITS} for number, label in enumerate(names)
        }
        sizes: dict[Split, int] = {split: len(corpus.splits[split]) for split in SPLITS}
        return cls(report=corpus.report, classes=classes, sizes=sizes, fingerprint=corpus.fingerprint)

    def rows(self, split: Split) -> int:
        """Rows of a split."""
        return self.sizes[split]


class Words(BaseModel):
    """One vocabulary and its vectors."""

    size: int
    """Entries, special tokens included."""
    dimension: int
    """Numbers per word."""
    origin: str
    """Where the vectors, or the encoder, came from."""
    coverage: dict[str, Coverage]
    """Task -> how much of its train texts has a vector; empty for an encoder, which reads every text in pieces that it knows."""

    @classmethod
    def of(cls, pretrained: Pretrained) -> Self:
        """What a report says of the beginning of a group of tasks."""
        if isinstance(pretrained, Backbone):
            return cls(size=pretrained.config["vocab_size"], dimension=pretrained.width, origin=pretrained.origin, coverage={})
        size, dimension = pretrained.values.shape
        return cls(size=size, dimension=dimension, origin=pretrained.origin, coverage=dict(pretrained.coverage))


class RunReport(BaseModel):
    """Everything the pages of a run show. Mappings by task hold every task of the experiment, in its order."""

    experiment: Experiment
    corpora: dict[str, CorpusSummary]
    validations: dict[str, ValidationReport]
    words: dict[str, Words]
    """Vocabulary group -> its words and vectors."""
    plan: SamplingPlan
    joint: History
    twins: dict[str, History]
    comparison: Comparison
    decision: Decision
    champion: Comparison | None = None
    """The joint model against the champion it met."""
    model: str | None = None
    """Address of the registered version, for instance models:/polytask-demo/3."""
    made: str
    """When the report was made, for people."""
    environment: dict[str, str] = {}
    """Versions and machine, by name."""
    lineage: dict[str, str] = {}
    """Git commit, run ids, model fingerprint ..., by name."""
    preservation: Preservation | None = None
    """What fine-tuning did to the tasks that the model had."""

    @model_validator(mode="after")
    def _every_task_is_there(self) -> Self:
        parts: dict[str, Mapping[str, object]] = {
            "corpora": self.corpora,
            "validations": self.validations,
            "plan": self.plan.tasks,
            "twins": self.twins,
            "comparison": self.comparison.tasks,
        }
        for part, tasks in parts.items():
            missing = [task for task in self.experiment.tasks if task not in tasks]
            if missing:
                raise ValueError(f"{part} lacks the task {', '.join(missing)}")
        return self

    def coverage(self, task: str) -> Coverage | None:
        """The vectors' coverage of a task's train texts."""
        return next((words.coverage[task] for words in self.words.values() if task in words.coverage), None)
