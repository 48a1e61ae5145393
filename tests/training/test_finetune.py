"""What a user loses if these fail: a fine-tuning that a network cannot carry begins all the same, and ends in a traceback."""

from __future__ import annotations

import pytest

from mtl_models.config.finetuning import Finetuning
from mtl_models.config.training import Training
from mtl_models.errors import ConfigError
from mtl_models.training.finetune import finetune

import marking


def test_a_model_with_levels_takes_no_task_without_one() -> None:
    model, _, corpora = marking.trained(["names"], epochs=1)
    with pytest.raises(ConfigError, match=r"levels for the tasks it was trained with.*polytask run"):
        finetune(model, model.tasks, corpora, {}, {}, Finetuning(), Training(max_tokens=40), 1)
