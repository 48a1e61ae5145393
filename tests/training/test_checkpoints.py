"""What a user loses if these fail: training taken up from damaged weights, a disk full of old checkpoints, the last good one lost."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from mtl_models.errors import PolytaskError
from mtl_models.training.checkpoints import Checkpoint, Checkpoints, copied_state, restore_optimizers
from mtl_models.training.history import EpochRecord
from mtl_models.training.objectives.uncertainty import UncertaintyWeights

from histories import epoch_record


def record(epoch: int) -> EpochRecord:
    """Values that a careless writer would round."""
    return epoch_record(epoch, {"a": 1 / 3}, train_loss={"a": 0.1 + 0.2}, examples={"a": 4}, examples_per_second={"a": 2.5}, padded=0.1)


class Tied(nn.Module):
    """Weights that are shared, frozen, of no dimension and not contiguous all go through."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 3)
        self.second = nn.Linear(3, 3)
        self.second.weight = self.first.weight
        self.frozen = nn.Parameter(torch.arange(6.0).reshape(2, 3).T, requires_grad=False)
        self.register_buffer("count", torch.tensor(7))


Trained = tuple[nn.Module, nn.Module, list[torch.optim.Optimizer]]


def learned(log_variance: float) -> nn.Module:
    objective = UncertaintyWeights(["a"])
    nn.init.constant_(objective.log_variances[0], log_variance)
    return objective


@pytest.fixture
def trained() -> Trained:
    network = Tied()
    optimizer = torch.optim.AdamW([parameter for parameter in network.parameters() if parameter.requires_grad], fused=True)
    for _ in range(2):
        network.second(network.first(torch.ones(2, 3))).sum().backward()
        optimizer.step()
    return network, learned(0.25), [optimizer]


@pytest.fixture
def saved(tmp_path: Path, trained: Trained) -> Checkpoints:
    store = Checkpoints(tmp_path, "this")
    store.save([record(1)], *trained, {"w": torch.ones(2)})
    return store


def loaded(store: Checkpoints) -> Checkpoint:
    found = store.load()
    assert found is not None
    return found


def test_everything_comes_back(saved: Checkpoints, trained: Trained) -> None:
    found = loaded(saved)
    assert found.records == [record(1)]
    network, _, (optimizer,) = trained
    objective = UncertaintyWeights(["a"])
    objective.load_state_dict(found.objective)
    assert objective.weights(["a"])["a"] == torch.tensor(-0.25).exp()
    other = Tied()
    other.load_state_dict(found.network)
    assert all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in network.state_dict().items())
    again = torch.optim.AdamW([parameter for parameter in other.parameters() if parameter.requires_grad], lr=0.5, fused=True)
    restore_optimizers([again], found.optimizer)
    for one, two in zip(optimizer.state.values(), again.state.values(), strict=True):
        assert {key: value.tolist() for key, value in one.items()} == {key: value.tolist() for key, value in two.items()}
    assert again.param_groups[0]["lr"] == 0.5, "settings are the configuration's, not the checkpoint's"
    assert found.best["w"].tolist() == [1.0, 1.0]


def test_the_last_one_is_kept_and_drafts_of_a_killed_process_go(saved: Checkpoints, trained: Trained, tmp_path: Path) -> None:
    (tmp_path / ".epoch-0002.x7").mkdir()
    saved.save([record(1), record(2)], *trained, {})
    assert [path.name for path in tmp_path.iterdir()] == ["epoch-0002"]


def test_nothing_there_is_no_checkpoint(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path / "none", "this").load() is None


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("file", ["state.safetensors", "state.json"])
@pytest.mark.parametrize("damage", [truncate, Path.unlink, flip], ids=["truncated", "gone", "a flipped bit"])
def test_a_damaged_one_is_named_and_not_used(
    file: str, damage: Callable[[Path], None], saved: Checkpoints, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    damage(tmp_path / "epoch-0001" / file)
    assert saved.load() is None
    assert f"{tmp_path / 'epoch-0001'}: the checkpoint is damaged and not used: " in capfd.readouterr().err


def test_an_older_whole_one_stands_in_for_a_damaged_one(saved: Checkpoints, trained: Trained, tmp_path: Path) -> None:
    shutil.copytree(tmp_path / "epoch-0001", tmp_path.parent / "kept")
    saved.save([record(1), record(2)], *trained, {})
    shutil.move(tmp_path.parent / "kept", tmp_path / "epoch-0001")
    truncate(tmp_path / "epoch-0002" / "state.safetensors")
    assert len(loaded(saved).records) == 1


def test_a_disk_that_takes_no_more_says_where_and_leaves_the_one_before(saved: Checkpoints, trained: Trained, tmp_path: Path) -> None:
    """A limit on the size of files stands in for the full disk: writing fails in the same place."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(PolytaskError, match=r"epoch-0002: the checkpoint cannot be written: .*too large.* goes on after epoch 1"):
            saved.save([record(1), record(2)], *trained, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in tmp_path.iterdir()] == ["epoch-0001"]
    assert len(loaded(saved).records) == 1


def test_every_optimizer_gets_its_own_moments_back(tmp_path: Path) -> None:
    """With moments per task, tasks that swap them train on as somebody else."""
    weight = nn.Parameter(torch.zeros(3))
    optimizers = [torch.optim.AdamW([weight], fused=True) for _ in range(2)]
    for number, optimizer in enumerate(optimizers):
        weight.grad = torch.full((3,), float(number + 1))
        optimizer.step()
    Checkpoints(tmp_path, "this").save([record(1)], nn.Linear(1, 1), nn.Module(), optimizers, {})
    again = [torch.optim.AdamW([weight], fused=True) for _ in range(2)]
    restore_optimizers(again, loaded(Checkpoints(tmp_path, "this")).optimizer)
    for mine, theirs in zip(again, optimizers, strict=True):
        assert torch.equal(mine.state[weight]["exp_avg"], theirs.state[weight]["exp_avg"])
    assert not torch.equal(again[0].state[weight]["exp_avg"], again[1].state[weight]["exp_avg"])


def test_copies_do_not_follow_the_training() -> None:
    network = nn.Linear(2, 2)
    copy = copied_state(network)
    with torch.no_grad():
        network.weight += 1
    assert not torch.equal(copy["weight"], network.weight)
