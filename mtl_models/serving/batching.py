"""Requests that arrive together go through the encoder together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace

from mtl_models.inference.familiarity import cut_texts, unfamiliar
from mtl_models.inference.predictor import Prediction
from mtl_models.serving.limits import Limits
from mtl_models.serving.problems import ProblemError
from mtl_models.serving.served import Served

__all__ = ["Answered", "Batcher"]


@dataclass(frozen=True)
class Answered:
    """What the model says of the texts of a request, and what speaks against relying on it."""

    predictions: list[Prediction]
    warnings: list[str]


@dataclass(eq=False)
class _Job:
    """Texts of one request, no more than a batch holds, the model that was serving when it came, and where the answers go."""

    served: Served
    texts: Sequence[str]
    tasks: tuple[str, ...]
    since: float
    answers: asyncio.Future[Answered] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def shares_a_pass_with(self, other: _Job) -> bool:
        """Whether one pass of one encoder can read both."""
        return self.served is other.served and self.served.readings(self.tasks) == other.served.readings(other.tasks)


class Batcher:
    """A queue in front of the model, and one thread behind it that answers batch after batch.

    A batch is begun as soon as it is full, or its oldest text has waited for `limits.batch_wait` and the thread is free; so a busy server
    makes large batches and an idle one answers at once. `observe` is told the texts of every batch.
    """

    def __init__(self, limits: Limits, observe: Callable[[int], None]) -> None:
        self.waiting = 0
        """Texts that have no answer yet."""
        self._limits, self._observe = limits, observe
        self._jobs: deque[_Job] = deque()
        self._arrived = asyncio.Event()

    async def predict(self, served: Served, texts: Sequence[str], tasks: Sequence[str]) -> Answered:
        """Predictions as `Predictor.predict` gives them; a `ProblemError` (503) where too many texts wait already.

        More texts than a batch holds are answered batch by batch. A caller that is cancelled leaves the queue, so that what nobody waits
        for any more costs one batch at most.
        """
        if self.waiting and self.waiting + len(texts) > self._limits.waiting:
            raise ProblemError(503, f"{self.waiting} texts wait for the model; ask again in a moment", {"Retry-After": "1"})
        now, size = asyncio.get_running_loop().time(), self._limits.batch
        jobs = [_Job(served, texts[first : first + size], tuple(tasks), now) for first in range(0, len(texts), size)]
        self._jobs.extend(jobs)
        self.waiting += len(texts)
        self._arrived.set()
        try:
            parts = await asyncio.gather(*(job.answers for job in jobs))
        finally:
            self.waiting -= len(texts)
        predictions = [replace(one, index=number * size + one.index) for number, part in enumerate(parts) for one in part.predictions]
        return Answered(predictions, list(dict.fromkeys(warning for part in parts for warning in part.warnings)))

    async def run(self) -> None:
        """Answer, until cancelled."""
        with ThreadPoolExecutor(1, thread_name_prefix="predict") as thread:
            while True:
                await self._until_due()
                await self._answer(self._take(), thread)

    async def _until_due(self) -> None:
        """Return when the next batch is to begin."""
        while not self._jobs:
            self._arrived.clear()
            await self._arrived.wait()
        due = self._jobs[0].since + self._limits.batch_wait
        while sum(len(job.texts) for job in self._jobs) < self._limits.batch:
            left = due - asyncio.get_running_loop().time()
            if left <= 0:
                return
            self._arrived.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), left)

    def _take(self) -> list[_Job]:
        """The oldest job and those that can share its pass, as many as a batch holds; jobs whose caller has gone are dropped."""
        taken: list[_Job] = []
        texts = 0
        left: deque[_Job] = deque()
        for job in self._jobs:
            if job.answers.done():
                continue
            room = not taken or (texts + len(job.texts) <= self._limits.batch and job.shares_a_pass_with(taken[0]))
            if room:
                taken.append(job)
                texts += len(job.texts)
            else:
                left.append(job)
        self._jobs = left
        return taken

    async def _answer(self, jobs: list[_Job], thread: Executor) -> None:
        if not jobs:
            return
        try:
            found = await asyncio.get_running_loop().run_in_executor(thread, _predict, jobs)
        except Exception as error:
            if len(jobs) > 1:  # a text that the model cannot take must not cost the others their answers
                for job in jobs:
                    await self._answer([job], thread)
            elif not jobs[0].answers.done():
                jobs[0].answers.set_exception(error)
            return
        self._observe(sum(len(job.texts) for job in jobs))
        for job, answers in zip(jobs, found, strict=True):
            if not job.answers.done():
                job.answers.set_result(answers)


def _predict(jobs: Sequence[_Job]) -> list[Answered]:
    """One pass for all tasks that any of the jobs wants; heads cost next to nothing beside the encoder."""
    texts = [text for job in jobs for text in job.texts]
    tasks = list(dict.fromkeys(task for job in jobs for task in job.tasks))
    predictor = jobs[0].served.predictor
    answers = {(answer.index, answer.task): answer for answer in predictor.predict(texts, tasks, warn=False)}
    found, first = [], 0
    for job in jobs:
        predictions = [replace(answers[first + index, task], index=index) for index in range(len(job.texts)) for task in job.tasks]
        told = [*unfamiliar(predictor.model, job.texts, job.tasks), *cut_texts(predictor.model, job.texts, job.tasks)]
        found.append(Answered(predictions, told))
        first += len(job.texts)
    return found
