"""How long the training rows of every task are, as the network reads them: by it batches are cut, and the sampling plan counts them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mtl_models.config import Experiment
from mtl_models.config.hierarchical import Hierarchical
from mtl_models.corpora.corpus import Corpus
from mtl_models.home import home_folder
from mtl_models.tasks.task import Task
from mtl_models.text.words import places_of_words
from mtl_models.training.cutting import Lengths
from mtl_models.training.encoder import Encoder
from mtl_models.training.encoding import encode

__all__ = ["training_lengths"]


def training_lengths(
    experiment: Experiment, corpora: Mapping[str, Corpus], vocabularies: Mapping[str, Encoder]
) -> dict[str, Lengths] | None:
    """Task -> tokens (N,) of its N training rows, altered copies among them; None where nothing depends on them, for counting takes time.

    For a network that reads word by word they are words. Else they are counted where training reads them, in the cache of the home
    folder, which is filled if it has to be.
    """
    if experiment.training.batch_tokens is None:
        return None
    return {name: _of_task(experiment, corpora[name], vocabularies) for name in experiment.tasks}


def _of_task(experiment: Experiment, corpus: Corpus, vocabularies: Mapping[str, Encoder]) -> Lengths:
    task, most = Task.of(experiment.tasks[corpus.task].settings, corpus), experiment.training.max_tokens
    if isinstance(experiment.network, Hierarchical):
        return np.array([min(len(places_of_words(text, task.text.words)), most) for text in corpus.texts("train")], dtype=np.int32)
    encoded = encode(corpus, vocabularies[task.vocabulary], task, most, home_folder("cache", "encoded"), experiment.seed)
    return encoded.splits["train"].lengths
