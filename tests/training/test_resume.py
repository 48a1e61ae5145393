"""What a user loses if these fail: hours of training after a power cut, or a model that nobody can train a second time."""

from __future__ import annotations

import runpy
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mtl_models.config.training import Training
from mtl_models.networks.network import Network
from mtl_models.training.fit import fit
from mtl_models.training.history import EpochRecord

PROGRAM = Path(__file__).with_name("killed_training.py")
ROWS = {"a": 60, "b": 20, "c": 40}


def start(checkpoints: Path, fatal_update: int) -> subprocess.Popen[str]:
    command = [sys.executable, str(PROGRAM), str(checkpoints), str(fatal_update)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def undisturbed(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What the program prints if nobody kills it, run in this process while another one is being killed."""
    monkeypatch.setattr(sys, "argv", [str(PROGRAM), str(folder / "undisturbed"), "0"])
    runpy.run_path(str(PROGRAM))
    return capsys.readouterr().out.split()


def test_kill_9_in_the_middle_of_an_epoch_then_the_same_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    killed = start(tmp_path / "killed", 16)  # 10 updates an epoch
    expected = undisturbed(tmp_path, monkeypatch, capsys)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    assert [path.name for path in (tmp_path / "killed").iterdir()] == ["epoch-0001"]
    found = start(tmp_path / "killed", 0).communicate()[0].split()
    assert expected[1:] == ["None", "3"]
    assert found[1:] == ["1", "3"]
    assert found[0] == expected[0], "the final weights differ"


class PowerCutError(Exception):
    """Ends a training where the real thing would."""


@pytest.mark.parametrize(
    "options",
    [
        {"sampler": {"name": "uniform"}, "decay": "cosine"},
        {"optimizer": "adam", "patience": 1, "metric": "accuracy"},
        {"clip": None, "warmup": 0.0, "decay": "none", "patience": None},
        {"objective": {"name": "uncertainty"}, "sampler": {"name": "temperature", "draws": "random"}},
        {"objective": {"name": "dynamic_average"}, "sampler": {"name": "annealed"}, "conflicts_every": 2},
        {
            "sampler": {"name": "sequential"},
            "updates": "single_task",
            "learning_state": "per_task",
            "successive_regularisation": 0.1,
            "patience": 1,
        },
        {"sampler": {"name": "uniform", "draws": "random"}, "updates": "single_task", "conflicts_every": 3},
        {"updates": "aggregate", "objective": {"name": "pcgrad"}, "conflicts_every": 2},
        {"updates": "aggregate", "objective": {"name": "nash_mtl", "update_every": 2}},
    ],
    ids=["uniform", "adam and stopping", "plain", "uncertainty", "dynamic average", "per task", "random single tasks", "pcgrad", "nash"],
)
@pytest.mark.parametrize("after", [1, 3])
def test_every_epoch_can_be_the_last_before_an_interruption(
    options: dict[str, object],
    after: int,
    tmp_path: Path,
    tasks_named: Callable[..., list],
    made_corpora: Callable[..., dict],
    made_network: Callable[..., Network],
    digest: Callable[[Network], str],
) -> None:
    tasks, corpora = tasks_named(*ROWS), made_corpora(ROWS)
    training = Training(epochs=5, batch_size=16, learning_rate=0.02, device="cpu", **options)
    undisturbed = made_network(tasks)
    expected = fit(undisturbed, tasks, corpora, training, 7)

    def cut(record: EpochRecord) -> None:
        if record.epoch == after:
            raise PowerCutError

    after = min(after, len(expected.epochs))
    with pytest.raises(PowerCutError):
        fit(made_network(tasks), tasks, corpora, training, 7, tmp_path, cut)
    resumed = made_network(tasks)
    seen: list[int] = []
    history = fit(resumed, tasks, corpora, training, 7, tmp_path, lambda record: seen.append(record.epoch))
    assert digest(resumed) == digest(undisturbed)
    assert history.resumed_from == after
    assert seen == list(range(after + 1, len(expected.epochs) + 1)), "only the epochs trained now are reported"
    assert (history.best_epoch, history.stopped) == (expected.best_epoch, expected.stopped)
    for mine, theirs in zip(history.epochs, expected.epochs, strict=True):
        timeless = {"seconds", "examples_per_second"}
        assert mine.model_dump(exclude=timeless) == theirs.model_dump(exclude=timeless)


@pytest.mark.parametrize("change", ["seed", "learning rate", "corpus", "first weights"])
def test_a_checkpoint_of_something_else_is_not_used(
    change: str,
    tmp_path: Path,
    tasks_named: Callable[..., list],
    made_corpora: Callable[..., dict],
    made_network: Callable[..., Network],
    digest: Callable[[Network], str],
    capfd: pytest.CaptureFixture[str],
) -> None:
    tasks = tasks_named("a", "b")

    def train(checkpoints: Path, changed: bool) -> tuple[str, int | None]:
        network = made_network(tasks)
        if changed and change == "first weights":
            network.heads["a"].bias.data += 1
        rate = 0.02 if changed and change == "learning rate" else 0.01
        corpora = made_corpora({"a": 30, "b": 21 if changed and change == "corpus" else 20})
        training = Training(epochs=2, learning_rate=rate, device="cpu")
        history = fit(network, tasks, corpora, training, 8 if changed and change == "seed" else 7, checkpoints)
        return digest(network), history.resumed_from

    train(tmp_path / "shared", changed=False)
    expected, _ = train(tmp_path / "own", changed=True)
    capfd.readouterr()
    assert train(tmp_path / "shared", changed=True) == (expected, None)
    assert "another configuration, corpus or version; it is not used" in capfd.readouterr().err
    assert train(tmp_path / "shared", changed=True) == (expected, 2), "its own checkpoint has taken the place of the other one"
