"""`polytask explain`: a page that shows what a model looks at in texts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, islice
from pathlib import Path

import typer

from mtl_models.errors import ConfigError
from mtl_models.files import writing_file
from mtl_models.home import home_folder
from pipelines.environment import prepare
from pipelines.predict import model_folder, warnings_as_lines

__all__ = ["explain_texts"]

_MOST = 100
"""Texts of a page; more would make it slow to open."""


def explain_texts(
    texts: Sequence[str], file: Path | None, model: str | None, tasks: Sequence[str] | None, leave_out: bool, out: Path | None
) -> None:
    """Write the page and say where; of a file the first 100 texts are shown."""
    if bool(texts) == bool(file):
        raise ConfigError('give texts, or a file: polytask explain "love this phone", or polytask explain --file texts.txt')
    prepare()
    folder = model_folder(model)

    from mtl_models.inference.attention import explain, has_attention
    from mtl_models.inference.text_files import read_texts
    from mtl_models.networks.folder import load_model
    from mtl_models.reports.attention_page import render_attention_page

    loaded = load_model(folder)
    shown = list(islice(texts if file is None else read_texts(file), _MOST + 1))
    if len(shown) > _MOST:
        typer.echo(f"the first {_MOST} texts are shown", err=True)
    explained = explain(loaded, shown[:_MOST], tasks or None, leave_out or None)
    if not has_attention(loaded):
        typer.echo(
            f"{loaded.config.name} has no attention: shown is what every answer loses when a word is left out; for attention train "
            "joint_lstm_attention, joint_transformer_lstm or joint_transformer_lstm_attention",
            err=True,
        )
    with warnings_as_lines():
        readings = list(chain.from_iterable(explained))
    page = render_attention_page(readings, f"{model or folder.name}, {loaded.config.name}")
    path = out or home_folder("reports") / "explain.html"
    with writing_file(path) as draft:
        draft.write_text(page, encoding="utf-8")
    typer.echo(f"written: {path}")
