"""What a server does with a question, apart from HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from mtl_models.errors import ConfigError
from mtl_models.inference import attention
from mtl_models.inference.marked import as_objects
from mtl_models.inference.predictor import Prediction, abstaining
from mtl_models.serving import messages
from mtl_models.serving.batching import Batcher
from mtl_models.serving.limits import Limits
from mtl_models.serving.measures import Measures
from mtl_models.serving.problems import ProblemError
from mtl_models.serving.served import MAIN, Served

__all__ = ["Service"]

_DIGITS = 6


class Service:
    """Models by their part, and the work they do: predictions in batches, explanations one at a time beside them."""

    def __init__(self, models: Mapping[str, Served], limits: Limits, measures: Measures) -> None:
        if MAIN not in models:
            raise ConfigError("a server needs a model; give it one as the part 'main'")
        self.limits, self.measures = limits, measures
        self.batcher = Batcher(limits, measures.batches.observe)
        self._models = dict(models)
        self._explaining = 0
        self._explainer = ThreadPoolExecutor(1, thread_name_prefix="explain")
        measures.waiting.set_function(lambda: self.batcher.waiting)
        measures.show_models(self._models)

    @property
    def models(self) -> Mapping[str, Served]:
        """The models that take new questions now."""
        return self._models

    def replace(self, part: str, served: Served) -> None:
        """From now on `served` takes the questions of `part`; those under way are answered by the model they came to."""
        self._models[part] = served
        self.measures.show_models(self._models)

    def close(self) -> None:
        """No more explanations."""
        self._explainer.shutdown(wait=False, cancel_futures=True)

    async def predict(self, question: messages.Question) -> messages.Predictions:
        """Answers; a `ProblemError` or `ConfigError` where the question is over the limits or names what is not there."""
        served, tasks = self._asked(question.model, question.tasks)
        if len(question.texts) > self.limits.texts:
            raise ProblemError(422, f"texts: {len(question.texts)} of them, at most {self.limits.texts} a request; send them in parts")
        for place, text in enumerate(question.texts):
            self._check(f"texts[{place}]", text)
        answered = await self.batcher.predict(served, question.texts, tasks)
        self.measures.texts.labels("/predict", question.model).inc(len(question.texts))
        found = [messages.TextAnswers(index=place, answers=[]) for place in range(len(question.texts))]
        for prediction in answered.predictions:
            found[prediction.index].answers.append(_answer(prediction, question.abstain_below or 0.0))
        return messages.Predictions(model=_name(served), predictions=found, warnings=answered.warnings)

    async def explain(self, question: messages.TextQuestion) -> messages.Explanation:
        """What the model looked at in a text; raises as `predict`."""
        served, tasks = self._asked(question.model, question.tasks)
        self._check("text", question.text)
        if self._explaining >= self.limits.explanations:
            raise ProblemError(503, f"{self._explaining} texts wait to be explained; ask again in a moment", {"Retry-After": "1"})
        self._explaining += 1
        try:
            loop = asyncio.get_running_loop()
            readings = await loop.run_in_executor(self._explainer, _read, served, question.text, tasks, question.leave_out)
        finally:
            self._explaining -= 1
        self.measures.texts.labels("/explain", question.model).inc()
        return messages.Explanation(model=_name(served), readings=[_reading(reading) for reading in readings])

    def describe(self, examples: Sequence[str]) -> messages.ServerDescription:
        """What there is to ask."""
        limits = {
            "bytes": self.limits.bytes,
            "texts": self.limits.texts,
            "characters": self.limits.characters,
            "seconds": self.limits.seconds,
        }
        models = [_description(part, served) for part, served in self._models.items()]
        return messages.ServerDescription(models=models, limits=limits, examples=list(examples))

    def _asked(self, part: str, tasks: Sequence[str] | None) -> tuple[Served, list[str]]:
        served = self._models.get(part)
        if served is None:
            raise ProblemError(422, f"model: there is no '{part}' here; this server has {', '.join(self._models)}")
        for task in tasks or ():
            served.predictor.model.task(task)
        return served, list(dict.fromkeys(tasks or served.tasks))

    def _check(self, place: str, text: str) -> None:
        most = self.limits.characters
        if len(text) > most:
            raise ProblemError(422, f"{place}: {len(text)} characters, at most {most}; the model reads only the beginning of a long text")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ProblemError(422, f"{place}: has half a surrogate pair, which is no character; send the text as UTF-8") from error


def _read(served: Served, text: str, tasks: Sequence[str], leave_out: bool | None) -> list[attention.Reading]:
    return next(attention.explain(served.predictor.model, [text], tasks, leave_out))


def _name(served: Served) -> messages.ModelName:
    return messages.ModelName(name=served.name, version=served.version, fingerprint=served.fingerprint)


def _description(part: str, served: Served) -> messages.ModelDescription:
    model = served.predictor.model
    tasks = [
        messages.TaskDescription(name=task.name, kind=task.kind, description=task.description, labels=list(task.labels))
        for task in model.tasks
    ]
    return messages.ModelDescription.model_validate(
        {
            "part": part,
            "model": _name(served),
            "network": model.config.name,
            "attention": attention.has_attention(model),
            "explains": attention.can_explain(model),
            "tasks": tasks,
        }
    )


def _answer(found: Prediction, least: float = 0.0) -> messages.Answer:
    """The answer, without what is less sure than `least`."""
    said = abstaining(found, least)
    return messages.Answer.model_validate(
        {
            "task": said.task,
            "label": said.label,
            "confidence": None if said.confidence is None else round(said.confidence, _DIGITS),
            "probabilities": {label: round(number, _DIGITS) for label, number in said.probabilities.items()},
            "found": None if said.found is None else as_objects(said.found),
        }
    )


def _reading(found: attention.Reading) -> messages.Reading:
    return messages.Reading(
        words=[messages.Word(word=word, unknown=unknown) for word, unknown in zip(found.words, found.unknown, strict=True)],
        answers=[_answer(answer) for answer in found.answers],
        hops=[] if found.hops is None else [_numbers(hop) for hop in found.hops],
        layers=[[_numbers(head.mean(axis=0)) for head in heads] for heads in found.heads],
        left_out={task: _numbers(lost) for task, lost in found.left_out.items()},
    )


def _numbers(weights: NDArray[np.float32]) -> list[float]:
    return [round(number, _DIGITS) for number in weights.tolist()]
