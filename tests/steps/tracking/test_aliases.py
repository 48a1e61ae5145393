"""Whatever crashes, something must serve, and the same command run again must end where it should have."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from mtl_models.errors import TrackingError
from mtl_models.networks.folder import model_fingerprint
from steps.tracking.aliases import promote, rollback
from steps.tracking.client import connect, experiment_id
from steps.tracking.registry import download, register
from steps.tracking.runs import LoggedRun
from steps.tracking.versions import champion, list_versions, resolve

WRITES = (
    "create_logged_model",
    "create_model_version",
    "create_registered_model",
    "delete_model_version_tag",
    "delete_registered_model_alias",
    "finalize_logged_model",
    "log_batch",
    "log_model_artifacts",
    "log_outputs",
    "set_model_version_tag",
    "set_registered_model_alias",
)


class Crash(BaseException):
    """Stands for a kill: no code of ours catches it."""


class CrashingClient(MlflowClient):
    """A real client that dies before its n-th write."""

    def __init__(self, uri: str, writes: int) -> None:
        super().__init__(uri, uri)
        self.left = writes

    def __getattribute__(self, name: str):
        found = super().__getattribute__(name)
        if name not in WRITES:
            return found

        def counted(*args, **kwargs):
            if self.left == 0:
                raise Crash(name)
            self.left -= 1
            return found(*args, **kwargs)

        return counted


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Iterator[MlflowClient]:
    """One home for the whole file: every test has models of its own."""
    folder = tmp_path_factory.mktemp("home")
    shutil.copy(empty_database, folder / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POLYTASK_HOME", str(folder))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield connect()


@pytest.fixture(scope="module")
def run(client: MlflowClient) -> LoggedRun:
    experiment = experiment_id(client, "made")
    return LoggedRun(client.create_run(experiment).info.run_id, experiment, "made", {})


@pytest.fixture
def versions(client: MlflowClient, run: LoggedRun) -> Iterator[list[int]]:
    """Three versions of the model m without files: what aliases point at does not matter to them."""
    client.create_registered_model("m")
    yield [int(client.create_model_version("m", source=f"file:///{n}", run_id=run.run_id).version) for n in range(3)]
    client.delete_registered_model("m")


def aliases(client: MlflowClient) -> dict[str, int]:
    return {alias: int(version) for alias, version in client.get_registered_model("m").aliases.items()}


def set_aliases(client: MlflowClient, **wanted: int) -> None:
    for alias, version in wanted.items():
        client.set_registered_model_alias("m", alias, str(version))


def test_the_first_promotion(client: MlflowClient, versions: list[int]) -> None:
    set_aliases(client, challenger=1)
    assert promote("m", 1, client).aliases == ("champion",)
    assert aliases(client) == {"champion": 1}


def test_a_promotion_remembers_the_champion_so_far(client: MlflowClient, versions: list[int]) -> None:
    set_aliases(client, champion=1, previous_champion=3, challenger=2)
    promote("m", 2, client)
    assert aliases(client) == {"champion": 2, "previous_champion": 1}


def test_promoting_the_champion_changes_nothing(client: MlflowClient, versions: list[int]) -> None:
    set_aliases(client, champion=2, previous_champion=1)
    promote("m", 2, client)
    assert aliases(client) == {"champion": 2, "previous_champion": 1}


def test_promoting_leaves_another_challenger_alone(client: MlflowClient, versions: list[int]) -> None:
    set_aliases(client, champion=1, challenger=3)
    promote("m", 2, client)
    assert aliases(client) == {"champion": 2, "previous_champion": 1, "challenger": 3}


@pytest.mark.parametrize("writes", range(4))
@pytest.mark.parametrize(
    "before", [{"challenger": 2}, {"champion": 1, "challenger": 2}, {"champion": 1, "previous_champion": 3, "challenger": 2}]
)
def test_a_crash_between_any_two_moves_leaves_a_champion_and_a_rerun_completes(
    client: MlflowClient, versions: list[int], before: dict[str, int], writes: int
) -> None:
    set_aliases(client, **before)
    crashing = CrashingClient(client.tracking_uri, writes)
    try:
        promote("m", 2, crashing)
    except Crash:
        after_crash = aliases(client)
        if "champion" in before:
            assert after_crash["champion"] in (1, 2)
            assert after_crash["champion"] == 1 or after_crash["previous_champion"] == 1
    else:
        assert crashing.left >= 0
    promote("m", 2, client)
    assert aliases(client) == {"champion": 2} | ({"previous_champion": 1} if "champion" in before else {})


def test_the_crash_points_are_all_there(client: MlflowClient, versions: list[int]) -> None:
    """Three writes make a promotion; if a fourth is added, the ranges of these tests must grow."""
    set_aliases(client, champion=1, challenger=2)
    counting = CrashingClient(client.tracking_uri, 100)
    promote("m", 2, counting)
    assert counting.left == 97
    rollback("m", counting)
    assert counting.left == 94


def test_rollback_brings_the_previous_champion_back_and_marks_the_other(client: MlflowClient, versions: list[int]) -> None:
    promote("m", 1, client)
    promote("m", 2, client)
    assert rollback("m", client).number == 1
    assert aliases(client) == {"champion": 1}
    assert resolve("models:/m/2", client).rolled_back
    assert not resolve("models:/m/1", client).rolled_back


def test_a_second_rollback_is_refused_and_changes_nothing(client: MlflowClient, versions: list[int]) -> None:
    for number in (1, 2, 3):
        promote("m", number, client)
    rollback("m", client)
    with pytest.raises(TrackingError, match=r"has only the champion, version 2: there is no promotion to undo, or it was undone already"):
        rollback("m", client)
    assert aliases(client) == {"champion": 2}


def test_rollback_without_any_champion_or_model_says_so(client: MlflowClient, versions: list[int]) -> None:
    with pytest.raises(TrackingError, match="has no champion"):
        rollback("m", client)
    with pytest.raises(TrackingError, match=r"has no model 'n'; the registered models: .*m"):
        rollback("n", client)


@pytest.mark.parametrize("writes", range(4))
def test_a_crash_in_a_rollback_leaves_a_champion_and_a_rerun_completes(client: MlflowClient, versions: list[int], writes: int) -> None:
    promote("m", 1, client)
    promote("m", 2, client)
    try:
        rollback("m", CrashingClient(client.tracking_uri, writes))
    except Crash:
        assert aliases(client)["champion"] in (1, 2)
        rollback("m", client)
    assert aliases(client) == {"champion": 1}
    assert resolve("models:/m/2", client).rolled_back


def test_a_rollback_after_a_promotion_that_crashed_half_way_keeps_the_champion(client: MlflowClient, versions: list[int]) -> None:
    set_aliases(client, champion=1, challenger=2)
    with pytest.raises(Crash):
        promote("m", 2, CrashingClient(client.tracking_uri, 1))
    assert rollback("m", client).number == 1
    assert aliases(client) == {"champion": 1, "challenger": 2}


def test_a_promotion_on_purpose_clears_the_mark_of_a_rollback(client: MlflowClient, versions: list[int]) -> None:
    promote("m", 1, client)
    promote("m", 2, client)
    rollback("m", client)
    assert not promote("m", 2, client).rolled_back
    assert aliases(client) == {"champion": 2, "previous_champion": 1}


def test_a_crash_anywhere_in_register_leaves_the_champion_and_a_rerun_makes_one_version(
    client: MlflowClient, run: LoggedRun, folders: list[Path]
) -> None:
    promote("r", register(folders[0], "r", run, {}, client=client).number, client)
    for writes in range(12):
        crashing = CrashingClient(client.tracking_uri, writes)
        try:
            register(folders[1], "r", run, {}, client=crashing)
        except Crash:
            served = champion("r", client)
            assert served is not None
            assert download(served.uri, client).name == model_fingerprint(folders[0])
            register(folders[1], "r", run, {}, client=client)
        else:
            break
        newest, oldest = list_versions("r", client)
        assert (newest.aliases, oldest.aliases) == (("challenger",), ("champion",))
        assert client.get_run(run.run_id).data.tags["polytask.model_version"] == str(newest.number)
        client.delete_model_version("r", str(newest.number))
    assert writes == 7
