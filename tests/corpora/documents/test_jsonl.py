"""JSON lines with spans: what people export from their annotation tools, by characters or by tokens."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtl_models.corpora.documents.document import Mark
from mtl_models.errors import CorpusError

Read = Callable[..., list[Any]]

TEXT = {"text": "Ann's flat  in Rome, Italy", "spans": [[0, 3, "person"], [15, 19, "place"], [15, 26, "place"]]}


def lines(*rows: Any) -> str:
    return "\n".join(json.dumps(row) for row in rows) + "\n"


def test_characters_become_tokens(read: Read) -> None:
    (row,) = read(lines(TEXT), "mentions", "a.jsonl")
    assert row.text == "Ann 's flat in Rome , Italy"
    assert row.marks == [Mark((0, 1), "person"), Mark((4, 5), "place"), Mark((4, 7), "place")]


def test_tokens_are_counted_where_a_row_has_them(read: Read) -> None:
    rows = read(lines({"tokens": ["Ann", "Lee"], "spans": [[0, 2, "person"]], "id": 7, "group": "g"}), "tagging", "a.jsonl")
    assert [(row.text, row.marks, row.id, row.group) for row in rows] == [("Ann Lee", [Mark((0, 2), "person")], 7, "g")]


def test_relations_name_spans_by_their_place(read: Read) -> None:
    (row,) = read(lines(TEXT | {"relations": [[0, 2, "lives_in"]]}), "relations", "a.jsonl")
    assert row.marks == [Mark((0, 1, 4, 7), "lives_in")]


def test_clusters(read: Read) -> None:
    (row,) = read(lines({"tokens": list("abcd"), "clusters": [[[3, 4], [0, 1]], [[1, 3]]]}), "coreference", "a.jsonl")
    assert [mark.numbers for mark in row.marks] == [(0, 1, 0), (1, 3, 1), (3, 4, 0)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(words=st.lists(st.sampled_from(["Ann", "शहर", "naïve", "42", "😀", "!", "well"]), min_size=1, max_size=6), data=st.data())
def test_a_span_of_words_is_found_wherever_it_stands(read: Read, words: list[str], data: st.DataObject) -> None:
    """Offsets are characters, not bytes: accents, Devanagari and emoji before a span must not move it."""
    start = data.draw(st.integers(0, len(words) - 1))
    end = data.draw(st.integers(start + 1, len(words)))
    text, first = "  ".join(words), len("  ".join([*words[:start], ""]))
    last = first + len("  ".join(words[start:end]))
    (row,) = read(lines({"text": text, "spans": [[first, last, "x"]]}), "tagging", "a.jsonl")
    assert row.text.split(" ") == words
    assert row.marks == [Mark((start, end), "x")]


@pytest.mark.parametrize(
    ("kind", "row", "told"),
    [
        ("tagging", "{", r"a.jsonl, line 2: not valid JSON"),
        ("tagging", "[]", r"line 2: expected an object, found \[\]"),
        ("tagging", {"spans": []}, r"line 2: no column 'text'"),
        ("tagging", {"text": "a b"}, r"line 2: no column 'spans'"),
        ("tagging", {"text": " ", "spans": []}, r"line 2: 'text' is \" \"; expected a text with words"),
        ("tagging", {"tokens": [], "spans": []}, r"line 2: 'tokens' is \[\]; expected a list of words"),
        ("tagging", {"tokens": ["a b"], "spans": []}, r"line 2: the token 'a b' is empty or holds white space"),
        ("tagging", {"tokens": ["a"], "spans": [[0, 2, "x"]]}, r"line 2: spans\[0\] is \[0, 2, \"x\"\], but the row has 1 tokens"),
        ("tagging", {"tokens": ["a"], "spans": [[0, 0, "x"]]}, r"line 2: spans\[0\] is .* expected \[START, END, TYPE\]"),
        ("tagging", {"tokens": ["a"], "spans": [[0, 1]]}, r"expected \[START, END, TYPE\]"),
        ("tagging", {"tokens": ["a"], "spans": [[False, True, "x"]]}, r"expected \[START, END, TYPE\]"),
        (
            "tagging",
            {"text": "Ann Lee", "spans": [[0, 5, "x"]]},
            r"line 2: spans\[0\], 'Ann L' does not begin and end with words: .*\['Ann', 'Lee'\]",
        ),
        ("tagging", {"tokens": ["a", "b"], "spans": [[0, 2, "x"], [1, 2, "y"]]}, r"line 2: y 'b' overlaps x 'a b'"),
        ("tagging", {"tokens": ["a"], "spans": [[0, 1, " "]]}, r"line 2: the row has no label"),
        ("relations", TEXT | {"relations": [[0, 3, "r"]]}, r"line 2: relations\[0\] names span 3, but the row has 3 spans"),
        ("relations", TEXT | {"relations": [[0, "1", "r"]]}, r"line 2: relations\[0\] is .* expected \[HEAD, TAIL, TYPE\]"),
        ("relations", TEXT, r"line 2: no column 'relations'"),
        ("coreference", {"tokens": ["a"], "clusters": [[]]}, r"line 2: clusters\[0\] is \[\]; expected a list of mentions"),
        ("coreference", {"tokens": ["a"], "clusters": [[[0, 4]]]}, r"line 2: clusters\[0\]\[0\] is \[0, 4\], but the row has 1 tokens"),
    ],
)
def test_a_fault_is_named_by_file_and_line(read: Read, kind: str, row: Any, told: str) -> None:
    good = {"tokens": ["a"], "spans": [], "relations": [], "clusters": []}
    with pytest.raises(CorpusError, match=told):
        read(lines(good) + (row if isinstance(row, str) else json.dumps(row)) + "\n", kind, "a.jsonl")


def test_a_name_tells_the_format_and_a_table_is_refused(read: Read) -> None:
    with pytest.raises(CorpusError, match="nothing says its format, and kind tagging labels words"):
        read("text,label\n", "tagging", "a.csv")
