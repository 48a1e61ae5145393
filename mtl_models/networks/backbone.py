"""A pre-trained encoder as a value: its configuration and weights, read from a Hugging Face folder without running any code of it."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from mtl_models.errors import ModelFolderError
from mtl_models.files import writing_folder
from mtl_models.text.matrix import EmbeddingMatrix
from mtl_models.text.subwords import Subwords

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Backbone", "Pretrained", "parts_of", "read_backbone", "read_tokenizer", "starting_weights"]

_CONFIG, _WEIGHTS = "config.json", "model.safetensors"
_MARKS = "marks_around_a_text"
"""Our own entry of the configuration."""
_TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
"""Files that a fast tokenizer can be made from; without any the library would make one that knows no word."""


@dataclass(frozen=True, eq=False)
class Backbone:
    """`config` is a Hugging Face config.json with its `model_type`; `weights` name -> tensor, None for the architecture alone."""

    config: Mapping[str, Any]
    weights: Mapping[str, Tensor] | None = None

    @property
    def width(self) -> int:
        """Numbers in the state of a token."""
        return int(self.config.get("hidden_size") or self.config["dim"])

    @property
    def origin(self) -> str:
        """What it is, in words."""
        layers = self.config.get("num_hidden_layers") or self.config.get("n_layers")
        size = sum(weight.numel() for weight in (self.weights or {}).values())
        return f"pre-trained {self.config['model_type']} encoder, {layers} layers, {size:,} weights"

    @property
    def positions(self) -> int | None:
        """Tokens of the longest text it can read; None where there is no limit."""
        found = self.config.get("max_position_embeddings")
        offset = 2 if self.config.get("model_type") in ("roberta", "xlm-roberta", "camembert", "mpnet") else 0  # they count from the pad id
        return None if found is None else int(found) - offset

    @property
    def marks(self) -> tuple[list[int], list[int]]:
        """The special tokens it wants before and after a text."""
        before, after = self.config.get(_MARKS) or ([], [])
        return before, after

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of the configuration and all weights."""
        digest = hashlib.sha256(json.dumps(self.config, sort_keys=True).encode())
        for name, weight in sorted((self.weights or {}).items()):
            digest.update(f"{name} {weight.dtype} {tuple(weight.shape)}".encode())
            digest.update(weight.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()

    def build(self, hidden_dropout: float, attention_dropout: float) -> PreTrainedModel:
        """The encoder without a pooler of its own; without `weights` they are of no account."""
        from transformers import AutoConfig, AutoModel

        rates = dict.fromkeys(("hidden_dropout_prob", "dropout"), hidden_dropout)
        rates |= dict.fromkeys(("attention_probs_dropout_prob", "attention_dropout"), attention_dropout)
        known = AutoConfig.for_model(**self.config)
        config = AutoConfig.for_model(**{**self.config, **{key: rate for key, rate in rates.items() if hasattr(known, key)}})
        with _quiet():
            encoder: PreTrainedModel = AutoModel.from_config(config, dtype=torch.float32)  # type: ignore[no-untyped-call]
        _without_pooler(encoder)
        if self.weights is not None:
            encoder.load_state_dict(dict(self.weights))
        return encoder

    def save(self, folder: Path) -> None:
        """Write config.json and model.safetensors; the folder appears whole or not at all."""
        with writing_folder(folder) as draft:
            (draft / _CONFIG).write_text(json.dumps(dict(self.config), indent=2), encoding="utf-8")
            save_file({name: weight.contiguous() for name, weight in (self.weights or {}).items()}, draft / _WEIGHTS, {"format": "pt"})

    @classmethod
    def load(cls, folder: Path) -> Backbone:
        """Read what `save` wrote. Raises `ModelFolderError`."""
        try:
            return cls(json.loads((folder / _CONFIG).read_text(encoding="utf-8")), load_file(folder / _WEIGHTS))
        except (OSError, ValueError, SafetensorError) as error:
            raise ModelFolderError(f"{folder}: cannot be read as a backbone ({error}); build it again") from error


Pretrained = EmbeddingMatrix | Backbone
"""What the tasks of one vocabulary begin with."""


def starting_weights(pretrained: Mapping[str, Pretrained]) -> dict[str, Tensor | Backbone]:
    """The same by vocabulary as `build_network` takes them."""
    return {name: torch.from_numpy(found.values) if isinstance(found, EmbeddingMatrix) else found for name, found in pretrained.items()}


def parts_of(encoder: nn.Module) -> list[nn.Module]:
    """The layers of an encoder, which every one has as a stack of equals, from the top down, and last all that lies below them."""
    stacks = [module for module in encoder.modules() if isinstance(module, nn.ModuleList) and len(module) > 0]
    layers = [*max(stacks, key=lambda stack: sum(parameter.numel() for parameter in stack.parameters()))]
    return [*reversed(layers), _beside(encoder, {id(layer) for layer in layers})]


def _beside(module: nn.Module, layers: Collection[int]) -> nn.ModuleList:
    """All of a module but the `layers` in it: what holds none of them as it is, and what lies beside them where one does."""
    rest = nn.ModuleList()
    for child in module.children():
        if id(child) in layers:
            continue
        rest.append(_beside(child, layers) if any(id(below) in layers for below in child.modules()) else child)
    if any(True for _ in module.parameters(recurse=False)):
        rest.append(nn.ParameterList(module.parameters(recurse=False)))
    return rest


def read_backbone(folder: Path) -> Backbone:
    """The encoder in a Hugging Face folder, in single precision.

    Only safetensors are read and no code of the folder is run. Raises `ModelFolderError` where the folder is not such an encoder.
    """
    from transformers import AutoModel

    path = folder / _CONFIG
    if not path.is_file():
        raise ModelFolderError(f"{folder}: not a Hugging Face encoder, it has no {_CONFIG}; give the folder that `save_pretrained` wrote")
    if not any(folder.glob("*.safetensors")):
        raise ModelFolderError(
            f"{folder}: has no .safetensors, and other formats can run code when they are read; convert it: load it where you trust it, "
            "and save it with `save_pretrained(folder, safe_serialization=True)`"
        )
    try:
        with _quiet():
            encoder = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True, dtype=torch.float32)
    except Exception as error:  # whatever an architecture, a damaged file or a missing key raises
        reason = str(error).strip().splitlines()[0]
        raise ModelFolderError(f"{folder}: cannot be read as a Hugging Face encoder ({reason})") from error
    _without_pooler(encoder)
    config = {**encoder.config.to_diff_dict(), "model_type": encoder.config.model_type}
    for told in ("_name_or_path", "architectures", "transformers_version", "dtype", "torch_dtype"):
        config.pop(told, None)
    config[_MARKS] = list(read_tokenizer(folder).around)
    return Backbone(config, {name: weight.detach().clone() for name, weight in encoder.state_dict().items()})


def read_tokenizer(folder: Path) -> Subwords:
    """The fast tokenizer of a Hugging Face folder. Raises `ModelFolderError` where it has none."""
    from tokenizers import Tokenizer
    from transformers import AutoTokenizer

    if not any(found for pattern in _TOKENIZERS for found in folder.glob(pattern)):
        raise ModelFolderError(f"{folder}: has no tokenizer; add the tokenizer.json that its weights were trained with")
    try:
        plain = folder / "tokenizer.json"
        if plain.is_file():
            return Subwords(Tokenizer.from_file(str(plain)))
        with _quiet():
            return Subwords(AutoTokenizer.from_pretrained(folder, local_files_only=True, use_fast=True).backend_tokenizer)
    except Exception as error:  # whatever a tokenizer or a damaged file raises
        reason = str(error).strip().splitlines()[0]
        raise ModelFolderError(f"{folder}: its tokenizer cannot be read as a fast one ({reason}); add its tokenizer.json") from error


def _without_pooler(encoder: nn.Module) -> None:
    """Take out what serves next-sentence prediction; heads here read the states."""
    if isinstance(getattr(encoder, "pooler", None), nn.Module):
        encoder.register_module("pooler", None)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's own progress bars and advice."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
