"""What a user loses if these fail: `polytask export` that leaves half a folder, or does not say how exact its graph is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mtl_models.config.network import LstmLinear
from mtl_models.config.text import TextOptions, Vocabulary
from mtl_models.errors import ConfigError, CorpusError
from mtl_models.networks.build import build_network
from mtl_models.networks.folder import save_model
from mtl_models.networks.model import Model
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import build_vocabulary
from pipelines.export import export_model


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A model folder, in a home of its own."""
    monkeypatch.setenv("POLYTASK_HOME", str(tmp_path / "home"))
    words = build_vocabulary({"movie": ["what a waste of two hours"]}, {"movie": TextOptions()}, Vocabulary(min_count=1))
    tasks = (Task("movie", "single_label", ("bad", "good")),)
    section = LstmLinear(name="lstm_linear", hidden=4)
    torch.manual_seed(0)
    network = build_network(section, tasks, {"shared": torch.randn(words.size, 6)}).eval()
    save_model(Model(network, tasks, {"shared": words}, section, 20), tmp_path / "model")
    return str(tmp_path / "model")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_model_becomes_a_folder_and_its_exactness_is_told(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnxruntime")
    (tmp_path / "texts.txt").write_text("what a waste\n\nof hours\n", encoding="utf-8")
    export_model(model, tmp_path / "exported", tmp_path / "texts.txt", "text", 1e-4)
    said = capsys.readouterr()
    assert f"written: {tmp_path / 'exported'} (model.onnx, outputs movie;" in said.out
    assert "no logit differs from PyTorch's by more than" in said.out
    assert said.err.splitlines() == ["exporting; this takes PyTorch about half a minute"]
    assert {path.name for path in (tmp_path / "exported").iterdir()} == {"model.onnx", "model.json", "tokenizer.json"}


def test_faults_come_before_anything_is_written(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "exported"
    with pytest.raises(CorpusError, match=r"none\.txt: no such file"):
        export_model(model, out, tmp_path / "none.txt", "text", 1e-4)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ConfigError, match=r"pip install 'polytask\[onnx\]'"):
        export_model(model, out, None, "text", 1e-4)
    assert not out.exists()


def test_the_command_teaches_with_an_example() -> None:
    code = "from pipelines.cli import main; main()"
    told = subprocess.run([sys.executable, "-c", code, "export", "--help"], capture_output=True, text=True, check=True)
    assert "Example: polytask export models:/polytask-demo@champion --to onnx" in " ".join(told.stdout.split())
