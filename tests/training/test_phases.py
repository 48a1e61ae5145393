"""What a user loses if these fail: a second phase that undoes or ignores the first, or twins that train on other tasks' phases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from mtl_models.config.experiment import Experiment
from mtl_models.config.training import Training
from mtl_models.errors import ConfigError
from mtl_models.training.prepared import Prepared, prepare_experiment
from mtl_models.training.train import train

PHASES = [
    {"tasks": ["films"], "epochs": 2, "freeze": {"encoder": True}},
    {"tasks": ["phones"], "epochs": 3, "learning_rate": 0.05, "freeze": {"encoder": True, "heads": ["films"]}},
]


@pytest.fixture
def prepared(tmp_path: Path, made: ModuleType, backbones: Callable[..., Path]) -> tuple[Experiment, Prepared]:
    """Two tasks on the tiny encoder: films first, then phones with the films' head held."""
    made.make_experiment(tmp_path)
    experiment = Experiment.model_validate(
        {
            "name": "phases",
            "tasks": {"films": str(tmp_path / "films.csv"), "phones": str(tmp_path / "phones.csv")},
            "network": {"name": "sentence_encoder", "backbone": str(backbones("bert"))},
            "training": {"phases": PHASES, "max_tokens": 20, "learning_rate": 0.01, "metric": "accuracy"},
        }
    )
    return experiment, prepare_experiment(experiment)


def test_each_phase_trains_its_tasks_and_keeps_what_is_held(prepared: tuple[Experiment, Prepared]) -> None:
    experiment, ready = prepared
    rest = (ready.corpora, ready.vocabularies, ready.matrices, experiment.network)
    both, history = train(ready.tasks, *rest, experiment.training, 1)
    assert [sorted(record.train_loss) for record in history.epochs] == [["films"]] * 2 + [["phones"]] * 3
    assert history.best_epoch > 2
    films = next(task for task in ready.tasks if task.name == "films")
    twin, alone = train([films], *rest, experiment.training, 1)
    assert len(alone.epochs) == 2, "a twin has the phases of its task only"
    texts = ready.corpora["films"].splits["test"]["text"][:20]
    kept = both.probabilities(texts, ["films"])["films"]
    again, _ = train(ready.tasks, *rest, experiment.training, 1)
    assert (again.probabilities(texts, ["films"])["films"] == kept).all(), "equal inputs, equal weights"
    assert (twin.probabilities(texts, ["films"])["films"] == kept).all(), "the second phase holds what the first has learned, to the bit"


def test_what_a_twin_would_refuse_is_refused_before_the_joint_model_is_trained(
    prepared: tuple[Experiment, Prepared], capsys: pytest.CaptureFixture[str]
) -> None:
    experiment, ready = prepared
    phases = [{"epochs": 1}, {"epochs": 1, "freeze": {"encoder": True, "heads": ["films"]}}]
    training = Training.model_validate({"phases": phases, "max_tokens": 20})
    with pytest.raises(ConfigError, match="nothing that answers for task 'films' moves"):
        train(ready.tasks, ready.corpora, ready.vocabularies, ready.matrices, experiment.network, training, 1)
    assert "epoch 1/1" not in capsys.readouterr().err
