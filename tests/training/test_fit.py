"""What a user loses if these fail: a model that has not learned, that cannot be trained again, or a history that tells something else."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from accelerate import Accelerator

from mtl_models.config.training import Training
from mtl_models.errors import ConfigError, CorpusError, PolytaskError
from mtl_models.networks.network import Network
from mtl_models.tasks.kind import kind_of
from mtl_models.training.dev import measure_dev
from mtl_models.training.devices import accelerator_for
from mtl_models.training.fit import fit
from mtl_models.training.history import History

ROWS = {"a": 300, "b": 100}
LEARNS = Training(epochs=6, batch_size=16, learning_rate=0.03, device="cpu", patience=None)
SHORT = Training(epochs=2, batch_size=16, learning_rate=0.02, device="cpu", patience=None)


def test_it_learns_what_can_be_learned(
    tasks_named: Callable[..., list], made_corpora: Callable[..., dict], made_network: Callable[..., Network]
) -> None:
    tasks = tasks_named(*ROWS)
    history = fit(made_network(tasks), tasks, made_corpora(ROWS), LEARNS, 1)
    best = history.epochs[history.best_epoch - 1]
    assert all(measures["macro_f1"] > 0.95 for measures in best.dev.values())
    assert all(best.train_loss[task] < 0.3 < history.epochs[0].train_loss[task] for task in ROWS)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_two_runs_give_the_same_weights(
    precision: str,
    tasks_named: Callable[..., list],
    made_corpora: Callable[..., dict],
    made_network: Callable[..., Network],
    digest: Callable[[Network], str],
) -> None:
    """Whatever state the random generators were in."""
    tasks, corpora, training = tasks_named(*ROWS), made_corpora(ROWS), SHORT.model_copy(update={"precision": precision})
    found = set()
    for noise in range(2):
        network = made_network(tasks)
        torch.manual_seed(noise)
        fit(network, tasks, corpora, training, 1)
        found.add(digest(network))
    assert len(found) == 1
    network = made_network(tasks)
    fit(network, tasks, corpora, training, 2)
    assert digest(network) not in found, "another seed, another training"


def test_the_callers_random_state_and_settings_are_left_alone(
    tasks_named: Callable[..., list], made_corpora: Callable[..., dict], made_network: Callable[..., Network]
) -> None:
    tasks = tasks_named("a")
    network = made_network(tasks)
    before = torch.get_rng_state()
    fit(network, tasks, made_corpora({"a": 20}), SHORT, 1)
    assert torch.equal(before, torch.get_rng_state())
    assert not torch.are_deterministic_algorithms_enabled()


def test_the_network_ends_with_the_weights_of_the_best_epoch(
    tasks_named: Callable[..., list], made_corpora: Callable[..., dict], made_network: Callable[..., Network]
) -> None:
    """A learning rate that is far too high makes the epochs go up and down."""
    tasks, corpora = tasks_named(*ROWS), made_corpora(ROWS)
    network = made_network(tasks)
    history = fit(network, tasks, corpora, SHORT.model_copy(update={"epochs": 6, "learning_rate": 0.3}), 1)
    assert history.best_epoch < 6, "the test needs a best epoch before the last"
    dev = {task.name: corpora[task.name].splits["dev"] for task in tasks}
    measured = measure_dev(network, {task.name: kind_of(task) for task in tasks}, dev, torch.device("cpu"))
    assert measured == history.epochs[history.best_epoch - 1].dev
    assert not network.training


def test_a_twin_is_the_same_call_with_one_task(
    tasks_named: Callable[..., list], made_corpora: Callable[..., dict], made_network: Callable[..., Network]
) -> None:
    (task,), corpora = tasks_named("a"), made_corpora(ROWS)
    history = fit(made_network([task]), [task], corpora, LEARNS, 1)
    assert history.epochs[-1].dev["a"]["accuracy"] > 0.95
    assert {key for record in history.epochs for key in record.examples} == {"a"}


def test_a_task_out_of_patience_gives_no_more_rows_and_training_ends_with_the_last(
    tasks_named: Callable[..., list], made_corpora: Callable[..., dict], made_network: Callable[..., Network]
) -> None:
    tasks = tasks_named("still", "free")
    frozen = Training(epochs=5, batch_size=16, learning_rate=1e-12, device="cpu", patience=1)
    corpora = made_corpora({"still": 40, "free": 24}, dev={"still": 10, "free": 0})
    history = fit(made_network(tasks), tasks, corpora, frozen, 1)
    assert [record.examples for record in history.epochs] == [{"still": 40, "free": 24}] * 2 + [{"free": 24}] * 3
    assert history.stopped == {"still": 2}
    assert history.best_epoch == 1
    assert [record.updates for record in history.epochs] == [4, 8, 10, 12, 14]
    assert set(history.epochs[-1].dev) == {"still"}, "a stopped task is still measured; one without dev rows is not"
    rates = [record.learning_rate for record in history.epochs]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 1.5e-13, "the schedule reaches its end though updates were fewer"
    both = fit(made_network(tasks), tasks, made_corpora({"still": 40, "free": 24}), frozen, 1)
    assert len(both.epochs) == 2


def test_the_history_adds_up(
    tasks_named: Callable[..., list],
    made_corpora: Callable[..., dict],
    made_network: Callable[..., Network],
    capfd: pytest.CaptureFixture[str],
) -> None:
    tasks, reported = tasks_named(*ROWS), []
    network = made_network(tasks)
    history = fit(network, tasks, made_corpora(ROWS), SHORT, 1, report=reported.append, label="a+b")
    assert reported == history.epochs
    assert [record.updates for record in history.epochs] == [25, 50]
    assert (history.device, history.precision, history.resumed_from) == ("cpu", "fp32", None)
    assert history.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert history.seconds == sum(record.seconds for record in history.epochs) > 0
    record = history.epochs[0]
    assert 0 < record.padded < 0.2
    assert set(record.dev["a"]) == {"loss", "accuracy", "macro_f1", "mcc"}
    assert record.examples_per_second["a"] == pytest.approx(3 * record.examples_per_second["b"])
    assert History.model_validate_json(history.model_dump_json()) == history
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("a+b: epoch 1/2 in ")
    assert f"(a {record.dev['a']['macro_f1']:.3f}, b {record.dev['b']['macro_f1']:.3f})" in lines[0]


def test_the_first_loss_is_that_of_chance_for_every_task(
    tasks_named: Callable[..., list], made_corpora: Callable[..., dict], made_network: Callable[..., Network]
) -> None:
    """Un-weighted: a task with a quarter of the rows shows its own loss, not a quarter of it."""
    tasks = tasks_named(*ROWS)
    history = fit(made_network(tasks), tasks, made_corpora(ROWS), SHORT.model_copy(update={"epochs": 1, "learning_rate": 1e-9}), 1)
    assert all(loss == pytest.approx(math.log(2), abs=0.15) for loss in history.epochs[0].train_loss.values())


def test_faults_of_the_user_are_named(
    tasks_named: Callable[..., list], made_corpora: Callable[..., dict], made_network: Callable[..., Network]
) -> None:
    tasks = tasks_named("a")
    with pytest.raises(CorpusError, match="task 'a' has no training rows"):
        fit(made_network(tasks), tasks, made_corpora({"a": 0}), SHORT, 1)
    network = made_network(tasks)
    network.heads["a"].bias.data += float("nan")
    with pytest.raises(PolytaskError, match=r"the loss of task 'a' is nan in epoch 1; lower training\.learning_rate"):
        fit(network, tasks, made_corpora({"a": 20}), SHORT, 1)
    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match=r"training\.device: cuda, but PyTorch finds no GPU"):
            fit(made_network(tasks), tasks, made_corpora({"a": 20}), SHORT.model_copy(update={"device": "cuda"}), 1)


def test_precision_does_not_leak_from_one_training_to_the_next() -> None:
    """accelerate keeps its settings for the whole process, those of other users of it included."""
    Accelerator(cpu=True, mixed_precision="bf16")
    for precision in ("fp32", "bf16", "fp32"):
        with accelerator_for(SHORT.model_copy(update={"precision": precision})) as accelerator:
            assert accelerator.mixed_precision == ("bf16" if precision == "bf16" else "no")


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["auto", "fp32"])
def test_on_a_gpu(
    precision: str,
    tasks_named: Callable[..., list],
    made_corpora: Callable[..., dict],
    made_network: Callable[..., Network],
    digest: Callable[[Network], str],
) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no GPU here")
    tasks, corpora = tasks_named(*ROWS), made_corpora(ROWS)
    training = LEARNS.model_copy(update={"device": "auto", "precision": precision})
    found = set()
    for _ in range(2):
        network = made_network(tasks)
        history = fit(network, tasks, corpora, training, 1)
        found.add(digest(network))
        assert (history.device, history.precision) == ("cuda", "bf16" if precision == "auto" else "fp32")
        assert all(measures["macro_f1"] > 0.95 for measures in history.epochs[history.best_epoch - 1].dev.values())
        assert next(network.parameters()).device.type == "cpu"
    assert len(found) == 1
