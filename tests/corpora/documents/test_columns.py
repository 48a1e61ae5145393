"""Files with a token a line: every format read as its authors meant it, and every fault named by file and line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtl_models.corpora.documents.bio import tags_of
from mtl_models.corpora.documents.document import Mark, Span
from mtl_models.errors import CorpusError

Read = Callable[..., list[Any]]

CONLL = """-DOCSTART- -X- -X- O

EU NNP B-NP B-ORG
rejects VBZ B-VP O
German JJ B-NP B-MISC
call NN I-NP O

Peter NNP B-NP B-PER
Blackburn NNP I-NP I-PER

-DOCSTART- -X- -X- O

BRUSSELS NNP B-NP B-LOC
"""

CONLL04 = """#doc 12
0	Ann	B-Peop	['N']	[0]
1	Lee	I-Peop	['Live_In', 'Work_For']	[3, 5]
2	of	O	['N']	[2]
3	Rome	B-Loc	['N']	[3]
4	at	O	['N']	[4]
5	Acme	B-Org	['Located_In']	[3]
#doc 13
0	Nobody	O	['N']	[0]
"""

CONLL2012 = """#begin document (bn/voa/02); part 000
bn/voa/02 0 0 Ann NNP * (0)
bn/voa/02 0 1 saw VBD * -

