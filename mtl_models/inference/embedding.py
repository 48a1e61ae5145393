"""Encoders by their vectors of texts: a trained model, or the pre-trained backbone as it was before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mtl_models.config.backbone import HubModel
from mtl_models.config.backbone import SentenceEncoder as SentenceEncoderSection
from mtl_models.errors import ModelFolderError
from mtl_models.networks.backbone import Backbone, read_backbone, read_tokenizer
from mtl_models.networks.folder import load_model
from mtl_models.networks.model import Model
from mtl_models.networks.sentence_encoder import SentenceEncoder

__all__ = ["cosines", "load_encoder", "normalised"]

_MOST_TOKENS = 512
"""Of a text, where neither the folder nor the architecture says how much the encoder reads."""

_NO_LIMIT = 1 << 20
"""A tokenizer without a limit says 1e30."""


def load_encoder(folder: Path) -> Model:
    """The model in a model folder, or a Hugging Face encoder as a model without tasks, which can `embed`.

    Such an encoder pools and cuts texts as its folder says for sentence-transformers, by default the mean over all it can read; layers
    that follow the pooling there are left out. Raises `ModelFolderError` where the folder is neither.
    """
    if "model_type" not in _json(folder / "config.json"):
        return load_model(folder)
    backbone = read_backbone(folder)
    section = SentenceEncoderSection(name="sentence_encoder", backbone=HubModel(model=str(folder)), pooling=_pooling(folder))
    network = SentenceEncoder(section, (), {"shared": backbone}).eval()
    return Model(network, (), {"shared": read_tokenizer(folder)}, section, _most_tokens(folder, backbone))


def normalised(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vectors (N, F), each with length 1; a zero vector stays one."""
    lengths = np.sqrt((vectors**2).sum(axis=1, keepdims=True))
    return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def cosines(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, N): the cosine of every pair of the vectors (N, F)."""
    same = normalised(vectors)
    found: NDArray[np.float32] = same @ same.T
    return found


def _most_tokens(folder: Path, backbone: Backbone) -> int:
    said = (
        _json(folder / "sentence_bert_config.json").get("max_seq_length"),
        _json(folder / "tokenizer_config.json").get("model_max_length"),
    )
    limits = [limit for limit in (*said, backbone.positions) if limit is not None and limit < _NO_LIMIT]
    return int(min(limits, default=_MOST_TOKENS))


def _pooling(folder: Path) -> Literal["mean", "cls", "max"]:
    """As the folder says, in the words of sentence-transformers since 2.0, or of 5.0."""
    section = _json(folder / "1_Pooling" / "config.json")
    chosen = section.get("pooling_mode") or next((key for key, on in section.items() if key.startswith("pooling_mode_") and on), "mean")
    match str(chosen).removeprefix("pooling_mode_").removesuffix("_tokens").removesuffix("_token"):
        case "mean":
            return "mean"
        case "cls":
            return "cls"
        case "max":
            return "max"
        case other:
            raise ModelFolderError(f"{folder / '1_Pooling'}: pools by '{other}'; known are mean, cls and max")


def _json(path: Path) -> dict[str, Any]:
    """An object in a file; nothing where there is none, whose absence, or damage, the readers of the folder tell."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
