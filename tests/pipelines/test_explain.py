"""What a user loses if these fail: `polytask explain` without a page, or with one that is not said to be what it is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from pydantic import TypeAdapter

from mtl_models.config import network as config
from mtl_models.config.text import TextOptions
from mtl_models.config.text import Vocabulary as VocabularySection
from mtl_models.errors import ConfigError, CorpusError, ModelFolderError
from mtl_models.networks.build import build_network
from mtl_models.networks.folder import save_model
from mtl_models.networks.model import Model
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import build_vocabulary
from pipelines.explain import explain_texts


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POLYTASK_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def _saved(folder: Path, name: str = "joint_lstm_attention") -> str:
    words = build_vocabulary({"tweets": ["what a waste of two hours love"]}, {"tweets": TextOptions()}, VocabularySection(min_count=1))
    tasks = (Task("tweets", "single_label", ("bad", "good")), Task("type", "single_label", ("a", "b")))
    section = TypeAdapter(config.Network).validate_python({"name": name, "hidden": 4})
    torch.manual_seed(0)
    network = build_network(section, tasks, {"shared": torch.randn(words.size, 6)}).eval()
    save_model(Model(network, tasks, {"shared": words}, section, 20), folder)
    return str(folder)


def test_a_page_is_written_where_asked(tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "pages" / "e.html"
    explain_texts(["a waste", "love <b>"], None, _saved(tmp_path / "model"), None, leave_out=False, out=out)
    page = out.read_text(encoding="utf-8")
    assert f"written: {out}" in capsys.readouterr().out
    assert "mean of 20 hops" in page
    assert "Text 2" in page
    assert "<b>" not in page
    assert "Leaving one word out" not in page


def test_by_default_it_lies_with_the_reports(tmp_path: Path, home: Path) -> None:
    explain_texts(["a waste"], None, _saved(tmp_path / "model"), ["type"], leave_out=True, out=None)
    page = (home / "reports" / "explain.html").read_text(encoding="utf-8")
    assert "Leaving one word out" in page
    assert "tweets" not in page


def test_a_network_without_attention_is_explained_otherwise_and_that_is_said(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    explain_texts(["a waste"], None, _saved(tmp_path / "model", "joint_lstm"), None, leave_out=False, out=tmp_path / "e.html")
    said = capsys.readouterr().err
    assert "joint_lstm has no attention: shown is what every answer loses when a word is left out" in said
    assert "joint_transformer_lstm_attention" in said
    assert "Leaving one word out" in (tmp_path / "e.html").read_text(encoding="utf-8")


def test_of_a_file_the_first_hundred_texts_are_shown(tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "texts.txt").write_text("a waste\n" * 101, encoding="utf-8")
    explain_texts([], tmp_path / "texts.txt", _saved(tmp_path / "model"), None, leave_out=False, out=tmp_path / "e.html")
    assert "the first 100 texts are shown" in capsys.readouterr().err
    page = (tmp_path / "e.html").read_text(encoding="utf-8")
    assert "Text 100" in page
    assert "Text 101" not in page


def test_what_cannot_be_explained_is_told(tmp_path: Path, home: Path) -> None:
    model = _saved(tmp_path / "model")
    faults = [
        (ConfigError, "give texts, or a file", {"texts": [], "file": None}),
        (ConfigError, "give texts, or a file", {"texts": ["a"], "file": tmp_path / "texts.txt"}),
        (ConfigError, "unknown task 'tweet'", {"tasks": ["tweet"]}),
        (CorpusError, "no such file", {"texts": [], "file": tmp_path / "texts.txt"}),
        (ModelFolderError, "not a model folder", {"model": str(tmp_path)}),
    ]
    for kind, message, changed in faults:
        with pytest.raises(kind, match=message):
            explain_texts(
                **{"texts": ["a"], "file": None, "model": model, "tasks": None, "leave_out": False, "out": tmp_path / "e.html"} | changed
            )
    assert not (tmp_path / "e.html").exists()
