"""What a user loses if these fail: places that point at other words than were meant, or answers that differ from file to table."""

from __future__ import annotations

import csv
import io
import json
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow.pyfunc.model import PythonModelContext

from mtl_models.errors import ConfigError
from mtl_models.inference.answer_files import predict_to_file
from mtl_models.inference.attention import can_explain, explain
from mtl_models.inference.familiarity import CutTexts
from mtl_models.inference.marked import Cluster, Relation, Span, entities_of, parts_of, summary, surer
from mtl_models.inference.onnx_export import export_onnx
from mtl_models.inference.predictor import Predictor, load_model
from mtl_models.inference.pyfunc import ServedModel
from mtl_models.tasks.found import Found
from mtl_models.tasks.task import Task
from mtl_models.text.words import places_of_words
from steps.tracking.inputs import corpus_input
from steps.tracking.signature import signature

import marking

pytestmark = pytest.mark.filterwarnings("ignore::mtl_models.inference.familiarity.UnfamiliarTexts")

TEXT = "Anna Berg lives in New York. They love work at Acme Corp."
NAMES = Task("names", "tagging", ("LOC", "PER"))
PAIRS = Task("pairs", "relations", ("lives in",))
SAME = Task("same", "coreference", ("cluster",))


@pytest.fixture(scope="module")
def predictor(marking_folder: Path) -> Predictor:
    return load_model(marking_folder)


def found(*rows: tuple[int, ...], sure: tuple[float, ...] | None = None) -> Found:
    return Found(np.array(rows, dtype=np.int32), np.array(sure or [0.9] * len(rows), dtype=np.float32))


def test_every_kind_finds_what_it_learnt(predictor: Predictor) -> None:
    answers = {answer.task: answer for answer in predictor.predict(TEXT)}
    assert answers["names"].label == "PER Anna Berg; LOC New York; ORG Acme Corp"
    assert [TEXT[span.start : span.end] for span in answers["phrases"].found] == ["Anna Berg", "New York", "work at Acme Corp", "Acme Corp"]
    assert answers["pairs"].label == "Anna Berg lives in New York; Anna Berg works for Acme Corp"
    assert answers["same"].label == "Anna Berg = They"
    assert (answers["mood"].label, answers["mood"].found) == ("glad", None)
    for name in ("names", "phrases", "pairs", "same"):
        parts = answers[name].found
        assert answers[name].probabilities == {}
        assert answers[name].confidence == min(part.confidence for part in parts)
        assert all(0.5 < part.confidence <= 1 for part in parts)


def test_an_answer_depends_on_no_other_task_or_text(predictor: Predictor) -> None:
    together = {answer.task: answer for answer in predictor.predict([TEXT, "Lima"]) if answer.index == 0}
    for name in predictor.tasks:
        (alone,) = predictor.predict(TEXT, name)
        if name == "mood":
            assert alone.label == together[name].label
        else:
            assert [_without_confidence(part) for part in alone.found] == [_without_confidence(part) for part in together[name].found]


def _without_confidence(part: Span | Relation | Cluster) -> str:
    return summary([part])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["Anna", " ", "\n", "😀", "e\u0301", "don\u2019t", "。", "\u200d", "अच्छा", "\ud83d", "a"]), max_size=12))
def test_places_are_those_of_the_text_as_it_was_typed(pieces: list[str]) -> None:
    text = "".join(pieces)
    places = places_of_words(text)
    parts = parts_of(NAMES, found(*((word, word + 1, 1) for word in range(len(places)))), text, places)
    assert all(part.text == text[part.start : part.end] for part in parts)
    assert all(one.end <= other.start for one, other in pairwise(parts))


def test_a_typed_apostrophe_splits_as_a_plain_one() -> None:
    assert places_of_words("they don\u2019t") == places_of_words("they don't") == [(0, 4), (5, 7), (7, 10)]


def test_the_end_of_a_relation_is_the_innermost_entity_that_ends_there() -> None:
    text = "the mayor of New York met Jo"
    places = places_of_words(text)
    spans = {"names": found((0, 5, 1), (3, 5, 0)), "other": found((4, 6, 0))}
    entities = entities_of(spans, [NAMES, Task("other", "mentions", ("x",))], text, places)
    relations = parts_of(PAIRS, found((6, 7, 4, 5, 0), (6, 7, 3, 5, 0), sure=(0.6, 0.7)), text, places, entities)
    assert relations == (Relation("lives in", 0.7, Span(26, 28, "Jo", None, None), Span(13, 21, "New York", "LOC", 0.9)),)


def test_clusters_lose_their_unsure_mentions_and_go_with_the_last_but_one() -> None:
    text = "Jo saw Al and he him"
    clusters = parts_of(
        SAME, found((0, 1, 4), (4, 5, 4), (2, 3, 0), (5, 6, 0), (1, 2, 7), sure=(0.9, 0.4, 0.8, 0.7, 0.95)), text, places_of_words(text)
    )
    assert summary(clusters) == "Jo = he; saw; Al = him"
    assert [cluster.confidence for cluster in clusters] == pytest.approx([0.4, 0.95, 0.7])
    assert summary(surer(clusters, 0.5)) == "saw; Al = him"
    assert surer(clusters, 0.99) == ()


