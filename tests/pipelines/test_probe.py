"""What a user loses if these fail: a probing that leaves no trace in MLflow, or a fault that is told as a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtl_models.errors import ConfigError, ModelFolderError
from pipelines.probe import probe_model


def test_a_registered_model_is_probed_and_the_probing_is_tracked(finished, tmp_path: Path) -> None:
    """A network without levels, on corpora without parts of speech: three tasks at most, seven left out with the reason."""
    page = tmp_path / "probing.html"
    told = finished.polytask("probe", "models:/polytask-made/1", "--rows", "100", "--out", str(page))
    assert told.returncode == 0, told.stderr
    assert "probed on held-out sentences of films, phones" in told.stderr
    assert "tense is left out: it needs the column 'pos' of a task in CoNLL format" in told.stdout
    assert "joint_lstm_attention" in told.stdout
    assert "What models:/polytask-made/1 encodes" in page.read_text(encoding="utf-8")
    run = told.stdout.split("MLflow run ")[1].split()[0]
    artifacts = finished.home / "artifacts" / "mlflow" / "made-probing" / run / "artifacts"
    assert sorted(path.name for path in artifacts.iterdir()) == ["probing.html", "probing.json"]


def test_what_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYTASK_HOME", str(tmp_path / "home"))
    with pytest.raises(ConfigError, match=r"page\.pdf: the page is HTML; give a name that ends in \.html"):
        probe_model("model", None, tmp_path / "page.pdf", 100, 1, cache=True)
    with pytest.raises(ConfigError, match=r"none\.yaml: no such file"):
        probe_model("model", tmp_path / "none.yaml", None, 100, 1, cache=True)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    with pytest.raises(ModelFolderError, match="format None"):
        probe_model(str(tmp_path / "model"), None, None, 100, 1, cache=True)
