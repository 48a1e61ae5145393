"""What a user loses if these fail: a comparison with a backbone that is not the one its makers published."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from mtl_models.errors import ConfigError, ModelFolderError
from mtl_models.inference.embedding import cosines, load_encoder, normalised

TEXTS = ["the film was good", "a dull hotel", "", "number 7 of 9 was great and lovely"]


@pytest.fixture
def folder(backbones: Callable[..., Path], tmp_path: Path) -> Path:
    """A copy of the tiny encoder, to be changed."""
    return Path(shutil.copytree(backbones(), tmp_path / "encoder"))


def sentence_transformers_vectors(folder: Path, pooling: str) -> np.ndarray:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import PreTrainedTokenizerFast

    marks = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), **marks).save_pretrained(folder)
    model = SentenceTransformer(modules=[Transformer(str(folder), max_seq_length=9), Pooling(16, pooling)], device="cpu")
    model.save(str(folder), create_model_card=False)
    return np.asarray(model.encode(TEXTS))


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_a_folder_of_sentence_transformers_gives_the_vectors_that_it_gives_there(folder: Path, pooling: str) -> None:
    """Pooling and length of texts are those of the folder, in the form that the library writes now."""
    expected = sentence_transformers_vectors(folder, pooling)
    np.testing.assert_allclose(load_encoder(folder).embed(TEXTS), expected, atol=1e-5)


def test_the_form_of_earlier_versions_is_read_too(folder: Path) -> None:
    plain = load_encoder(folder).embed(TEXTS)
    (folder / "1_Pooling").mkdir()
    section = {"word_embedding_dimension": 16, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(section))
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 5}')
    encoder = load_encoder(folder)
    assert encoder.max_tokens == 5
    np.testing.assert_array_equal(encoder.embed(["a dull"]), load_encoder(folder).embed(["a dull"]))
    assert not np.allclose(encoder.embed(TEXTS), plain, atol=1e-4), "the last text is cut"
    (folder / "1_Pooling" / "config.json").write_text(
        json.dumps(section | {"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True})
    )
    states = load_encoder(folder).embed(["a dull"])
    assert not np.allclose(states, encoder.embed(["a dull"]), atol=1e-4)


def test_without_a_word_on_it_the_mean_of_all_it_can_read(folder: Path) -> None:
    encoder = load_encoder(folder)
    assert (encoder.config.pooling, encoder.max_tokens) == ("mean", 24)  # type: ignore[union-attr]
    assert encoder.embed(["good " * 100]).shape == (1, 16)


def test_a_backbone_has_no_tasks_and_a_strange_pooling_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match="task 'films': this is a backbone"):
        load_encoder(folder).embed(["a"], "films")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode": "lasttoken"}')
    with pytest.raises(ModelFolderError, match="pools by 'lasttoken'; known are mean, cls and max"):
        load_encoder(folder)


def test_a_folder_that_is_neither_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match=r"not a model folder, it has no config\.json"):
        load_encoder(tmp_path)


def test_cosines_are_of_vectors_of_length_one() -> None:
    vectors = torch.randn(5, 7, generator=torch.Generator().manual_seed(1)).numpy() * 40
    found = cosines(vectors)
    expected = torch.nn.functional.cosine_similarity(torch.from_numpy(vectors)[:, None], torch.from_numpy(vectors)[None], dim=-1)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(normalised(vectors), axis=1), 1, atol=1e-6)
    assert not normalised(np.zeros((1, 3), np.float32)).any(), "no text that gives nothing becomes NaN"
