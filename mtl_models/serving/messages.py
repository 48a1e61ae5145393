"""What goes over the wire: questions and answers as typed JSON."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

__all__ = [
    "Answer",
    "Cluster",
    "Explanation",
    "Health",
    "ModelDescription",
    "ModelName",
    "Predictions",
    "Question",
    "Reading",
    "Relation",
    "ServerDescription",
    "Span",
    "TaskDescription",
    "TextAnswers",
    "TextQuestion",
    "Word",
]


def _listed(texts: Any) -> Any:
    return [texts] if isinstance(texts, str) else texts


_TEXTS: dict[str, Any] = {
    "description": "One text, or a list of texts.",
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}],
}
Texts = Annotated[list[str], Field(min_length=1), BeforeValidator(_listed), WithJsonSchema(_TEXTS)]
Tasks = Annotated[list[str], Field(min_length=1, description="Names of tasks; all of the model's where there are none.")]
Part = Annotated[Literal["main", "other"], Field(description="Which of the served models answers.")]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Question(_Asked):
    """Texts to answer."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"texts": ["what a waste of two hours", "love this phone"]}]})

    texts: Texts
    tasks: Tasks | None = None
    model: Part = "main"
    abstain_below: Annotated[
        float | None,
        Field(ge=0, le=1, description="What is less sure has no label, or is not among what is found on words."),
    ] = None


class TextQuestion(_Asked):
    """A text to look into."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "what a waste of two hours"}]})

    text: str
    tasks: Tasks | None = None
    model: Part = "main"
    leave_out: Annotated[
        bool | None,
        Field(description="Leave every word out once and say what the answers lose. Default: only where the network has no attention."),
    ] = None


class ModelName(BaseModel):
    """Which model answered."""

    name: str
    version: str | None = Field(description="Its number in the registry; null for a model folder.")
    fingerprint: str = Field(description="sha256 over all that decides its answers.")


class Span(BaseModel):
    """Characters of the text, counted as Unicode code points."""

    start: int = Field(description="Its first character, from 0.")
    end: int = Field(description="The first character behind it.")
    text: str
    label: str | None = Field(description="Its type; null of a mention in a cluster, and of an end of a relation that is no known entity.")
    confidence: float | None


class Relation(BaseModel):
    """Two spans, and what the first is to the second."""

    label: str
    confidence: float
    head: Span
    tail: Span


class Cluster(BaseModel):
    """Spans that speak of one thing."""

    mentions: list[Span]
    confidence: float = Field(description="Of the least sure mention.")


class Answer(BaseModel):
    """What the model says of a text for one task."""

    task: str
    label: str | None = Field(
        description="The class; of several labels all of them, `a|b`; a rating as a number; null where it abstains. "
        "Where words are marked, what was found in a line."
    )
    confidence: float | None = Field(
        description="Probability of the label; null of a rating. Of marked words, that of the least sure part."
    )
    probabilities: dict[str, float] = Field(
        description="Of every label; of a rating, under the name of its column, the number itself. Empty where words are marked."
    )
    found: list[Span | Relation | Cluster] | None = Field(
        description="Where words are marked, what was found: spans (kinds tagging, mentions), relations, or clusters (coreference). "
        "Null where the label is of the whole text."
    )


class TextAnswers(BaseModel):
    """The answers for one text."""

    index: int = Field(description="Place of the text in the question.")
    answers: list[Answer]


class Predictions(BaseModel):
    """The answers for all texts, in their order."""

    model: ModelName
    predictions: list[TextAnswers]
    warnings: list[str] = Field(
        description="Why not to rely on the answers: texts in a script or in words that the model does not know, or not read to their end."
    )


class Word(BaseModel):
    """A word as the model read it."""

    word: str
    unknown: bool = Field(description="Not in the vocabulary: the network saw `<unk>` in its place.")


class Reading(BaseModel):
    """How the text was read for the tasks that share a vocabulary and a normalising; every list of numbers has one for each word."""

    words: list[Word]
    answers: list[Answer]
    hops: list[list[float]] = Field(description="Self-attention, hop by hop; every row adds up to 1. Empty where the network has none.")
    layers: list[list[list[float]]] = Field(
        description="Transformer, layer by layer and head by head: what all words together take from a word; adds up to 1."
    )
    left_out: dict[str, list[float]] = Field(
        description="Task -> how much the probability of its label falls without the word (of a rating: the rating itself)."
    )


class Explanation(BaseModel):
    """What the model looked at."""

    model: ModelName
    readings: list[Reading]


class TaskDescription(BaseModel):
    """A task of a served model."""

    name: str
    kind: str
    description: str
    labels: list[str]


class ModelDescription(BaseModel):
    """A served model."""

    part: Literal["main", "other"]
    model: ModelName
    network: str
    attention: bool = Field(description="Whether it has attention to look at.")
    explains: bool = Field(description="Whether /explain answers for it.")
    tasks: list[TaskDescription]


class ServerDescription(BaseModel):
    """What this server has and how much it takes."""

    models: list[ModelDescription]
    limits: dict[str, float]
    examples: list[str] = Field(description="Texts to try.")


class Health(BaseModel):
    """Whether the server works."""

    status: Literal["ok", "ready"]
