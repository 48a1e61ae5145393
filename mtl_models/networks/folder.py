"""The model folder, the one exchange format: config.json, model.safetensors and a tokenizer.json per vocabulary."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from mtl_models import __version__
from mtl_models.config.hierarchical import Hierarchical
from mtl_models.config.network import Network as NetworkConfig
from mtl_models.config.network import vocabularies_of
from mtl_models.errors import ModelFolderError
from mtl_models.files import sha256_of, writing_folder
from mtl_models.networks.backbone import Backbone
from mtl_models.networks.build import build_network
from mtl_models.networks.model import Model
from mtl_models.networks.network import Batch, Network, Words, evaluating
from mtl_models.tasks.task import Task
from mtl_models.text.subwords import load_vocabulary

__all__ = ["FORMAT", "load_model", "model_fingerprint", "probe_logits", "read_extra", "save_model"]

FORMAT = 1
"""Version of the folder's layout; it rises when an older library can no longer read it."""

_CONFIG = "config.json"
_WEIGHTS = "model.safetensors"
_PROBE_LENGTHS = (1, 3, 8, 21)


class _Config(BaseModel):
    """config.json."""

    model_config = ConfigDict(extra="forbid")

    format: int
    library: str
    network: NetworkConfig
    tasks: tuple[Task, ...]
    max_tokens: int
    vectors: dict[str, tuple[int, int]] = {}
    """Vocabulary -> shape (V, E) of its word vectors."""
    backbones: dict[str, dict[str, Any]] = {}
    """Vocabulary -> Hugging Face configuration of the encoder that reads it."""
    fingerprint: str
    """`Model.fingerprint()` of what was saved."""
    files: dict[str, str]
    """The other files of the folder -> sha256."""
    extra: dict[str, Any]
    """What the writer wants to keep with the model, such as its experiment; nothing here changes an answer."""


def save_model(model: Model, folder: Path, extra: Mapping[str, Any] | None = None) -> None:
    """Write `model` to `folder`, in place of a folder there; it appears whole or not at all.

    `extra` is any JSON to keep in config.json. The writing ends with a read-back: what was written must load, and answer a fixed
    batch with the same logits to the bit; else `ModelFolderError`, and nothing appears.
    """
    with writing_folder(folder) as draft:
        weights = {name: weight.detach().cpu().contiguous() for name, weight in model.network.state_dict().items()}
        save_file(weights, draft / _WEIGHTS, metadata={"format": "pt"})
        names = _tokenizer_files(model.config, model.tasks)
        for vocabulary, name in names.items():
            model.vocabularies[vocabulary].save(draft / name)
        start = model.network.starting_weights()
        config = _Config(
            format=FORMAT,
            library=__version__,
            network=model.config,
            tasks=model.tasks,
            max_tokens=model.max_tokens,
            vectors={name: tuple(found.shape) for name, found in start.items() if isinstance(found, Tensor)},
            backbones={name: dict(found.config) for name, found in start.items() if isinstance(found, Backbone)},
            fingerprint=model.fingerprint(),
            files={name: sha256_of(draft / name) for name in (_WEIGHTS, *names.values())},
            extra=dict(extra or {}),
        )
        (draft / _CONFIG).write_text(config.model_dump_json(indent=2) + "\n", encoding="utf-8")
        _read_back(model, draft, folder)


def load_model(folder: Path, device: str | torch.device = "cpu") -> Model:
    """The model that `save_model` wrote, in evaluation mode on `device`; needs no training data and draws nothing at random.

    Raises `ModelFolderError` where the folder is not there, of another format, damaged, or does not fit its own config.
    """
    config = _read_config(folder)
    for name, sha256 in config.files.items():
        _check_file(folder / name, sha256)
    names = _tokenizer_files(config.network, config.tasks)
    for name in (_WEIGHTS, *names.values()):
        if name not in config.files:
            raise ModelFolderError(f"{folder / _CONFIG}: files does not list {name}; {_again(config)}")
    vocabularies = {vocabulary: load_vocabulary(folder / name) for vocabulary, name in names.items()}
    network = _empty_network(config, folder)
    _fill(network, folder / _WEIGHTS, config)
    return Model(network.to(device).eval(), config.tasks, vocabularies, config.network, config.max_tokens)


def model_fingerprint(model: Model | Path) -> str:
    """sha256 of all that decides the answers of a model, in memory or in a folder; where and when it was saved play no part."""
    return (load_model(model) if isinstance(model, Path) else model).fingerprint()


def read_extra(folder: Path) -> dict[str, Any]:
    """What the writer of the folder kept with the model."""
    return _read_config(folder).extra


def _tokenizer_files(network: NetworkConfig, tasks: tuple[Task, ...]) -> dict[str, str]:
    """Vocabulary -> name of its file: plain tokenizer.json where there is only one, as Hugging Face tools expect."""
    vocabularies = vocabularies_of(network, tasks)
    if len(vocabularies) == 1:
        return {vocabularies[0]: "tokenizer.json"}
    return {name: f"{name}.tokenizer.json" for name in vocabularies}


