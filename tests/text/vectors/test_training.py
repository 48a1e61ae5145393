"""Trained vectors: two runs of one experiment must give the same ones, in any process."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from mtl_models.config.text import TextOptions, Vectors
from mtl_models.config.text import Vocabulary as VocabularyConfig
from mtl_models.text.vectors.training import train_vectors
from mtl_models.text.vocabulary import PAD, build_vocabulary

ROOT = Path(__file__).parents[3]
TEXTS, OPTIONS = {"a": ["the cat sat on the mat", "the dog sat"] * 4000}, {"a": TextOptions()}


# More words than gensim hands to a worker at once, or any number of workers would give the same vectors.
def digest(seed):
    vocabulary = build_vocabulary(TEXTS, OPTIONS, VocabularyConfig(min_count=1))
    found = train_vectors(vocabulary, Vectors(dimension=8, epochs=2), TEXTS, OPTIONS, seed)
    return hashlib.sha256(found.values.tobytes()).hexdigest()


def test_same_seed_same_vectors_in_any_process():
    program = f"import runpy; print(runpy.run_path({__file__!r})['digest'](1))"
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
    assert digest(1) == digest(1) == done.stdout.strip()
    assert digest(1) != digest(2)


def test_words_of_like_use_come_near_and_unknown_has_a_vector():
    rng = np.random.default_rng(0)
    rows = [f"{rng.choice(['cats', 'dogs'])} chase {rng.choice(['mice', 'rats'])}" for _ in range(400)]
    rows += [f"{rng.choice(['banks', 'funds'])} lend {rng.choice(['money', 'cash'])} rare{number}" for number in range(400)]
    texts, options = {"a": rows}, {"a": TextOptions(numbers="keep")}
    vocabulary = build_vocabulary(texts, options, VocabularyConfig(min_count=2))
    found = train_vectors(vocabulary, Vectors(dimension=16, epochs=20), texts, options, 3)
    assert list(found.ids) == list(range(PAD + 1, vocabulary.size))
    place = {word: index - 1 for index, word in enumerate(vocabulary.tokens)}
    unit = found.values / np.linalg.norm(found.values, axis=1, keepdims=True)
    near = unit[place["cats"]] @ unit[place["dogs"]]
    assert near > unit[place["cats"]] @ unit[place["money"]]
