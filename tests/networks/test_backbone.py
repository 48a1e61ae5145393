"""What a user loses if these fail: an encoder that is not the one in the folder, or a folder that runs code when it is read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoModel

from mtl_models.config.text import TextOptions
from mtl_models.errors import ModelFolderError
from mtl_models.networks.backbone import Backbone, read_backbone, read_tokenizer

Backbones = Callable[..., Path]


@pytest.mark.parametrize("architecture", ["bert", "distilbert", "xlm-roberta", "mpnet"])
def test_states_are_those_of_the_folders_own_model(backbones: Backbones, architecture: str) -> None:
    folder = backbones(architecture)
    ids = torch.tensor([[2, 9, 30, 31, 3]])
    mask = torch.ones_like(ids)
    own = AutoModel.from_pretrained(folder).eval()(input_ids=ids, attention_mask=mask).last_hidden_state
    built = read_backbone(folder).build(0.1, 0.1).eval()(input_ids=ids, attention_mask=mask).last_hidden_state
    torch.testing.assert_close(built, own)


@pytest.mark.parametrize("architecture", ["bert", "distilbert", "xlm-roberta", "mpnet"])
def test_dropout_rates_reach_every_architecture(backbones: Backbones, architecture: str) -> None:
    built = read_backbone(backbones(architecture)).build(0.35, 0.0)
    rates = {module.p for module in built.modules() if isinstance(module, torch.nn.Dropout)}
    assert 0.35 in rates
    assert rates <= {0.35, 0.0}


def test_a_saved_backbone_reads_back_to_the_bit(backbones: Backbones, tmp_path: Path) -> None:
    backbone = read_backbone(backbones("bert"))
    backbone.save(tmp_path / "kept")
    assert Backbone.load(tmp_path / "kept").fingerprint == backbone.fingerprint


def test_other_weights_have_another_fingerprint(backbones: Backbones) -> None:
    backbone = read_backbone(backbones("bert"))
    assert backbone.weights is not None
    name = next(iter(backbone.weights))
    changed = Backbone(backbone.config, {**backbone.weights, name: backbone.weights[name] + 1e-3})
    assert changed.fingerprint != backbone.fingerprint


def test_pickled_weights_are_refused_unread(backbones: Backbones, tmp_path: Path) -> None:
    folder = tmp_path / "old"
    shutil.copytree(backbones("bert"), folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelFolderError, match=r"has no .safetensors.*can run code"):
        read_backbone(folder)


def test_code_of_a_folder_is_never_run(backbones: Backbones, tmp_path: Path) -> None:
    folder, trace = tmp_path / "custom", tmp_path / "ran"
    shutil.copytree(backbones("bert"), folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "mine", "auto_map": {"AutoModel": "mine.Mine", "AutoConfig": "mine.MineConfig"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "mine.py").write_text(f"open({str(trace)!r}, 'w').close()\n")
    with pytest.raises(ModelFolderError, match="custom: cannot be read"):
        read_backbone(folder)
    assert not trace.exists()


def test_what_is_no_encoder_is_told_apart(tmp_path: Path, backbones: Backbones) -> None:
    with pytest.raises(ModelFolderError, match=r"it has no config\.json"):
        read_backbone(tmp_path)
    folder = tmp_path / "cut"
    shutil.copytree(backbones("bert"), folder)
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:100])
    with pytest.raises(ModelFolderError, match="cut: cannot be read as a Hugging Face encoder"):
        read_backbone(folder)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelFolderError, match="has no tokenizer"):
        read_tokenizer(folder)


def test_a_tokenizer_is_made_from_a_plain_list_of_pieces(backbones: Backbones, tmp_path: Path) -> None:
    folder = tmp_path / "older"
    shutil.copytree(backbones("bert"), folder)
    known = read_tokenizer(folder)
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("\n".join(known.tokens))
    assert read_tokenizer(folder).encode(["the film was great"], TextOptions()) == known.encode(["the film was great"], TextOptions())
