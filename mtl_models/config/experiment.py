"""The experiment: everything a run needs to know, typed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from mtl_models.config.base import Section
from mtl_models.config.corpus import Corpus, Validation
from mtl_models.config.judging import Evaluation, Gate, Reference, Registry
from mtl_models.config.network import JointLstm, Network
from mtl_models.config.text import TextOptions, Vocabulary
from mtl_models.config.training import Training

__all__ = ["Experiment", "Task", "TaskSettings"]

SHARED = "shared"
TASK_NAME = r"^[a-z][a-z0-9_]{0,31}$"


def _source_to_corpus(value: Any) -> Any:
    return {"source": value} if isinstance(value, str) else value


def _corpus_to_task(value: Any) -> Any:
    return {"corpus": {"source": value}} if isinstance(value, str) else value


class TaskSettings(Section):
    """What a network needs to know of a task, apart from its rows."""

    kind: Literal["single_label"] = Field("single_label", description="what a label is")
    description: str = Field("", description="one line for the model card")
    vocabulary: str = Field(SHARED, description="the vocabulary group, a key of `vocabularies`")
    text: TextOptions = TextOptions()


class Task(TaskSettings):
    """One task: its corpus and what is particular to it. A string is short for `{corpus: STRING}`."""

    corpus: Annotated[Corpus, BeforeValidator(_source_to_corpus)]
    validation: Validation = Validation()

    @property
    def settings(self) -> TaskSettings:
        """The part that training depends on: a changed expectation must not retrain."""
        return TaskSettings.model_validate(self.model_dump(include=set(TaskSettings.model_fields)))


class Experiment(Section):
    """One experiment. The least it needs is a name and, per task, a file with the columns `text` and `label`."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$", description="short name: small letters, digits and hyphens")
    description: str = ""
    seed: int = Field(13, ge=0, lt=2**31, description="of splits, initial weights, batches and resamples")
    tasks: dict[Annotated[str, Field(pattern=TASK_NAME)], Annotated[Task, BeforeValidator(_corpus_to_task)]] = Field(min_length=1)
    vocabularies: dict[Annotated[str, Field(pattern=TASK_NAME)], Vocabulary] = Field(
        {SHARED: Vocabulary()}, description="vocabulary groups; one is shared by all tasks by default"
    )
    network: Network = JointLstm()
    training: Training = Training()
    reference: Reference = Reference()
    evaluation: Evaluation = Evaluation()
    gate: Gate = Gate()
    registry: Registry = Registry()

    @model_validator(mode="after")
    def _vocabularies_match(self) -> Experiment:
        for name, task in self.tasks.items():
            if task.vocabulary not in self.vocabularies:
                raise ValueError(
                    f"task '{name}' wants vocabulary '{task.vocabulary}', but vocabularies has only {', '.join(self.vocabularies)}"
                )
        unused = set(self.vocabularies) - {task.vocabulary for task in self.tasks.values()}
        if unused:
            raise ValueError(f"no task uses the vocabulary {', '.join(sorted(unused))}")
        return self

    @model_validator(mode="after")
    def _columns_differ(self) -> Experiment:
        clash = next((name for name in self.tasks if f"{name}_confidence" in self.tasks), None)
        if clash:
            raise ValueError(
                f"the tasks '{clash}' and '{clash}_confidence' would share a column of the registered model's answers; rename one"
            )
        return self

    @property
    def model_name(self) -> str:
        """The name in the model registry."""
        return self.registry.model or f"polytask-{self.name}"
