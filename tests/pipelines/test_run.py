"""A whole run, as a user sees it: results, registry, prediction, cache, and going on after an interruption."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

pytestmark = pytest.mark.pipeline


def statuses(home: Path) -> dict[str, str]:
    """Step -> status in the latest pipeline run, from ZenML's own database."""
    path = next(home.rglob("zenml.db"))
    with sqlite3.connect(path) as database:
        run = database.execute("SELECT id FROM pipeline_run ORDER BY created DESC LIMIT 1").fetchone()[0]
        return dict(database.execute("SELECT name, status FROM step_run WHERE pipeline_run_id = ?", (run,)).fetchall())


@pytest.fixture(scope="module")
def project(tmp_path_factory, request):
    """One finished run that the tests of this file look at and add to, in their order."""
    helpers = request.getfixturevalue("made")
    folder = tmp_path_factory.mktemp("project")
    helpers.make_experiment(folder)
    polytask = helpers.command_line(folder, folder / "home")
    told = polytask("run", "made.yaml")
    assert told.returncode == 0, told.stderr
    return folder, polytask, told


def test_the_terminal_ends_with_a_table_the_decision_and_where_to_look(project):
    folder, _, told = project
    for part in ("films", "phones", "mean", "TF-IDF, single", "TF-IDF, pooled", "promoted to champion", "report.html", "polytask ui"):
        assert part in told.stdout
    page = (folder / "home" / "reports" / "polytask-made" / "report.html").read_text(encoding="utf-8")
    assert "films" in page
    assert "<script src" not in page


def test_every_step_of_the_design_ran(project):
    ran = statuses(project[0] / "home")
    per_task = [
        f"{step}_{task}" for step in ("ingest", "validate", "separate", "train_single", "train_reference") for task in ("films", "phones")
    ]
    shared = ["build_vocabulary_shared", "build_embeddings_shared", "train_joint", "train_pooled_reference", "evaluate", "compare"]
    assert set(ran) == {*per_task, *shared, "register", "report"}
    assert set(ran.values()) == {"completed"}


def test_the_champion_answers_for_all_tasks(project):
    _, polytask, _ = project
    told = polytask("predict", "--format", "json", "a great and lovely film", "a dull and boring phone")
    assert told.returncode == 0, told.stderr
    rows = [json.loads(line) for line in told.stdout.splitlines()]
    assert [(row["index"], row["task"], row["label"]) for row in rows] == [
        (0, "films", "positive"),
        (0, "phones", "positive"),
        (1, "films", "negative"),
        (1, "phones", "negative"),
    ]


def test_models_are_listed_and_shown(project):
    _, polytask, _ = project
    listed, shown = polytask("models", "list"), polytask("models", "show", "polytask-made")
    assert "polytask-made" in listed.stdout
    assert "champion" in listed.stdout
    assert "films" in shown.stdout
    assert "promoted to champion" in shown.stdout
    nothing = polytask("models", "rollback", "polytask-made")
    assert nothing.returncode == 2
    assert "no promotion to undo" in nothing.stderr


def test_a_second_run_takes_every_computing_step_from_the_cache_and_registers_nothing(project):
    folder, polytask, _ = project
    told = polytask("run", "made.yaml")
    assert told.returncode == 0, told.stderr
    ran = statuses(folder / "home")
    assert {name for name, status in ran.items() if status != "cached"} == {"register"}
    assert polytask("models", "list").stdout.count("polytask-made") == 1


def test_a_changed_row_reruns_just_what_depends_on_it(project):
    folder, polytask, _ = project
    path = folder / "phones.csv"
    path.write_text(path.read_text() + "a superb phone that I would buy again,positive\n")
    told = polytask("run", "made.yaml")
    assert told.returncode == 0, told.stderr
    cached = {name for name, status in statuses(folder / "home").items() if status == "cached"}
    assert {"ingest_films", "validate_films", "train_reference_films"} <= cached
    assert not cached & {"ingest_phones", "validate_phones", "train_reference_phones", "train_joint", "evaluate", "compare"}


def test_a_changed_setting_of_the_judging_trains_nothing(project):
    folder, polytask, _ = project
    told = polytask("run", "made.yaml", "--set", "evaluation.resamples=300")
    assert told.returncode == 0, told.stderr
    ran = statuses(folder / "home")
    assert {name for name, status in ran.items() if status != "cached"} == {"compare", "register", "report"}


def test_mlflow_out_of_reach_ends_clearly_and_the_next_run_goes_on(project):
    folder, polytask, _ = project
    away = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
    told = polytask("run", "made.yaml", "--set", "seed=14", **away)
    assert told.returncode == 2
    assert "http://127.0.0.1:9" in told.stderr
    assert "Traceback" not in told.stderr
    assert polytask("run", "made.yaml", "--set", "seed=14").returncode == 0
    ran = statuses(folder / "home")
    assert {name for name, status in ran.items() if status != "cached"} == {"register", "report"}


@pytest.mark.slow
def test_a_single_task_is_its_own_twin_and_is_trained_once(project):
    folder, polytask, _ = project
    told = polytask("run", "made.yaml", "--set", "tasks.phones=null", "--set", "name=alone")
    assert told.returncode == 0, told.stderr
    said = told.stdout + told.stderr
    assert "done  train_joint" in said
    assert "train_single" not in said
    assert "promoted to champion" in told.stdout
    assert (folder / "home" / "reports" / "polytask-alone" / "report.html").is_file()