def _read_config(folder: Path) -> _Config:
    path = folder / _CONFIG
    if not path.is_file():
        hint = "" if folder.exists() else f", or a registered model as models:/{folder.name}@champion"
        raise ModelFolderError(f"{folder}: not a model folder, it has no {_CONFIG}; give the folder that a training wrote{hint}")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelFolderError(f"{path}: damaged, not JSON ({error}); copy the folder again") from error
    written = data.get("format") if isinstance(data, dict) else None
    if written != FORMAT:
        library = data.get("library", "?") if isinstance(data, dict) else "?"
        raise ModelFolderError(
            f"{path}: format {written!r}, written by polytask {library}; this is polytask {__version__}, which reads format {FORMAT}: "
            "use the version that wrote it, or train again"
        )
    try:
        return _Config.model_validate(data)
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(str(part) for part in fault["loc"])
        raise ModelFolderError(
            f"{path}: {key}: {fault['msg']}; written by polytask {data.get('library')}, this is polytask {__version__}"
        ) from error


def _check_file(path: Path, sha256: str) -> None:
    if not path.is_file():
        raise ModelFolderError(f"{path}: missing from the model folder; copy the folder again")
    if sha256_of(path) != sha256:
        raise ModelFolderError(f"{path}: damaged, its sha256 is not the one in {_CONFIG}; copy the folder again")


def _empty_network(config: _Config, folder: Path) -> Network:
    """The network of `config` with weights of no account; PyTorch's global generator stays where it was."""
    start: dict[str, Tensor | Backbone] = {name: Backbone(found) for name, found in config.backbones.items()}
    start |= {name: torch.zeros(shape) for name, shape in config.vectors.items()}
    lacking = set(vocabularies_of(config.network, config.tasks)) - set(start)
    if lacking:
        raise ModelFolderError(f"{folder / _CONFIG}: vectors lacks the vocabulary {', '.join(sorted(lacking))}; {_again(config)}")
    with torch.random.fork_rng(devices=[]):
        return build_network(config.network, config.tasks, start)


def _fill(network: Network, path: Path, config: _Config) -> None:
    """Give the network the weights of the file, all of them and no others."""
    try:
        weights = load_file(path)
    except SafetensorError as error:
        raise ModelFolderError(f"{path}: damaged, not a safetensors file ({error}); copy the folder again") from error
    wanted = network.state_dict()
    faults = [
        *(f"{name} is missing" for name in wanted if name not in weights),
        *(f"{name} is unexpected" for name in weights if name not in wanted),
        *(
            f"{name} has shape {tuple(weights[name].shape)} instead of {tuple(weight.shape)}"
            for name, weight in wanted.items()
            if name in weights and weights[name].shape != weight.shape
        ),
    ]
    if faults:
        raise ModelFolderError(f"{path}: does not fit {_CONFIG}: {', '.join(faults)}; {_again(config)}")
    network.load_state_dict(weights)


def _again(config: _Config) -> str:
    return f"the folder was written by polytask {config.library}, this is polytask {__version__}: save the model again"


def _read_back(model: Model, draft: Path, folder: Path) -> None:
    loaded = load_model(draft, model.network.device)
    for name in model.vocabularies:
        if loaded.vocabularies[name].fingerprint != model.vocabularies[name].fingerprint:
            raise ModelFolderError(f"{folder}: vocabulary '{name}' reads back changed; nothing was written")
    before, after = probe_logits(model), probe_logits(loaded)
    changed = [task for task, logits in before.items() if not _same_bits(logits, after[task])]
    if changed:
        raise ModelFolderError(f"{folder}: the model reads back with other logits for {', '.join(changed)}; nothing was written")


def probe_logits(model: Model, tasks: Sequence[str] | None = None) -> dict[str, Tensor]:
    """Task -> logits of a few fixed made-up texts in its vocabulary; all tasks by default, and all in one batch."""
    asked = [task for task in model.tasks if tasks is None or task.name in tasks]
    found: dict[str, Tensor] = {}
    lengths = torch.tensor(_PROBE_LENGTHS)
    rows = torch.arange(len(lengths))
    for name in (name for name in model.vocabularies if any(task.vocabulary == name for task in asked)):
        random = torch.Generator().manual_seed(0)
        ids = torch.randint(1, model.vocabularies[name].size, (len(lengths), int(lengths.max())), generator=random)
        words = _probe_words(model, lengths, random)
        batch = Batch(ids, lengths, {task.name: rows for task in asked if task.vocabulary == name}, words=words)
        with evaluating(model.network):
            logits = model.network(batch.to(model.network.device)).logits
        found |= {task: said if isinstance(said, Tensor) else _numbers(said) for task, said in logits.items()}
    return found


def _probe_words(model: Model, lengths: Tensor, random: torch.Generator) -> Words | None:
    """Every id a word, of letters and with ids beside drawn at random; None for a network that does not read word by word."""
    if not isinstance(model.config, Hierarchical):
        return None
    shape = len(lengths), int(lengths.max())
    letters = None
    if model.config.characters is not None:
        letters = torch.randint(1, 257, (*shape, model.config.characters.longest), generator=random)
    beside = None
    if model.config.word_vectors is not None:
        beside = torch.randint(1, model.vocabularies[model.config.word_vectors].size, shape, generator=random)
    return Words(lengths, torch.arange(shape[1]).repeat(shape[0], 1), letters, beside)


def _numbers(scored: Any) -> Tensor:
    """All that a head on words gives, as one row of numbers."""
    return torch.cat([value.double().flatten() for value in vars(scored).values() if isinstance(value, Tensor)])


def _same_bits(one: Tensor, other: Tensor) -> bool:
    """Equal to the bit, NaN included: a model that has diverged is not a damaged folder."""
    return one.dtype == other.dtype and bool(one.contiguous().view(torch.uint8).equal(other.contiguous().view(torch.uint8)))
