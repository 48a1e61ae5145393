"""`polytask export`: a model for other runtimes."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import typer

from mtl_models.progress import say
from pipelines.environment import prepare
from pipelines.predict import model_folder

__all__ = ["export_model"]

_MOST = 1000
"""Texts of a file that the export is checked on."""


def export_model(model: str | None, out: Path, file: Path | None, column: str, tolerance: float) -> None:
    """Write the folder and say how exact it is; the check takes texts of `file` beside its own."""
    prepare()
    from mtl_models.inference.onnx_export import GRAPH, export_onnx
    from mtl_models.inference.text_files import read_texts
    from mtl_models.networks.folder import load_model

    texts = [] if file is None else list(islice(read_texts(file, column), _MOST))
    loaded = load_model(model_folder(model))
    say("exporting; this takes PyTorch about half a minute")
    difference = export_onnx(loaded, out, texts, tolerance)
    size = sum(path.stat().st_size for path in out.iterdir()) / 1e6
    outputs = ", ".join(task.name for task in loaded.tasks)
    typer.echo(f"written: {out} ({GRAPH}, outputs {outputs}; {size:.1f} MB with its tokenizer)")
    typer.echo(f"checked with ONNX Runtime: no logit differs from PyTorch's by more than {difference:.1g}")
