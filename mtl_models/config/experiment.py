"""The experiment: everything a run needs to know, typed."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from mtl_models.config.augmentation import Augmentation
from mtl_models.config.base import Section
from mtl_models.config.corpus import Corpus, Validation
from mtl_models.config.drift import Drift
from mtl_models.config.finetuning import Finetuning
from mtl_models.config.hierarchical import Hierarchical, Level
from mtl_models.config.judging import Evaluation, Gate, Reference, Registry
from mtl_models.config.network import JointLstm, Network, backbone_of, vectors_beside
from mtl_models.config.objectives import FixedWeights
from mtl_models.config.resources import DEFAULT, STEPS, StepResources, key_of
from mtl_models.config.retraining import Retraining
from mtl_models.config.samplers import GivenSampler
from mtl_models.config.text import TextOptions, Vocabulary
from mtl_models.config.training import Training

__all__ = ["ON_WORDS", "SHARED", "Experiment", "Kind", "Task", "TaskSettings"]

SHARED = "shared"
TASK_NAME = r"^[a-z][a-z0-9_]{0,31}$"

Kind = Literal["single_label", "multi_label", "ordinal", "rating", "tagging", "mentions", "relations", "coreference"]
ON_WORDS: tuple[Kind, ...] = ("tagging", "mentions", "relations", "coreference")
Weight = Annotated[float, Field(gt=0.0)]


def _source_to_corpus(value: Any) -> Any:
    return {"source": value} if isinstance(value, str) else value


def _corpus_to_task(value: Any) -> Any:
    return {"corpus": {"source": value}} if isinstance(value, str) else value


class TaskSettings(Section):
    """What a network needs to know of a task, apart from its rows."""

    kind: Kind = Field(
        "single_label",
        description="what a label is: one class, any number, one of ordered classes, a number; or on words: "
        "spans, spans within spans, pairs of spans, clusters of spans",
    )
    description: str = Field("", description="one line for the model card")
    class_weights: Literal["none", "balanced"] | dict[str, Weight] = Field(
        "none", description="of the labels in the training loss; balanced is n / (K n_k) on the train split; a label not named weighs 1"
    )
    label_smoothing: float = Field(0.0, ge=0.0, lt=1.0, description="share of the training target spread over all classes")
    vocabulary: str = Field(SHARED, description="the vocabulary group, a key of `vocabularies`")
    text: TextOptions = TextOptions()
    augmentation: Augmentation | None = Field(None, description="altered copies of the train rows, for a small task")

    @model_validator(mode="before")
    @classmethod
    def _words_are_given(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("kind") in ON_WORDS and isinstance(data.get("text", {}), dict):
            return {**data, "text": {**data.get("text", {}), "words": "spaces"}}
        return data

    @property
    def on_words(self) -> bool:
        """Whether its labels lie on words, and not on the text as a whole."""
        return self.kind in ON_WORDS

    def trained_rows(self, rows: int) -> int:
        """How many rows an epoch has where the train split has `rows`: with their altered copies."""
        return rows * (1 if self.augmentation is None else 1 + self.augmentation.copies)

    @model_validator(mode="after")
    def _classes_for_class_settings(self) -> TaskSettings:
        if self.kind == "rating" and (self.class_weights != "none" or self.label_smoothing):
            raise ValueError("class_weights and label_smoothing are for classes; a rating has none (kind: ordinal has)")
        if self.on_words and (self.class_weights != "none" or self.label_smoothing or self.augmentation is not None):
            raise ValueError(f"class_weights, label_smoothing and augmentation are for labels of whole texts; {self.kind} labels words")
        return self


class Task(TaskSettings):
    """One task: its corpus and what is particular to it. A string is short for `{corpus: STRING}`."""

    corpus: Annotated[Corpus, BeforeValidator(_source_to_corpus)]
    validation: Validation = Validation()

    @model_validator(mode="after")
    def _label_fits_kind(self) -> Task:
        label = self.corpus.label
        if self.kind != "multi_label" and (label.columns is not None or label.separator is not None):
            raise ValueError(f"corpus.label: columns and separator are for kind multi_label; the kind is {self.kind}")
        if self.kind == "multi_label" and label.bands is not None:
            raise ValueError("corpus.label: bands give one class per text; they do not go with kind multi_label")
        if self.kind == "rating" and (label.names, label.map, label.bands) != (None, None, None):
            raise ValueError("corpus.label: names, map and bands give classes; kind rating takes the number as it stands")
        if self.on_words and (label.bands is not None or label.missing):
            raise ValueError(f"corpus.label: bands and missing are for labels of whole texts; {self.kind} labels words")
        if not self.on_words and (label.scheme != "auto" or self.corpus.unit is not None):
            raise ValueError(f"corpus.label.scheme and corpus.unit are for labels of words; the kind is {self.kind}")
        return self

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
    finetune: Finetuning = Finetuning()
    reference: Reference = Reference()
    evaluation: Evaluation = Evaluation()
    gate: Gate = Gate()
    registry: Registry = Registry()
    drift: Drift = Drift()
    retraining: Retraining = Retraining()
    resources: dict[str, StepResources] = Field({}, description="what steps ask of a cluster: `default`, and by the name of the step")

    @model_validator(mode="after")
    def _vocabularies_match(self) -> Experiment:
        if vectors_beside(self.network) is not None:
            return self
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
    def _shared_texts_split_alike(self) -> Experiment:
        """Tasks over one source deal it by text, unless told otherwise: else what one trains on another would test on."""
        sources = Counter(task.corpus.source.model_dump_json() for task in self.tasks.values())
        for name, task in self.tasks.items():
            corpus = task.corpus
            if corpus.splits.by is None and sources[corpus.source.model_dump_json()] > 1:
                splits = corpus.splits.model_copy(update={"by": "text"})
                self.tasks[name] = task.model_copy(update={"corpus": corpus.model_copy(update={"splits": splits})})
        return self

    @model_validator(mode="after")
    def _training_knows_its_tasks(self) -> Experiment:
        sampler, objective = self.training.sampler, self.training.objective
        probabilities = sampler.probabilities if isinstance(sampler, GivenSampler) else dict.fromkeys(self.tasks, 1.0)
        weights = objective.weights if isinstance(objective, FixedWeights) else {}
        for key, named in (("sampler.probabilities", probabilities), ("objective.weights", weights)):
            unknown = next((name for name in named if name not in self.tasks), None)
            if unknown is not None:
                raise ValueError(f"training.{key} names '{unknown}', but the tasks are {', '.join(self.tasks)}")
        if self.training.pick_by not in ("mean", *self.tasks):
            known = ", ".join(self.tasks)
            raise ValueError(f"training.pick_by: '{self.training.pick_by}' is neither mean nor a task; the tasks are {known}")
        left_out = next((name for name in self.tasks if name not in probabilities), None)
        if left_out is not None:
            raise ValueError(f"training.sampler.probabilities leaves out the task '{left_out}'; give every task its probability")
        if all(weights.get(name, 1.0) == 0.0 for name in self.tasks):
            raise ValueError("training.objective.weights is 0 for every task, so nothing would be learned; give one task a weight")
        return self

    @model_validator(mode="after")
    def _freezing_knows_its_tasks(self) -> Experiment:
        phases = self.training.in_phases()
        for number, (tasks, training) in enumerate(phases):
            where = f"training.phases[{number}]" if self.training.phases else "training"
            for key, named in (("tasks", tasks or ()), ("freeze.heads", training.freeze.heads)):
                unknown = next((name for name in named if name not in self.tasks), None)
                if unknown is not None:
                    raise ValueError(f"{where}.{key} names '{unknown}', but the tasks are {', '.join(self.tasks)}")
        idle = next((name for name in self.tasks if not any(tasks is None or name in tasks for tasks, _ in phases)), None)
        if idle is not None:
            raise ValueError(f"no phase of training.phases trains the task '{idle}'; name it in one")
        return self

    @model_validator(mode="after")
    def _retraining_knows_its_tasks(self) -> Experiment:
        unknown = next((name for name in self.retraining.regression if name not in self.tasks), None)
        if unknown is not None:
            raise ValueError(f"retraining.regression names '{unknown}', but the tasks are {', '.join(self.tasks)}")
        if self.retraining.start == "warm":
            if self.training.phases or self.training.freeze.anything:
                raise ValueError("retraining.start: warm lets all weights move, so training.phases and training.freeze do not go with it")
            if isinstance(self.network, Hierarchical):
                raise ValueError("retraining.start: warm is not for a hierarchical network; take `start: scratch`")
        return self

    @model_validator(mode="after")
    def _processes_suit_the_network(self) -> Experiment:
        if isinstance(self.network, Hierarchical) and self.training.processes > 1:
            raise ValueError(
                f"training.processes: {self.training.processes}, but a hierarchical network reads word by word and is trained in one "
                "process; take `processes: 1`, or another network"
            )
        return self

    @model_validator(mode="after")
    def _resources_know_their_steps(self) -> Experiment:
        for name in self.resources:
            step = key_of(name)
            parts = {step, *(f"{step}_{part}" for part in (*self.tasks, *self.vocabularies))}
            if name != DEFAULT and (step not in STEPS or name not in parts):
                raise ValueError(f"resources names '{name}'; known: {DEFAULT}, {', '.join(STEPS)}, and these with _TASK behind them")
        return self

    @model_validator(mode="after")
    def _backbone_brings_its_words(self) -> Experiment:
        if backbone_of(self.network) is None:
            return self
        name = self.network.name
        beside = vectors_beside(self.network)
        if beside is None and self.vocabularies != {SHARED: Vocabulary()}:
            raise ValueError(f"vocabularies: a {name} reads with the tokenizer of its backbone; leave the section out")
        if beside is not None and (beside == SHARED or [*self.vocabularies] != [beside]):
            raise ValueError(
                f"network.word_vectors names '{beside}': give `vocabularies` that one entry, under a name other than '{SHARED}', "
                "which is the backbone's own"
            )
        for task, settings in self.tasks.items():
            if settings.vocabulary != SHARED:
                raise ValueError(f"tasks.{task}.vocabulary: a {name} reads with the tokenizer of its backbone; leave it out")
            if settings.text.model_copy(update={"words": "split"}) != TextOptions():
                raise ValueError(f"tasks.{task}.text: a {name}'s texts are normalised by its backbone's tokenizer; leave it out")
        return self

    @model_validator(mode="after")
    def _levels_know_their_tasks(self) -> Experiment:
        network = self.network
        for name, task in self.tasks.items():
            if task.on_words and not isinstance(network, Hierarchical):
                raise ValueError(
                    f"tasks.{name}.kind: {task.kind} labels words, which network {network.name} has no states for; take hierarchical"
                )
        if isinstance(network, Hierarchical) and not network.levels:  # written out, so that a twin and a smaller model stand on the same
            network.levels.update({task: Level(tasks=(task,)) for task in self.tasks})
        elif isinstance(network, Hierarchical):
            hung = [task for level in network.levels.values() for task in level.tasks]
            for key, names, known in (("names", hung, list(self.tasks)), ("leaves out", list(self.tasks), hung)):
                odd = next((name for name in names if name not in known), None)
                if odd is not None:
                    raise ValueError(f"network.levels {key} the task '{odd}'; every task hangs on one level: {', '.join(self.tasks)}")
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
    def word_vocabularies(self) -> dict[str, Vocabulary]:
        """The vocabularies that are built from the corpora: where a backbone brings its own, only that of the vectors beside it."""
        return self.vocabularies if backbone_of(self.network) is None or vectors_beside(self.network) is not None else {}

    @property
    def vocabulary_names(self) -> list[str]:
        """All that texts are read with: a backbone's own first, then those that are built from the corpora."""
        return [*([] if backbone_of(self.network) is None else [SHARED]), *self.word_vocabularies]

    def readers_of(self, vocabulary: str) -> list[str]:
        """The tasks that read words of `vocabulary`."""
        every = vocabulary == vectors_beside(self.network)
        return [name for name, task in self.tasks.items() if every or task.vocabulary == vocabulary]

    @property
    def model_name(self) -> str:
        """The name in the model registry."""
        return self.registry.model or f"polytask-{self.name}"
