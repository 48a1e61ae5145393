"""The gate at work on a real registry: who serves after a win, a loss, a repeat, a crash, a rollback."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from mtl_models.config.judging import Evaluation
from mtl_models.evaluation.comparison import compare
from mtl_models.evaluation.predictions import Predictions
from mtl_models.networks.folder import load_model
from steps.tracking import registry, versions
from steps.tracking.aliases import rollback
from steps.tracking.records import REGISTRATION, read_record
from steps.tracking.registration import Registration, attach, settle
from steps.tracking.runs import TrainingRecord

NAME = "polytask-made"
Situation = tuple[TrainingRecord, registry.Model, dict[str, Predictions]]


@pytest.fixture
def situation(record: TrainingRecord, folders: list[Path]):
    """A training whose joint model and twins are right about the given shares of the test rows."""

    def make(number: int, joint: float, twin: float, **changes: object) -> Situation:
        model = load_model(folders[number])

        def said(right: float) -> dict[str, Predictions]:
            found = {}
            for corpus in record.corpora:
                gold = np.array(corpus.splits["test"]["label"])
                wrong = np.arange(len(gold)) >= round(right * len(gold))
                found[corpus.task] = Predictions(
                    corpus.task, corpus.labels, tuple(corpus.splits["test"]["id"]), gold, np.eye(2)[np.where(wrong, 1 - gold, gold)]
                )
            return found

        ours = said(joint)
        comparison = compare(ours, said(twin), {}, Evaluation(resamples=100), seed=1)
        experiment = record.experiment.model_copy(update=changes)
        made = dataclasses.replace(record, experiment=experiment, comparison=comparison, model_fingerprint=model.fingerprint(), tags={})
        return made, model, ours

    return make


def aliases(client: MlflowClient) -> dict[str, int]:
    return {alias: version.number for version in versions.list_versions(NAME, client) for alias in version.aliases}


def test_the_first_winner_becomes_champion_though_there_was_none(situation, client):
    made = settle(*situation(0, joint=0.9, twin=0.7), client)
    assert made.decision.promote
    assert "no champion yet" in made.decision.prose()
    assert aliases(client) == {"champion": 1}


def test_a_losing_joint_model_stays_challenger_and_nothing_serves(situation, client):
    made = settle(*situation(0, joint=0.5, twin=0.9), client)
    assert not made.decision.promote
    assert aliases(client) == {"challenger": 1}


def test_a_better_model_takes_over_and_the_old_one_is_remembered(situation, client):
    settle(*situation(0, joint=0.9, twin=0.7), client)
    made = settle(*situation(1, joint=1.0, twin=0.7), client)
    assert made.decision.promote
    assert made.champion is not None
    assert made.champion_before == 1
    assert aliases(client) == {"champion": 2, "previous_champion": 1}


def test_a_model_that_beats_its_twins_but_not_the_champion_is_not_promoted(situation, client):
    settle(*situation(0, joint=0.9, twin=0.7), client)
    made = settle(*situation(1, joint=0.1, twin=0.05), client)
    assert not made.decision.promote
    assert aliases(client) == {"champion": 1, "challenger": 2}


def test_the_same_question_gets_the_recorded_answer_and_no_second_version(situation, client):
    first = settle(*situation(0, joint=0.9, twin=0.7), client)
    assert settle(*situation(0, joint=0.9, twin=0.7), client) == first
    assert len(versions.list_versions(NAME, client)) == 1
    assert read_record(first.run_id, REGISTRATION, Registration, client) == first


def test_other_test_rows_are_another_question(situation, client):
    first = settle(*situation(0, joint=0.9, twin=0.7), client)
    record, model, ours = situation(0, joint=0.6, twin=0.9)
    fewer = [
        dataclasses.replace(corpus, splits={**corpus.splits, "test": corpus.splits["test"].select(range(len(corpus.splits["test"]) - 1))})
        for corpus in record.corpora
    ]
    again = settle(dataclasses.replace(record, corpora=fewer), model, ours, client)
    assert again.run_id != first.run_id
    assert first.decision.promote
    assert not again.decision.promote
    assert len(versions.list_versions(NAME, client)) == 1


def test_another_gate_is_another_question(situation, client):
    first, model, predictions = situation(0, joint=0.9, twin=0.7)
    strict = first.experiment.gate.model_copy(update={"min_mean_gain": 0.9})
    refused = settle(*situation(0, joint=0.9, twin=0.7, gate=strict), client)
    assert not refused.decision.promote
    passed = settle(first, model, predictions, client)
    assert passed.decision.promote
    assert (passed.version, aliases(client)) == (1, {"champion": 1})


WRITES = 27
"""Of `settle` for a model that takes over: the run, its twins, the version, the record, the aliases."""
ALIAS_MOVES = range(WRITES - 3, WRITES + 1)
EARLIER = [pytest.param(write, marks=pytest.mark.slow) for write in range(1, WRITES - 3)]


@pytest.mark.parametrize("crash_at", [*EARLIER, *ALIAS_MOVES])
def test_a_crash_before_any_write_leaves_a_champion_and_the_rerun_ends_the_same(situation, client, crash_at):
    settle(*situation(0, joint=0.9, twin=0.7), client)

    class Crashing(MlflowClient):
        """The real client, until it dies before its n-th write."""

        writes = 0

        def __getattribute__(self, name: str) -> object:
            if name.startswith(("create_", "set_", "log_", "delete_", "finalize_", "update_")):
                type(self).writes += 1
                if type(self).writes == crash_at:
                    raise KeyboardInterrupt(name)
            return super().__getattribute__(name)

    with pytest.raises(KeyboardInterrupt):
        settle(*situation(1, joint=1.0, twin=0.7), Crashing(tracking_uri=client.tracking_uri, registry_uri=client.tracking_uri))
    assert aliases(client)["champion"] in (1, 2)
    made = settle(*situation(1, joint=1.0, twin=0.7), client)
    assert made.decision.promote
    assert aliases(client) == {"champion": 2, "previous_champion": 1}
    assert [version.number for version in versions.list_versions(NAME, client)] == [2, 1]


def test_a_rolled_back_version_is_not_put_back_by_a_rerun(situation, client):
    settle(*situation(0, joint=0.9, twin=0.7), client)
    settle(*situation(1, joint=1.0, twin=0.7), client)
    rollback(NAME, client)
    again = settle(*situation(1, joint=1.0, twin=0.7), client)
    assert not again.decision.promote
    assert "rolled back" in again.decision.prose()
    assert aliases(client)["champion"] == 1


def test_pages_go_to_the_run_and_the_card_to_the_version(situation, client):
    made = settle(*situation(0, joint=0.9, twin=0.7), client)
    attach(made, "# Card", {"report.html": "<p>ü</p>", "validation/films.html": "<p>ok</p>"}, client)
    assert versions.resolve(made.uri, client).description == "# Card"
    assert "report.html" in {file.path for file in client.list_artifacts(made.run_id)}
    assert {file.path for file in client.list_artifacts(made.run_id, "validation")} == {"validation/films.html"}


def test_a_model_that_forgot_the_rows_of_old_is_not_promoted(situation, client, record):
    """The meeting on the regression set has a say of its own."""
    settle(*situation(0, joint=0.9, twin=0.7), client)
    (made, model, predictions) = situation(1, joint=1.0, twin=0.7)
    found = settle(made, model, predictions, client, regression=record.corpora)
    assert found.regression is not None
    assert set(found.regression.tasks) == {corpus.task for corpus in record.corpora}
    names = [check.name for check in found.decision.checks]
    assert [name for name in names if name.endswith("the champion on the regression set")] == [
        f"{corpus.task} against the champion on the regression set" for corpus in record.corpora
    ]
    assert settle(made, model, predictions, client, regression=record.corpora).regression == found.regression
