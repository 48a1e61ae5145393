"""Several label columns on one table are several tasks: no text may be in train of one of them and held out by another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtl_models.config import Experiment
from mtl_models.corpora.corpus import SPLITS
from mtl_models.corpora.ingest import ingest
from mtl_models.corpora.leaks import separate
from mtl_models.corpora.splits import deal_by_text, deal_sets

from tables import put_csv

table_rows = st.lists(st.tuples(st.integers(0, 400), st.sampled_from("ab "), st.sampled_from("xyz ")), min_size=60, max_size=120)


@given(table_rows, st.integers(0, 2**31 - 1))
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_is_in_train_of_one_task_and_held_out_by_another(tmp_path_factory: pytest.TempPathFactory, rows, seed: int) -> None:
    """Labels missing here or there, rows in any order, copies of a text: no row needs to be thrown away for a leak."""
    path = tmp_path_factory.mktemp("table") / "t.csv"
    sure = [(1000 + number, "ab"[number % 2], "xyz"[number % 3]) for number in range(60)]
    put_csv(path, [f"some text {number},{mood.strip()},{topic.strip()}" for number, mood, topic in rows + sure], "text,mood,topic")
    tasks = {column: {"corpus": {"source": str(path), "label": {"column": column, "missing": [""]}}} for column in ("mood", "topic")}
    experiment = Experiment.model_validate({"name": "shared", "seed": seed, "tasks": tasks})
    corpora = [ingest(name, task.corpus, seed, task.kind) for name, task in experiment.tasks.items()]
    sides = [{text: split for split in SPLITS for text in corpus.splits[split]["text"]} for corpus in corpora]
    assert all(sides[0][text] == sides[1][text] for text in sides[0].keys() & sides[1].keys())
    for corpus in corpora:
        assert separate(corpora, corpus.task).report.leaks == {}


def test_tasks_over_one_source_are_dealt_by_text_unless_told_otherwise() -> None:
    tasks = {
        "a": {"corpus": {"source": "x.csv", "label": "a"}},
        "b": {"corpus": {"source": "x.csv", "label": "b", "splits": {"by": "label"}}},
        "c": "y.csv",
    }
    experiment = Experiment.model_validate({"name": "e", "tasks": tasks})
    assert {name: task.corpus.splits.by for name, task in experiment.tasks.items()} == {"a": "text", "b": "label", "c": None}
    again = Experiment.model_validate(experiment.model_dump(mode="json"))
    assert again == experiment


@given(st.lists(st.integers(1, 2**63), min_size=300, max_size=600, unique=True), st.integers(0, 2**31 - 1))
@settings(deadline=None, max_examples=30)
def test_dealing_by_text_looks_at_the_text_alone(keys: list[int], seed: int) -> None:
    key = np.array(keys, dtype=np.uint64)
    none = np.zeros(len(key), dtype=np.uint64)
    whole = deal_by_text(none, key, [0.7, 0.1, 0.2], seed)
    np.testing.assert_array_equal(whole[::3], deal_by_text(none[::3], key[::3], [0.7, 0.1, 0.2], seed))
    assert np.bincount(whole, minlength=3) / len(key) == pytest.approx([0.7, 0.1, 0.2], abs=0.12)
    grouped = deal_by_text(np.full(len(key), 7, dtype=np.uint64), key, [0.7, 0.1, 0.2], seed)
    assert len(set(grouped.tolist())) == 1


@given(st.integers(0, 2**31 - 1), st.integers(1, 6), st.booleans())
@settings(deadline=None, max_examples=30)
def test_rows_of_several_labels_are_dealt_evenly_and_groups_whole(seed: int, labels: int, in_groups: bool) -> None:
    random = np.random.default_rng(seed)
    has = random.random((300, labels)) < random.uniform(0.05, 0.6, labels)
    key = np.arange(1, 301, dtype=np.uint64)
    group = (key % 60 + 1) * in_groups
    split = deal_sets(has, group, key, [0.7, 0.1, 0.2], seed)
    order = random.permutation(300)
    np.testing.assert_array_equal(split[order], deal_sets(has[order], group[order], key[order], [0.7, 0.1, 0.2], seed))
    assert np.bincount(split, minlength=3) == pytest.approx([210, 30, 60], abs=3 if not in_groups else 15)
    for k in range(labels):
        counts = np.bincount(split[has[:, k]], minlength=3)
        assert counts == pytest.approx(np.array([0.7, 0.1, 0.2]) * has[:, k].sum(), abs=3 if not in_groups else 12)
    if in_groups:
        assert all(len(set(split[group == one].tolist())) == 1 for one in np.unique(group))
