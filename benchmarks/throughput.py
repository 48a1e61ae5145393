"""Answering: many heads in one pass against a model per task, and against TF-IDF pipelines of scikit-learn, all in one run.

    python benchmarks/throughput.py [EXPERIMENT] [--texts N] [--repeats N] [--threads N] [--json FILE]

Takes an experiment (the demo's by default, fetched as the pipeline fetches it) and asks every contender for every task of the same texts,
drawn from all its corpora, tokenizing included:

  joint          one network with a head per task, one pass
  single         the same network once per task, a pass for each
  tfidf single   a pipeline of TF-IDF (1- and 2-grams) and logistic regression per task, fitted on its train split
  tfidf shared   one TF-IDF, fitted on the train splits of all tasks, and a logistic regression per task on its features

The networks have the experiment's shape and random weights, which are as fast as trained ones. Figures are processor seconds of the best
of the repeats, so that other work on the machine matters little, and texts answered (for all tasks) per processor second.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits
from untrained import arguments_for, corpora_of, untrained_model, vocabularies_of

from mtl_models.config import Experiment, load_experiment
from mtl_models.corpora.corpus import Corpus
from mtl_models.tasks.task import Task


@dataclass(frozen=True)
class Measured:
    """What one contender takes for all texts and all tasks."""

    contender: str
    seconds: float
    texts_per_second: float
    times_as_fast: float
    """As a model per task."""


def main() -> None:
    """Measure and print the table."""
    parser = arguments_for(__doc__)
    parser.add_argument("--texts", type=int, default=4000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    experiment = load_experiment(arguments.experiment)
    corpora = corpora_of(experiment)
    texts = _texts(corpora, arguments.texts)
    with threadpool_limits(arguments.threads):
        seconds = {name: _best(answer, arguments.repeats) for name, answer in _contenders(experiment, corpora, texts).items()}
    measured = [Measured(name, took, len(texts) / took, seconds["single"] / took) for name, took in seconds.items()]
    words = sum(len(text.split()) for text in texts) / len(texts)
    print(f"\n{len(corpora)} tasks, {len(texts)} texts of {words:.0f} words on average, {arguments.threads} thread(s)")
    print(f"\n{'contender':<14}{'CPU s':>8}{'texts/s':>10}{'ratio':>8}")
    for row in measured:
        print(f"{row.contender:<14}{row.seconds:8.2f}{row.texts_per_second:10.0f}{row.times_as_fast:8.2f}")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps([asdict(row) for row in measured], indent=2))


def _texts(corpora: dict[str, Corpus], count: int) -> list[str]:
    """Drawn from every split of every corpus."""
    found = [text for corpus in corpora.values() for split in corpus.splits for text in corpus.texts(split)]
    return random.Random(0).sample(found, min(count, len(found)))


def _contenders(experiment: Experiment, corpora: dict[str, Corpus], texts: list[str]) -> dict[str, Callable[[], object]]:
    vocabularies = vocabularies_of(experiment, corpora)
    tasks = [Task.of(task.settings, corpora[name]) for name, task in experiment.tasks.items()]
    joint, *singles = (
        untrained_model(experiment.network, answered, vocabularies, experiment.training.max_tokens)
        for answered in (tasks, *([task] for task in tasks))
    )
    pipelines = [
        make_pipeline(_tfidf(), LogisticRegression(C=10.0, max_iter=2000)).fit(corpus.texts("train"), corpus.gold("train"))
        for corpus in corpora.values()
    ]
    shared = _tfidf().fit([text for corpus in corpora.values() for text in corpus.texts("train")])
    regressions = [
        LogisticRegression(C=10.0, max_iter=2000).fit(shared.transform(corpus.texts("train")), corpus.gold("train"))
        for corpus in corpora.values()
    ]

    def answer_shared() -> object:
        features = shared.transform(texts)
        return [regression.predict_proba(features) for regression in regressions]

    return {
        "joint": lambda: joint.probabilities(texts),
        "single": lambda: [single.probabilities(texts) for single in singles],
        "tfidf single": lambda: [pipeline.predict_proba(texts) for pipeline in pipelines],
        "tfidf shared": answer_shared,
    }


def _tfidf() -> TfidfVectorizer:
    return TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)


def _best(answer: Callable[[], object], repeats: int) -> float:
    """Processor seconds of the fastest of several calls, after one that is not timed."""
    answer()
    took = []
    for _ in range(repeats):
        began = time.process_time()
        answer()
        took.append(time.process_time() - began)
    return min(took)


if __name__ == "__main__":
    main()