def test_unsure_parts_are_left_out(predictor: Predictor) -> None:
    (whole,) = predictor.predict(TEXT, "names")
    least = sorted(span.confidence for span in whole.found)[1]
    (part,) = predictor.predict(TEXT, "names", abstain_below=least)
    assert part.found == tuple(span for span in whole.found if span.confidence >= least)
    assert (len(part.found), part.confidence) == (2, least)
    assert part.label == summary(part.found)


def test_a_text_is_read_up_to_the_last_word_and_that_is_said(predictor: Predictor) -> None:
    long = f"{'x ' * 36}Anna Berg lives in Oslo"  # the model reads 40 words
    with pytest.warns(CutTexts, match=r"^names, phrases, pairs, same: the first 40 words"):
        answers = predictor.predict([TEXT, long])
    assert all(span.end <= len(long) - len(" Oslo") for answer in answers[5:7] for span in answer.found)
    with pytest.warns(CutTexts, match=r"^same: the first"):
        predictor.predict(long, "same")


@pytest.mark.parametrize("text", ["", "   ", "\ud83d", "\x00", "。" * 50])
def test_odd_texts_are_answered(predictor: Predictor, text: str) -> None:
    with warnings.catch_warnings(action="ignore", category=CutTexts):
        answers = predictor.predict(text)
    assert [answer.task for answer in answers] == ["names", "phrases", "pairs", "same", "mood"]


def test_files_carry_what_was_found(predictor: Predictor, tmp_path: Path) -> None:
    (tmp_path / "texts.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in (TEXT, "", 'a "b", c')))
    read = {}
    for form in ("jsonl", "csv", "parquet"):
        assert predict_to_file(predictor, tmp_path / "texts.jsonl", tmp_path / f"out.{form}", chunk=2) == 3
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    read["jsonl"] = [line.get("found") for line in lines]
    rows = [*csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text()))]
    read["csv"] = [json.loads(row["found"]) if row["found"] else None for row in rows]
    cells = pq.read_table(tmp_path / "out.parquet")["found"].to_pylist()
    read["parquet"] = [None if cell is None else json.loads(cell) for cell in cells]
    assert read["jsonl"] == read["csv"] == read["parquet"]
    assert read["jsonl"][0][0] == {
        "start": 0,
        "end": 9,
        "text": "Anna Berg",
        "label": "PER",
        "confidence": lines[0]["found"][0]["confidence"],
    }
    assert set(read["jsonl"][2][0]) == {"label", "confidence", "head", "tail"}
    assert set(read["jsonl"][3][0]) == {"mentions", "confidence"}
    assert read["jsonl"][4] is None
    assert read["jsonl"][5] == []
    assert predict_to_file(predictor, tmp_path / "texts.jsonl", tmp_path / "mood.csv", tasks=["mood"]) == 3
    assert (tmp_path / "mood.csv").read_text().splitlines()[0] == "index,text,task,label,confidence"


def test_the_served_table_is_as_its_signature_says(predictor: Predictor, marking_folder: Path) -> None:
    served, context = ServedModel(), PythonModelContext({"model": str(marking_folder)}, None)
    served.load_context(context)
    table = served.predict(context, pd.DataFrame({"text": [TEXT, ""]}))
    outputs = signature(predictor.model.tasks).outputs
    assert list(table.columns) == outputs.input_names()
    for name, kind in zip(outputs.input_names(), outputs.input_types(), strict=True):
        assert (table[name].dtype == "float64") == (kind.name == "double"), name
    assert json.loads(table["same"][0])[0]["mentions"][1]["text"] == "They"
    assert json.loads(table["names"][1]) == []
    assert np.isnan(table["names_confidence"][1])


def test_what_a_run_notes_of_a_corpus_on_words() -> None:
    noted = json.loads(corpus_input(marking.corpus("pairs", dict.fromkeys(("train", "dev", "test"), 4))).dataset.schema)
    assert noted["mlflow_colspec"][2] == {"name": "label", "type": "array", "items": {"type": "long"}, "required": True}


def test_what_cannot_be_done_with_words_is_refused(predictor: Predictor, tmp_path: Path) -> None:
    model = predictor.model
    with pytest.raises(ConfigError, match="hierarchical cannot be exported to ONNX"):
        export_onnx(model, tmp_path / "exported")
    assert not (tmp_path / "exported").exists()
    assert not can_explain(model)
    with pytest.raises(ConfigError, match=r"cannot be explained; .* `polytask predict`"):
        explain(model, [TEXT])
    with pytest.raises(ConfigError, match="no one vector of a text"):
        model.embed([TEXT])
