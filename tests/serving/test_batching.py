"""What a user loses if these fail: answers that are another's, requests that wait for ever, or one bad text that ends many requests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from mtl_models.inference.predictor import Prediction, Predictor
from mtl_models.serving.batching import Batcher
from mtl_models.serving.limits import Limits
from mtl_models.serving.problems import ProblemError
from mtl_models.serving.served import Served

pytestmark = pytest.mark.filterwarnings("ignore::mtl_models.inference.familiarity.UnfamiliarTexts")

LIMITS = Limits(batch=8, batch_wait=0.05, waiting=20)


def with_batcher(work: Callable[[Batcher, list[int]], Coroutine[Any, Any, Any]], limits: Limits = LIMITS) -> Any:
    """Run `work` beside a batcher; the list gets the texts of every batch."""

    async def main() -> Any:
        batches: list[int] = []
        batcher = Batcher(limits, batches.append)
        runner = asyncio.create_task(batcher.run())
        try:
            return await asyncio.wait_for(work(batcher, batches), 30)
        finally:
            runner.cancel()

    return asyncio.run(main())


def plain(answers: list[Prediction]) -> list[tuple[object, ...]]:
    return [(answer.index, answer.text, answer.task, answer.label) for answer in answers]


def test_requests_that_arrive_together_share_a_pass_and_get_their_own_answers(versions: list[Served], made: ModuleType) -> None:
    served, tasks = versions[0], ["films", "topics", "stars"]
    asked = [[made.TEXTS[0]], list(made.TEXTS[1:3]), [made.TEXTS[4]]]

    async def work(batcher: Batcher, batches: list[int]) -> None:
        found = await asyncio.gather(*(batcher.predict(served, texts, tasks) for texts in asked))
        assert batches == [4]
        assert batcher.waiting == 0
        for texts, answered in zip(asked, found, strict=True):
            alone = served.predictor.predict(texts, tasks)
            assert plain(answered.predictions) == plain(alone)
            for one, other in zip(answered.predictions, alone, strict=True):
                assert one.probabilities == pytest.approx(other.probabilities, abs=1e-5)

    with_batcher(work)


def test_everyone_gets_the_tasks_asked_for_in_the_order_asked_for(versions: list[Served]) -> None:
    async def work(batcher: Batcher, batches: list[int]) -> None:
        asked = (["stars"], ["topics", "films"], ["films", "topics"])
        found = await asyncio.gather(*(batcher.predict(versions[0], ["good film"], tasks) for tasks in asked))
        assert batches == [3]
        assert [[answer.task for answer in answered.predictions] for answered in found] == [list(tasks) for tasks in asked]

    with_batcher(work)


def test_other_models_and_other_vocabularies_go_apart(versions: list[Served]) -> None:
    async def work(batcher: Batcher, batches: list[int]) -> None:
        one, two, hindi = await asyncio.gather(
            batcher.predict(versions[0], ["good film"], ["films"]),
            batcher.predict(versions[1], ["good film"], ["films"]),
            batcher.predict(versions[0], ["good film"], ["hindi"]),
        )
        assert batches == [1, 1, 1]
        for served, answered, task in ((versions[0], one, "films"), (versions[1], two, "films"), (versions[0], hindi, "hindi")):
            assert answered.predictions[0].probabilities == pytest.approx(
                served.predictor.predict(["good film"], [task])[0].probabilities, abs=1e-5
            )
        assert one.warnings == []
        assert "the words that the model knows are in Devanagari" in hindi.warnings[0]

    with_batcher(work)


def test_a_full_batch_does_not_wait_and_holds_no_more_than_it_may(versions: list[Served]) -> None:
    async def work(batcher: Batcher, batches: list[int]) -> None:
        await asyncio.gather(*(batcher.predict(versions[0], ["a"] * 3, ["films"]) for _ in range(5)))
        assert batches == [6, 6, 3]

    with_batcher(work, replace(LIMITS, batch_wait=0.2))


def test_a_request_of_several_batches_is_answered_whole_and_in_order(versions: list[Served], made: ModuleType) -> None:
    async def work(batcher: Batcher, batches: list[int]) -> None:
        texts = [*made.TEXTS, "यह", *made.TEXTS, *made.TEXTS]
        answered = await batcher.predict(versions[0], texts, ["films", "stars"])
        assert batches == [8, 8]
        assert plain(answered.predictions) == plain(versions[0].predictor.predict(texts, ["films", "stars"]))
        assert len(answered.warnings) == 1

    with_batcher(work)


def test_of_a_large_request_that_nobody_waits_for_one_batch_is_answered_at_most(versions: list[Served]) -> None:
    async def work(batcher: Batcher, batches: list[int]) -> None:
        gone = asyncio.create_task(batcher.predict(versions[0], ["a"] * 20, ["films"]))
        while not batches:
            await asyncio.sleep(0)
        gone.cancel()
        await batcher.predict(versions[0], ["b"], ["films"])
        assert sum(batches) <= 17
        assert batcher.waiting == 0

    with_batcher(work, replace(LIMITS, waiting=40))


def test_a_text_alone_waits_no_longer_than_it_may(versions: list[Served]) -> None:
    async def work(batcher: Batcher, batches: list[int]) -> None:
        clock = asyncio.get_running_loop().time
        began = clock()
        await batcher.predict(versions[0], ["a"], ["films"])
        assert 0.15 <= clock() - began < 2.0

    with_batcher(work, replace(LIMITS, batch_wait=0.15))


def test_more_than_may_wait_is_refused_and_there_is_room_again_later(versions: list[Served]) -> None:
    async def work(batcher: Batcher, batches: list[int]) -> None:
        first = asyncio.create_task(batcher.predict(versions[0], ["a"] * 18, ["films"]))
        await asyncio.sleep(0)
        with pytest.raises(ProblemError, match="18 texts wait") as refused:
            await batcher.predict(versions[0], ["b"] * 3, ["films"])
        assert refused.value.status == 503
        assert len((await first).predictions) == 18
        assert len((await batcher.predict(versions[0], ["b"] * 3, ["films"])).predictions) == 3

    with_batcher(work)


def test_who_has_gone_is_not_answered(versions: list[Served]) -> None:
    async def work(batcher: Batcher, batches: list[int]) -> None:
        gone = asyncio.create_task(batcher.predict(versions[0], ["a"] * 5, ["films"]))
        await asyncio.sleep(0)
        gone.cancel()
        await batcher.predict(versions[0], ["b"], ["films"])
        assert batches == [1]
        assert batcher.waiting == 0

    with_batcher(work)


class _Choking(Predictor):
    """Cannot take one text."""

    def predict(self, texts: Any, *options: Any, **named: Any) -> list[Prediction]:
        if "choke" in texts:
            raise RuntimeError("choked")
        return super().predict(texts, *options, **named)


def test_a_text_that_cannot_be_answered_costs_nobody_else_the_answer(versions: list[Served]) -> None:
    served = replace(versions[0], predictor=_Choking(versions[0].predictor.model))

    async def work(batcher: Batcher, batches: list[int]) -> None:
        waiting: list[Awaitable[Any]] = [batcher.predict(served, [text], ["films"]) for text in ("a", "choke", "b")]
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(answer).__name__ for answer in found] == ["Answered", "RuntimeError", "Answered"]
        assert (await batcher.predict(served, ["c"], ["films"])).predictions[0].text == "c"

    with_batcher(work)