bn/voa/02 0 0 her PRP$ * x y (1|(0)
bn/voa/02 0 1 son NN * x y 1)
#end document
#begin document (bn/voa/02); part 001
bn/voa/02 1 0 He PRP * (4)
bn/voa/02 1 1 left VBD * -
#end document
"""

NESTED = "#doc a\nthe\tB-PER\tO\t\nwife\tI-PER\tO\t\nof\tI-PER\tO\t\nBo\tI-PER\tB-PER\t\n\nshe\tB-PER\tO\t\n#doc b\nRome\tB-GPE\tO\t\n"


def marks(*spans: tuple[int, int, str]) -> list[Mark]:
    return [Mark((start, end), name) for start, end, name in spans]


def test_conll_by_sentence(read: Read) -> None:
    rows = read(CONLL, "tagging", format="conll")
    assert [(row.id, row.group, row.line, row.text) for row in rows] == [
        ("1:1", "1", 3, "EU rejects German call"),
        ("1:2", "1", 8, "Peter Blackburn"),
        ("2:1", "", 13, "BRUSSELS"),
    ]
    assert rows[0].marks == marks((0, 1, "ORG"), (2, 3, "MISC"))
    assert rows[1].marks == marks((0, 2, "PER"))


@pytest.mark.parametrize("keys", [{"label": 2}, {"columns": ["text", "pos", "chunk", "ner"], "label": "pos"}])
def test_conll_columns_by_number_or_name(read: Read, keys: dict[str, Any]) -> None:
    rows = read(CONLL, "tagging", format="conll", **keys)
    assert rows[1].marks == marks((0, 1, "NNP"), (1, 2, "NNP"))


def test_conll_without_documents_numbers_its_sentences(read: Read) -> None:
    rows = read("a\tO\nb\tB-X\n\nc\tB-X\n", "mentions", format="conll")
    assert [(row.id, row.group) for row in rows] == [("1", ""), ("2", "")]


def test_conll_by_document(read: Read) -> None:
    rows = read(CONLL, "tagging", format="conll", unit="document")
    assert [(row.id, row.group, row.text) for row in rows] == [
        ("1", "", "EU rejects German call Peter Blackburn"),
        ("2", "", "BRUSSELS"),
    ]
    assert rows[0].marks == marks((0, 1, "ORG"), (2, 3, "MISC"), (4, 6, "PER"))


def test_nested_spans(read: Read) -> None:
    rows = read(NESTED, "mentions", format="nested_bio")
    assert [(row.id, row.text) for row in rows] == [("a", "the wife of Bo she"), ("b", "Rome")]
    assert rows[0].marks == marks((0, 4, "PER"), (3, 4, "PER"), (4, 5, "PER"))
    sentences = read(NESTED, "mentions", format="nested_bio", unit="sentence")
    assert [(row.id, row.group) for row in sentences] == [("a:1", "a"), ("a:2", "a"), ("b:1", "")]


@st.composite
def nested(draw: st.DrawFn) -> tuple[list[list[Span]], int]:
    """Levels of spans, those of one level apart."""
    length = draw(st.integers(1, 8))
    levels = []
    for _ in range(draw(st.integers(1, 3))):
        bounds = sorted(draw(st.sets(st.integers(0, length), max_size=6)))
        levels.append([(start, end, draw(st.sampled_from("XY"))) for start, end in zip(bounds[::2], bounds[1::2], strict=False)])
    return levels, length


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(found=nested())
def test_nested_columns_come_back_as_spans(read: Read, found: tuple[list[list[Span]], int]) -> None:
    levels, length = found
    columns = [tags_of(spans, length, "bio") for spans in levels]
    lines = ["\t".join([f"w{place}", *(tags[place] for tags in columns)]) for place in range(length)]
    (row,) = read("#doc d\n" + "\n".join(lines) + "\n", "mentions", format="nested_bio", label={"scheme": "bio"})
    assert row.marks == marks(*sorted({span for spans in levels for span in spans}))


def test_conll04_relations_lead_from_entity_to_entity(read: Read) -> None:
    rows = read(CONLL04, "relations", format="conll04")
    assert [(row.id, row.text) for row in rows] == [("12", "Ann Lee of Rome at Acme"), ("13", "Nobody")]
    assert set(rows[0].marks) == {Mark((0, 2, 3, 4), "Live_In"), Mark((0, 2, 5, 6), "Work_For"), Mark((5, 6, 3, 4), "Located_In")}
    assert rows[1].marks == []


def test_conll04_entities(read: Read) -> None:
    rows = read(CONLL04, "tagging", format="conll04")
    assert rows[0].marks == marks((0, 2, "Peop"), (3, 4, "Loc"), (5, 6, "Org"))


def test_conll2012_clusters_are_numbered_within_their_part(read: Read) -> None:
    rows = read(CONLL2012, "coreference", format="conll2012")
    assert [(row.id, row.group, row.text) for row in rows] == [
        ("bn/voa/02", "bn/voa/02", "Ann saw her son"),
        ("bn/voa/02#1", "bn/voa/02", "He left"),
    ]
    assert rows[0].marks == [Mark((0, 1, 0), "cluster"), Mark((2, 3, 0), "cluster"), Mark((2, 4, 1), "cluster")]
    assert rows[1].marks == [Mark((0, 1, 0), "cluster")]


def test_mentions_of_one_cluster_may_lie_within_each_other(read: Read) -> None:
    lines = "#begin document (d); part 0\nd 0 0 a (7|(7\nd 0 1 b 7)\nd 0 2 c 7)\n"
    assert [mark.numbers for mark in read(lines, "coreference", format="conll2012")[0].marks] == [(0, 2, 0), (0, 3, 0)]


@pytest.mark.parametrize(
    ("kind", "form", "content", "keys", "told"),
    [
        ("tagging", "conll", "a B-X\nb O\n\nc I-X\n", {}, r"corpus.txt, line 4: 'I-X' continues no span of X"),
        ("tagging", "conll", "a O\nb B-X\n\nc\n", {}, r"line 4: 1 columns where line 1 has 2"),
        ("tagging", "conll", "a\tB-X\nNew York\tB-X\n", {}, r"line 2: the token 'New York' is empty or holds white space"),
        ("tagging", "conll", "a\tB-X\n\tB-X\n", {}, r"line 2: the token '' is empty"),
        ("tagging", "conll", "a B-X\nb B-Y\n", {"label": {"names": ["X"]}}, r"line 2: label 'Y' is not among label.names: X"),
        ("tagging", "conll", "a B-X\nb B-Y\n", {"label": {"map": {"X": "Z"}}}, r"line 2: label 'Y' is not in label.map"),
        ("tagging", "conll", "", {}, r"no token in the whole file"),
        ("tagging", "conll", "-DOCSTART- O\n\n", {}, r"no token in the whole file"),
        ("tagging", "conll", "a O\n", {"columns": ["text", "pos", "ner"]}, r"line 1: 2 columns, but corpus.columns names 3"),
        ("tagging", "conll", "a O\n", {"columns": ["text", "ner"], "label": "net"}, r"no column 'net' \(did you mean 'ner'"),
        ("tagging", "conll", "a B-X\n", {"unit": "document"}, r"no line begins a document .* corpus.unit: sentence"),
        ("tagging", "nested_bio", "#doc a\nb\tB-X\tO\n\nc\tB-X\tB-Y\n", {}, r"line 4: Y 'c' overlaps X 'c'.* kind mentions"),
        ("mentions", "nested_bio", "#doc a\nb\tB-X\tO\nc\tO\tI-Y\n", {}, r"line 3: 'I-Y' continues no span"),
        ("relations", "conll04", CONLL04.replace("[3, 5]", "[3]"), {}, r"line 3: 2 relations, but 1 words"),
        ("relations", "conll04", CONLL04.replace("[3, 5]", "[3, 6]"), {}, r"line 3: a relation leads to word 6, .* words 0 to 5"),
        (
            "relations",
            "conll04",
            CONLL04.replace("[3, 5]", "[3, 4]"),
            {},
            r"line 3: a relation hangs on word 4, which is the last word of no",
        ),
        ("relations", "conll04", CONLL04.replace("[3, 5]", "[3, 0]"), {}, r"line 3: a relation hangs on word 0"),
        ("relations", "conll04", CONLL04.replace("['Located_In']", "Located_In"), {}, r"line 7: 'Located_In' is no list"),
        ("relations", "conll04", CONLL04.replace("2\tof", "3\tof"), {}, r"line 4: the word has the number '3', and 2 is due"),
        ("relations", "conll04", "#doc 1\n0\ta\tO\n", {}, r"line 2: 3 columns; expected five"),
        ("relations", "conll04", CONLL04, {"unit": "sentence"}, r"corpus.unit is for conll and nested_bio"),
        ("coreference", "conll2012", CONLL2012.replace("1)", "-"), {}, r"line 5: a mention of cluster 1 opens here and closes nowhere"),
        ("coreference", "conll2012", CONLL2012.replace("(1|", ""), {}, r"line 6: '1\)' closes cluster 1, which no mention has opened"),
        ("coreference", "conll2012", CONLL2012.replace("(4)", "4"), {}, r"line 9: '4' opens or closes no cluster"),
        ("coreference", "conll2012", "#doc d\nd 0 a (1)\n", {}, r"line 2: expected document, part, number of the word"),
        (
            "coreference",
            "conll",
            CONLL,
            {},
            r"its format is conll, and kind coreference labels words; set corpus.format to conll2012 or jsonl",
        ),
    ],
)
def test_a_fault_is_named_by_file_and_line(read: Read, kind: str, form: str, content: str, keys: dict[str, Any], told: str) -> None:
    with pytest.raises(CorpusError, match=told):
        read(content, kind, format=form, **keys)
