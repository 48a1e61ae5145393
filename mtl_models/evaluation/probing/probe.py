"""A model under all probes: sentences, tasks made of them by rule, states of every level, and what linear probes read from these."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_models.config import Experiment
from mtl_models.config.hierarchical import BASE
from mtl_models.errors import CorpusError
from mtl_models.evaluation.bootstrap import Estimate, estimate, resample
from mtl_models.evaluation.probing.drawing import Probe, TooFewError, documents, draw, held_apart
from mtl_models.evaluation.probing.linear import baseline_features, linear_answers
from mtl_models.evaluation.probing.report import ProbedTask, ProbingReport, Reading
from mtl_models.evaluation.probing.rules import RULES, Rule
from mtl_models.evaluation.probing.sentences import Sentences, read_sentences
from mtl_models.evaluation.probing.states import View, views_of
from mtl_models.networks.model import Model
from mtl_models.progress import progress
from mtl_models.tasks.scores.scores import scores_of

__all__ = ["draw_probes", "probe"]

_RESAMPLES, _CONFIDENCE = 1000, 0.95
_MAJORITY = "majority"


def probe(model: Model, experiment: Experiment, rows: int, seed: int) -> ProbingReport:
    """What every level of `model` encodes of sentences held out by `experiment`; at most `rows` rows a task, drawn with `seed`.

    Raises `CorpusError` where the sentences do not do for any task, and `ConfigError` for a network that has no vectors of a text.
    """
    sentences = read_sentences(experiment)
    reader = next((name for name in sentences.tasks if name in {task.name for task in model.tasks}), model.tasks[0].name)
    probes, left_out = draw_probes(sentences, rows, seed)
    texts = list(dict.fromkeys(text for drawn in probes.values() for text in drawn.texts))
    place = {text: number for number, text in enumerate(texts)}
    views = views_of(model, texts, reader)
    tasks = []
    for rule, drawn in progress(list(probes.items()), "probing", total=len(probes), unit="tasks"):
        chosen = [place[text] for text in drawn.texts]
        tasks.append(_probed(rule, drawn, {view: vectors[chosen] for view, vectors in views.items()}, seed))
    return ProbingReport(
        levels=tuple(dict.fromkeys(level for level, _ in views)),
        poolings=tuple(dict.fromkeys(pooling for _, pooling in views)),
        tasks=tuple(tasks),
        left_out=left_out,
        corpora=sentences.tasks,
        sentences=len(sentences.rows),
        rows=rows,
        seed=seed,
        resamples=_RESAMPLES,
        confidence=_CONFIDENCE,
    )


def draw_probes(sentences: Sentences, rows: int, seed: int) -> tuple[dict[Rule, Probe], dict[str, str]]:
    """Rule -> its rows; task -> why it is left out. All rules test on the same documents. `CorpusError` where none is left."""
    groups = documents(sentences.rows)
    test = held_apart(groups, np.random.default_rng(seed))
    probes: dict[Rule, Probe] = {}
    left_out: dict[str, str] = {}
    for rule in RULES:
        lacking = [column for column in rule.needs if column not in sentences.columns]
        if lacking:
            left_out[rule.name] = f"it needs the column '{lacking[0]}' of a task in CoNLL format, named in corpus.columns"
            continue
        rng = np.random.default_rng([seed, zlib.crc32(rule.name.encode())])  # so that no rule's draws depend on another's
        try:
            probes[rule] = draw(rule.examples(sentences.rows, rng), groups, test, rows, rng)
        except TooFewError as reason:
            left_out[rule.name] = str(reason)
    if not probes:
        raise CorpusError(
            f"{', '.join(sentences.tasks)}: {len(sentences.rows):,} sentences in dev and test are too few for any probe; "
            "give an experiment with more held-out sentences with --config"
        )
    return probes, left_out


def _probed(rule: Rule, drawn: Probe, views: Mapping[View, NDArray[np.float32]], seed: int) -> ProbedTask:
    gold = drawn.gold[drawn.test]
    train = int(np.count_nonzero(~drawn.test))
    answers: dict[Any, NDArray[np.int64]] = {_MAJORITY: np.full(len(gold), np.bincount(drawn.gold[~drawn.test]).argmax())}
    answers |= {name: linear_answers(features, drawn, seed) for name, features in baseline_features(drawn.texts).items()}
    answers |= {view: linear_answers(vectors.astype(np.float64), drawn, seed) for view, vectors in views.items()}
    named = {str(number): found for number, found in enumerate(answers.values())}
    scores = scores_of("single_label", len(drawn.classes))
    resampled = resample(gold, named, scores, "accuracy", _RESAMPLES, np.random.default_rng(seed))
    drawn_of = dict(zip(answers, resampled.values(), strict=True))
    value = {name: float((found == gold).mean()) for name, found in answers.items()}

    def judged(name: Any, against: Any = None) -> Estimate:
        if against is None:
            return estimate(value[name], drawn_of[name], _CONFIDENCE)
        return estimate(value[name] - value[against], drawn_of[name] - drawn_of[against], _CONFIDENCE)

    baselines = {name: judged(name) for name in answers if name != _MAJORITY and name not in views}
    best = max(baselines, key=lambda name: baselines[name].value)
    return ProbedTask(
        name=rule.name,
        asks=rule.asks,
        classes=drawn.classes,
        train=train,
        test=len(gold),
        majority=judged(_MAJORITY),
        baselines=baselines,
        readings=tuple(
            Reading(
                level=level,
                pooling=pooling,
                accuracy=judged((level, pooling)),
                over_baseline=judged((level, pooling), best),
                over_base=None if level == BASE or (BASE, pooling) not in views else judged((level, pooling), (BASE, pooling)),
            )
            for level, pooling in views
        ),
    )
