"""What a user loses if these fail: a graph that answers otherwise than the model, or only for texts as long as one the exporter saw."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from mtl_models.config import network as config
from mtl_models.config.text import TextOptions, Vocabulary
from mtl_models.errors import ConfigError, ModelFolderError
from mtl_models.inference.onnx_export import GRAPH, OnnxModel, export_onnx, largest_difference, sample_texts
from mtl_models.networks.backbone import Backbone
from mtl_models.networks.build import build_network
from mtl_models.networks.model import Model
from mtl_models.tasks.task import Task
from mtl_models.text.subwords import Subwords
from mtl_models.text.vocabulary import build_vocabulary

from batches import stirred

onnxruntime = pytest.importorskip("onnxruntime")

WORDS = {"shared": "a bad good film phone , ! day the of two hours", "hi": "अच्छा बुरा फ़िल्म यह है"}
KINDS = (
    Task("tweets", "single_label", ("bad", "good"), temperature=1.7),
    Task("type", "ordinal", ("a", "b", "c")),  # a name that PyTorch's own modules have taken
    Task("half", "multi_label", ("p", "q")),
    Task("stars", "rating", ("stars",), mean=3.0, deviation=1.2),
)
APART = (
    Task("plain", "single_label", ("bad", "good")),
    Task("cased", "single_label", ("bad", "good"), text=TextOptions(lowercase=False)),
    Task("hindi", "single_label", ("bad", "good"), vocabulary="hi"),
)
NETWORKS: list[dict[str, object]] = [
    {"name": "lstm_linear"},
    {"name": "joint_lstm", "layers": 2, "pooling": ["last", "max", "mean"]},
    {"name": "joint_lstm", "bidirectional": False, "shared_head": True, "ngrams": {"max_n": 3, "buckets": 64, "dimension": 4}},
    {"name": "joint_lstm_attention", "attention": {"hops": 3, "hidden": 4, "fc": 8}},
    {"name": "joint_transformer_lstm", "transformer": {"layers": 2, "heads": 2, "feedforward": 5}},
    {"name": "joint_transformer_lstm_attention", "transformer": {"heads": 2, "feedforward": 5}, "attention": {"hops": 3, "fc": 8}},
    {"name": "dlnc", "task_embedding": 3},
    {"name": "dlnc", "task_embedding": None, "separate_classifier_cell": True, "cell_activation": "tanh"},
]


def make_model(section: dict[str, object], tasks: tuple[Task, ...], seed: int = 0) -> Model:
    network = TypeAdapter(config.Network).validate_python({"hidden": 5, **section})
    groups = {task.vocabulary for task in tasks}
    words = {name: build_vocabulary({name: [WORDS[name]]}, {name: TextOptions()}, Vocabulary(min_count=1)) for name in sorted(groups)}
    torch.manual_seed(seed)
    built = stirred(build_network(network, tasks, {name: torch.randn(vocabulary.size, 6) for name, vocabulary in words.items()}))
    return Model(built.eval(), tasks, words, network, max_tokens=25)


@pytest.fixture(scope="module")
def model() -> Model:
    return make_model(NETWORKS[2], KINDS)


@pytest.fixture(scope="module")
def exported(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("onnx") / "exported"
    assert export_onnx(model, folder) < 1e-5
    return folder


@pytest.mark.timeout(300)
def test_one_output_per_head_answers_texts_of_any_number_and_length(model: Model, exported: Path) -> None:
    session = onnxruntime.InferenceSession(str(exported / GRAPH))
    assert [found.name for found in session.get_outputs()] == ["tweets", "type", "half", "stars"]
    assert [found.name for found in session.get_inputs()] == ["input_ids", "attention_mask"]
    tokenizer = Tokenizer.from_file(str(exported / "tokenizer.json"))
    for texts in (["good"], ["two bad hours of the film", "a phone !", ""], ["the day " * 40, "good"]):
        encoded = tokenizer.encode_batch(texts)
        feed = {
            "input_ids": np.array([found.ids for found in encoded], dtype=np.int64),
            "attention_mask": np.array([found.attention_mask for found in encoded], dtype=np.int64),
        }
        wanted = model.logits(texts)
        for task, logits in zip(wanted, session.run(list(wanted), feed), strict=True):
            np.testing.assert_allclose(logits, wanted[task].numpy(), atol=1e-5)


def test_the_numbers_come_with_what_they_mean(model: Model, exported: Path) -> None:
    about = json.loads((exported / "model.json").read_text(encoding="utf-8"))
    assert (about["network"], about["max_tokens"], about["fingerprint"]) == ("joint_lstm", 25, model.fingerprint())
    assert about["tasks"]["type"] == {
        "output": "type",
        "inputs": ["input_ids", "attention_mask"],
        "kind": "ordinal",
        "labels": ["a", "b", "c"],
        "activation": "cumulative",
        "temperature": 1.0,
    }
    assert about["tasks"]["tweets"]["temperature"] == 1.7
    assert (about["tasks"]["stars"]["mean"], about["tasks"]["stars"]["deviation"]) == (3.0, 1.2)


def test_nobody_reads_in_the_graph_where_it_was_made(exported: Path) -> None:
    assert str(Path(__file__).parents[2]).encode() not in (exported / GRAPH).read_bytes()


def test_the_check_sees_another_model(model: Model, exported: Path) -> None:
    assert largest_difference(model, OnnxModel(exported), sample_texts(model)) < 1e-5
    with pytest.raises(ModelFolderError, match=r"task 'tweets': ONNX Runtime's logits differ .* more than the tolerance"):
        largest_difference(make_model(NETWORKS[2], KINDS, seed=1), OnnxModel(exported), sample_texts(model))


def test_without_the_extra_the_way_to_install_it_is_told(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ConfigError, match=r"onnxscript, which is not installed; pip install 'polytask\[onnx\]'"):
        export_onnx(model, tmp_path / "exported")
    assert not (tmp_path / "exported").exists()


def test_a_folder_with_other_things_is_left_alone(model: Model, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work", encoding="utf-8")
    with pytest.raises(ConfigError, match="holds something else than an exported model"):
        export_onnx(model, tmp_path)
    assert (tmp_path / "thesis.tex").exists()


@pytest.mark.slow
def test_what_is_not_exact_enough_is_not_written(model: Model, tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match="nothing was written"):
        export_onnx(model, tmp_path / "exported", tolerance=0.0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("section", NETWORKS, ids=lambda section: f"{section['name']}-{len(section)}")
def test_every_network_of_words_exports_with_every_way_to_read(section: dict[str, object], tmp_path: Path) -> None:
    model = make_model(section, APART)
    assert export_onnx(model, tmp_path / "exported", ["Two BAD hours, और फ़िल्म"]) < 1e-5
    about = json.loads((tmp_path / "exported" / "model.json").read_text(encoding="utf-8"))
    files = {reading["tokenizer"] for reading in about["inputs"]}
    assert files == {"tokenizer_0.json", "tokenizer_1.json", "tokenizer_hi.json"}
    assert about["tasks"]["hindi"]["inputs"] == ["input_ids_hi", "attention_mask_hi"]


def _sentence_model(**options: object) -> Model:
    """A BERT of two layers, 8 numbers wide, with a tokenizer of word pieces."""
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS["shared"].split(), "##s", "##y"]
    tokenizer = Tokenizer(models.WordPiece({piece: place for place, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    shape = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16, "max_position_embeddings": 40}
    section = TypeAdapter(config.Network).validate_python({"name": "sentence_encoder", "backbone": "made", **options})
    torch.manual_seed(0)
    network = build_network(section, KINDS, {"shared": Backbone({"model_type": "bert", "vocab_size": len(pieces), **shape})})
    with torch.no_grad():
        for parameter in network.parameters():  # adapters begin at zero
            parameter.add_(0.1 * torch.randn_like(parameter))
    return Model(network.eval(), KINDS, {"shared": Subwords(tokenizer)}, section, max_tokens=25)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("options", [{"pooling": "mean"}, {"pooling": "max", "lora": {"rank": 2, "shared": True}}], ids=["plain", "lora"])
def test_a_sentence_encoder_exports_with_its_own_tokenizer(options: dict[str, object], tmp_path: Path) -> None:
    assert export_onnx(_sentence_model(**options), tmp_path / "exported", ["Good films, two bad days"]) < 1e-5


def test_what_does_not_export_is_told_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"network\.lora: adapters per task cannot be exported"):
        export_onnx(_sentence_model(lora={"rank": 2}), tmp_path / "exported")
    assert list(tmp_path.iterdir()) == []
