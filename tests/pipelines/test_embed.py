"""What a user loses if these fail: vectors in a file that belong to other texts, or a raw backbone that cannot be put beside its model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mtl_models.errors import ConfigError, CorpusError
from mtl_models.inference.embedding import load_encoder, normalised
from pipelines import embed
from pipelines.embed import embed_texts, show_similarity

TEXTS = ["the film was good", "a dull hotel", "", "the plot was poor"]


@pytest.fixture
def encoder(backbones: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("POLYTASK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "120")
    return str(backbones())


def test_lines_on_the_screen_and_files_say_the_same_however_texts_are_cut_up(
    encoder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(embed, "_CHUNK", 3)
    expected = normalised(load_encoder(Path(encoder)).embed(TEXTS))
    embed_texts(TEXTS, None, "text", encoder, None, None)
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["index"], row["text"]) for row in rows] == list(enumerate(TEXTS))
    found = np.array([row["vector"] for row in rows], np.float32)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    source = tmp_path / "texts.jsonl"
    source.write_text("".join(json.dumps({"said": text}) + "\n" for text in TEXTS))
    embed_texts([], source, "said", encoder, None, tmp_path / "new" / "v.npy")
    embed_texts([], source, "said", encoder, None, tmp_path / "v.jsonl")
    array = np.load(tmp_path / "new" / "v.npy")
    assert (array.dtype, array.shape) == (np.float32, (4, 16))
    np.testing.assert_array_equal(array, found)
    lines = (tmp_path / "v.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == rows
    assert f"written: {tmp_path / 'v.jsonl'} (4 vectors)" in capsys.readouterr().out


def test_a_fault_in_the_middle_leaves_no_file(encoder: str, tmp_path: Path) -> None:
    source = tmp_path / "texts.jsonl"
    source.write_text('{"text": "a"}\n{"text": 3}\n')
    with pytest.raises(CorpusError, match=r"texts\.jsonl:2"):
        embed_texts([], source, "text", encoder, None, tmp_path / "out" / "v.npy")
    assert not [path for path in tmp_path.glob("out/*") if path.is_file()]
    source.write_text("")
    with pytest.raises(CorpusError, match="has no text"):
        embed_texts([], source, "text", encoder, None, None)


def test_the_table_has_the_cosine_of_every_pair(encoder: str, capsys: pytest.CaptureFixture[str]) -> None:
    show_similarity(TEXTS, encoder, None)
    shown = capsys.readouterr().out
    vectors = normalised(load_encoder(Path(encoder)).embed(TEXTS))
    for row in vectors @ vectors.T:
        assert all(f"{cosine:.3f}" in shown for cosine in row)
    assert "a dull hotel" in shown


def test_what_is_missing_or_unknown_is_told(encoder: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="give texts, or a file"):
        embed_texts([], None, "text", encoder, None, None)
    with pytest.raises(ConfigError, match=r"v\.csv: give a name that ends in \.npy or \.jsonl"):
        embed_texts(["a"], None, "text", encoder, None, tmp_path / "v.csv")
    with pytest.raises(ConfigError, match="give two texts or more"):
        show_similarity(["a"], encoder, None)
    with pytest.raises(ConfigError, match=r"^--model /nowhere/else: no such folder"):
        show_similarity(["a", "b"], "/nowhere/else", None)


def test_a_registered_model_and_the_only_champion_embed_too(finished, tmp_path: Path) -> None:
    """The command itself; a text has the same vector by every name of the model."""
    by_name = finished.polytask("embed", "a great film", "--model", "models:/polytask-made@champion")
    assert by_name.returncode == 0, by_name.stderr
    vector = json.loads(by_name.stdout)["vector"]
    assert len(vector) == 16
    assert abs(sum(number**2 for number in vector) - 1) < 1e-5
    by_default = finished.polytask("similarity", "a great film", "a superb film", "--task", "films")
    assert by_default.returncode == 0, by_default.stderr
    assert "1.000" in by_default.stdout
    unknown = finished.polytask("embed", "a great film", "--task", "film")
    assert (unknown.returncode, "did you mean 'films'" in unknown.stderr) == (2, True)
