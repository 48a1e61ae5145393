"""What a user loses if these fail: a saved model that answers otherwise, or damage that is noticed too late or not explained."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from mtl_models.errors import ModelFolderError
from mtl_models.files import sha256_of
from mtl_models.networks import folder as module
from mtl_models.networks.folder import load_model, model_fingerprint, read_extra, save_model
from mtl_models.networks.model import Model
from mtl_models.networks.network import Batch
from mtl_models.text.vocabulary import Vocabulary

TEXTS = ["what a waste of two hours", "love the phone !", "", "अच्छा फ़िल्म", "Day " * 30]


@pytest.fixture
def saved(model: Model, tmp_path: Path) -> Path:
    save_model(model, tmp_path / "model", {"experiment": {"name": "demo", "seed": 13}})
    return tmp_path / "model"


def _same(one: Model, other: Model) -> bool:
    first, second = one.probabilities(TEXTS), other.probabilities(TEXTS)
    return first.keys() == second.keys() and all(np.array_equal(first[task], second[task]) for task in first)


def test_the_folder_holds_the_documented_files(saved: Path, plain_model: Model, tmp_path: Path) -> None:
    names = {path.name for path in saved.iterdir()}
    assert names == {"config.json", "model.safetensors", "hi.tokenizer.json", "shared.tokenizer.json"}
    save_model(plain_model, tmp_path / "plain")
    assert {path.name for path in (tmp_path / "plain").iterdir()} == {"config.json", "model.safetensors", "tokenizer.json"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "plain"]


def test_a_loaded_model_answers_the_same_and_disturbs_no_random_numbers(model: Model, saved: Path) -> None:
    torch.manual_seed(1)
    loaded = load_model(saved)
    drawn = torch.rand(3)
    torch.manual_seed(1)
    assert torch.rand(3).equal(drawn)
    assert _same(model, loaded)
    assert (loaded.tasks, loaded.config, loaded.max_tokens) == (model.tasks, model.config, model.max_tokens)
    assert not loaded.network.training


def test_a_fresh_process_computes_the_same_bits(plain_model: Model, tmp_path: Path) -> None:
    save_model(plain_model, tmp_path / "model")
    batch = Batch(torch.tensor([[2, 3, 4], [5, 0, 0]]), torch.tensor([3, 1]), {"tweets": torch.arange(2), "type": torch.arange(2)})
    with torch.inference_mode():
        here = {task: logits.numpy().tobytes().hex() for task, logits in plain_model.network(batch).logits.items()}
    script = (
        "import json, sys, torch\nfrom pathlib import Path\n"
        "from mtl_models.networks.folder import load_model\nfrom mtl_models.networks.network import Batch\n"
        f"torch.set_num_threads({torch.get_num_threads()})\n"
        "model = load_model(Path(sys.argv[1]))\n"
        "batch = Batch(torch.tensor([[2, 3, 4], [5, 0, 0]]), torch.tensor([3, 1]), dict(tweets=torch.arange(2), type=torch.arange(2)))\n"
        "with torch.inference_mode():\n"
        "    print(json.dumps({task: logits.numpy().tobytes().hex() for task, logits in model.network(batch).logits.items()}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "model")], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert json.loads(done.stdout) == here


def test_extra_and_fingerprint_come_back(model: Model, saved: Path, tmp_path: Path) -> None:
    assert read_extra(saved) == {"experiment": {"name": "demo", "seed": 13}}
    save_model(model, tmp_path / "again", {"written": "later"})
    assert model_fingerprint(saved) == model_fingerprint(tmp_path / "again") == model_fingerprint(model)
    assert sha256_of(saved / "model.safetensors") == sha256_of(tmp_path / "again" / "model.safetensors")


def test_saving_replaces_an_older_model(model: Model, plain_model: Model, saved: Path) -> None:
    save_model(plain_model, saved)
    assert _same(load_model(saved), plain_model)


def test_a_model_that_has_diverged_can_be_kept(model: Model, tmp_path: Path) -> None:
    with torch.no_grad():
        model.network.heads["tweets"].weight.fill_(torch.nan)
    save_model(model, tmp_path / "model")
    assert np.isnan(load_model(tmp_path / "model").probabilities(["a"])["tweets"]).all()


def test_a_save_that_reads_back_changed_leaves_the_old_model(
    model: Model, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = model_fingerprint(saved)

    def lossy(weights: dict[str, torch.Tensor], path: Path, metadata: dict[str, str]) -> None:
        save_file({name: weight.half().float() for name, weight in weights.items()}, path, metadata)

    monkeypatch.setattr(module, "save_file", lossy)
    with pytest.raises(ModelFolderError, match="other logits for tweets, type, cased, hindi; nothing was written"):
        save_model(dataclasses.replace(model, max_tokens=99), saved)
    assert model_fingerprint(saved) == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_vocabulary_that_reads_back_changed_is_noticed(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = model.vocabularies["shared"]
    monkeypatch.setattr(Vocabulary, "load", classmethod(lambda cls, path: other))
    with pytest.raises(ModelFolderError, match="vocabulary 'hi' reads back changed"):
        save_model(model, tmp_path / "model")
    assert not list(tmp_path.iterdir())


def _edit(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        change(config)
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")

    return apply


def _with_weights(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        weights = load_file(folder / "model.safetensors")
        change(weights)
        save_file(weights, folder / "model.safetensors")
        _edit(lambda config: config["files"].update({"model.safetensors": sha256_of(folder / "model.safetensors")}))(folder)

    return apply


def _flip_a_bit(folder: Path) -> None:
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-3] ^= 1
    (folder / "model.safetensors").write_bytes(data)


def _not_safetensors(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"not weights")
    _edit(lambda config: config["files"].update({"model.safetensors": sha256_of(folder / "model.safetensors")}))(folder)


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no config": (lambda folder: (folder / "config.json").unlink(), r"not a model folder, it has no config\.json"),
    "half a config": (lambda folder: (folder / "config.json").write_text('{"format": 1,'), r"config\.json: damaged, not JSON"),
    "binary config": (lambda folder: (folder / "config.json").write_bytes(b"\xff\xfe{"), r"config\.json: damaged, not JSON"),
    "a list": (lambda folder: (folder / "config.json").write_text("[]"), r"config\.json: format None, written by polytask \?"),
    "newer format": (_edit(lambda c: c.update(format=2, library="9.9")), r"format 2, written by polytask 9\.9.*reads format 1"),
    "unknown key": (_edit(lambda c: c["network"].update(wings=2)), r"config\.json: network.joint_lstm: unknown key 'wings'"),
    "unknown task key": (_edit(lambda c: c["tasks"][0].pop("labels")), r"config\.json: tasks\.0\.labels: Field required"),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), r"model\.safetensors: missing"),
    "no tokenizer": (lambda folder: (folder / "hi.tokenizer.json").unlink(), r"hi\.tokenizer\.json: missing"),
    "flipped bit": (_flip_a_bit, r"model\.safetensors: damaged, its sha256"),
    "not safetensors": (_not_safetensors, r"model\.safetensors: damaged, not a safetensors file"),
    "unlisted tokenizer": (_edit(lambda c: c["files"].pop("hi.tokenizer.json")), r"files does not list hi\.tokenizer\.json"),
    "no vectors": (_edit(lambda c: c["vectors"].pop("hi")), r"vectors lacks the vocabulary hi"),
    "a missing head": (_with_weights(lambda w: w.pop("heads.type.bias")), r"heads\.type\.bias is missing"),
    "a strange weight": (_with_weights(lambda w: w.update(extra=torch.zeros(1))), r"extra is unexpected"),
    "a shape": (
        _edit(lambda c: c["tasks"][0]["labels"].append("so-so")),
        r"heads\.tweets\.weight has shape \(2, 20\) instead of \(3, 20\)",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_with_a_folder_is_said(saved: Path, fault: str) -> None:
    damage, message = FAULTS[fault]
    damage(saved)
    with pytest.raises(ModelFolderError, match=message) as caught:
        load_model(saved)
    assert str(saved) in str(caught.value)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_model_on_the_gpu_is_kept_and_comes_back_anywhere(model: Model, tmp_path: Path) -> None:
    model.network.to("cuda")
    save_model(model, tmp_path / "model")
    for device, tolerance in (("cpu", 1e-5), ("cuda", 0.0)):
        loaded = load_model(tmp_path / "model", device)
        for task, found in model.probabilities(TEXTS).items():
            np.testing.assert_allclose(loaded.probabilities(TEXTS)[task], found, atol=tolerance)
