"""What a user loses if these fail: a fine-tuning that a network cannot carry and that ends in a traceback, or one on the wrong scale."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mtl_models import train_experiment
from mtl_models.config.finetuning import Finetuning
from mtl_models.config.training import Training
from mtl_models.errors import ConfigError
from mtl_models.evaluation.metrics import measure
from mtl_models.evaluation.predictions import predict_split
from mtl_models.training.finetune import finetune

import marking


def test_a_model_with_levels_takes_no_task_without_one() -> None:
    model, _, corpora = marking.trained(["names"], epochs=1)
    with pytest.raises(ConfigError, match=r"levels for the tasks it was trained with.*polytask run"):
        finetune(model, model.tasks, corpora, {}, {}, Finetuning(), Training(max_tokens=40), 1)


def test_a_rating_trained_further_keeps_its_scale_in_training_on_dev_and_in_its_answers() -> None:
    rows = [(f"item {number} was {word}", stars) for number in range(30) for word, stars in (("good", 5), ("fair", 3), ("bad", 1))]
    sizes = {"vocabularies": {"shared": {"vectors": {"method": "random", "dimension": 8}}}, "network": {"name": "joint_lstm", "hidden": 8}}
    base = train_experiment({"name": "stars", "tasks": {"stars": {"kind": "rating"}}, "training": {"epochs": 1}, **sizes}, {"stars": rows})
    told = replace(base.model.model.task("stars"), mean=40.0, deviation=0.1)
    settings = Training(epochs=2, max_tokens=base.model.model.max_tokens)
    model, history, _ = finetune(base.model.model, [told], base.corpora, {}, {}, Finetuning(freeze="none"), settings, 1)
    found = measure(predict_split(model, base.corpora["stars"], "dev"))
    assert found.more["mae"] == pytest.approx(history.epochs[history.best_epoch - 1].dev["stars"]["mae"], abs=1e-5)
    assert found.more["mae"] < 4.0
