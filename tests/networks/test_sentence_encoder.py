"""What a user loses if these fail: answers that depend on other texts, weights that move unasked, models that do not load."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mtl_models.config.backbone import SentenceEncoder as Section
from mtl_models.errors import ConfigError
from mtl_models.inference.attention import explain
from mtl_models.networks.backbone import read_backbone, read_tokenizer
from mtl_models.networks.build import build_network
from mtl_models.networks.folder import load_model, save_model
from mtl_models.networks.model import Model
from mtl_models.networks.network import Batch, Output
from mtl_models.networks.sentence_encoder import SentenceEncoder
from mtl_models.networks.surgery import same_answers, with_tasks, without_task
from mtl_models.tasks.kind import kind_of
from mtl_models.tasks.task import Task

from batches import batch_of

TASKS = (
    Task("tweets", "single_label", ("bad", "good")),
    Task("keys", "multi_label", ("a", "b", "c")),  # a name that modules cannot have
    Task("stars", "rating", ("stars",)),
)
VARIANTS: Mapping[str, Mapping[str, object]] = {
    "mean": {},
    "max, mlp": {"pooling": "max", "head": "mlp"},
    "cls, shared head": {"pooling": "cls", "shared_head": True},
    "adapters": {"lora": {"rank": 2}},
    "one adapter": {"lora": {"rank": 2, "shared": True}},
}
Built = Callable[..., Model]


@pytest.fixture(scope="module")
def built(backbones: Callable[..., Path]) -> Built:
    """A model over the tiny encoder; adapters and shared heads, which begin at zero, are given weights."""

    def make(architecture: str = "bert", tasks: tuple[Task, ...] = TASKS, **options: object) -> Model:
        folder = backbones(architecture)
        section = Section.model_validate({"name": "sentence_encoder", "backbone": str(folder), **options})
        torch.manual_seed(2)
        network = build_network(section, tasks, {"shared": read_backbone(folder)})
        for name, weight in network.named_parameters():
            if "lora_B" in name or "shared_heads" in name:
                torch.nn.init.normal_(weight, std=0.3)
        return Model(network.eval(), tasks, {"shared": read_tokenizer(folder)}, section, 20)

    return make


def _encoder(model: Model) -> SentenceEncoder:
    assert isinstance(model.network, SentenceEncoder)
    return model.network


def _batch(texts: list[list[int]], tasks: tuple[Task, ...] = TASKS, extra: int = 0) -> Batch:
    return batch_of(texts, {task.name: range(len(texts)) for task in tasks}, extra)


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
@pytest.mark.parametrize("architecture", ["bert", "distilbert", "mpnet"])
def test_equals_an_obvious_reference(built: Built, architecture: str, pooling: str) -> None:
    model = built(architecture, pooling=pooling)
    texts = [[2, 10, 50, 3], [2, 41, 3], [2, 60, 61, 62, 63, 3]]
    logits = model.network(_batch(texts)).logits
    encoder = read_backbone(Path(model.config.backbone.model)).build(0.0, 0.0).eval()  # type: ignore[union-attr]
    for row, text in enumerate(texts):
        states = encoder(input_ids=torch.tensor([text]), attention_mask=torch.ones(1, len(text), dtype=torch.int64)).last_hidden_state[0]
        pooled = {"mean": states.mean(0), "cls": states[0], "max": states.amax(0)}[pooling]
        for task in TASKS:
            head = model.network.heads[task.name]
            torch.testing.assert_close(logits[task.name][row], head(pooled), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("variant", VARIANTS)
@given(st.lists(st.lists(st.integers(4, 80), min_size=1, max_size=9), min_size=2, max_size=5), st.integers(0, 4))
@settings(deadline=None, max_examples=12, derandomize=True)
def test_an_answer_depends_on_its_text_alone(built: Built, variant: str, texts: list[list[int]], extra: int) -> None:
    model = built(**VARIANTS[variant])
    together = model.network(_batch(texts, extra=extra)).logits
    for row, text in enumerate(texts):
        alone = model.network(_batch([text])).logits
        for task in TASKS:
            torch.testing.assert_close(together[task.name][row], alone[task.name][0], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_loss_moves_what_its_task_reads_and_nothing_else(built: Built, variant: str) -> None:
    model = built(**VARIANTS[variant])
    network = model.network.train()
    network.zero_grad()
    batch = _batch([[2, 10, 50, 3], [2, 41, 3]])
    network(Batch(batch.ids, batch.lengths, {"tweets": torch.arange(2)})).logits["tweets"].square().sum().backward()
    moved = {name for name, weight in network.named_parameters() if weight.grad is not None and weight.grad.abs().sum() > 0}
    others = network.owned_by(["keys", "stars"])
    assert not any(name.startswith(others) for name in moved)
    assert any(name.startswith("heads.tweets") for name in moved)
    adapted = "lora" in VARIANTS[variant]
    base = {name for name, _ in network.named_parameters() if name.startswith("backbone.") and ".lora_" not in name}
    assert bool(moved & base) != adapted, "with adapters the backbone stays, without it moves"
    if not adapted:
        missing = {name for name in base if name not in moved}
        assert not {name for name in missing if "embeddings" not in name and "key.bias" not in name and "relative" not in name}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_saved_model_answers_the_same_in_a_fresh_process_without_a_hub(built: Built, variant: str, tmp_path: Path) -> None:
    model = built(**VARIANTS[variant])
    save_model(model, tmp_path / "kept")
    if variant in ("mean", "adapters"):
        script = (
            "import sys\nfrom pathlib import Path\nfrom mtl_models.networks.folder import load_model\n"
            "print(load_model(Path(sys.argv[1])).probabilities(['the film was great'])['tweets'].tobytes().hex())"
        )
        command = [sys.executable, "-c", script, str(tmp_path / "kept")]
        told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]).stdout.strip()
        assert told == model.probabilities(["the film was great"])["tweets"].tobytes().hex()
    assert load_model(tmp_path / "kept").fingerprint() == model.fingerprint()


@pytest.mark.parametrize("variant", VARIANTS)
def test_tasks_come_and_go_and_the_others_answer_as_before(built: Built, variant: str) -> None:
    model = built(**VARIANTS[variant])
    more = with_tasks(model, [Task("new", "single_label", ("x", "y"))], {}, {})
    same_answers(model, more, [task.name for task in TASKS])
    same_answers(more, without_task(more, "keys"), ["tweets", "stars", "new"])


def test_every_row_goes_through_the_adapter_of_its_task(built: Built) -> None:
    """One mixed batch gives each task what a batch of its own gives; the adapters differ from one another and from none."""
    model = built(lora={"rank": 2})
    encoder = _encoder(model)
    batch = _batch([[2, 10, 50, 3], [2, 41, 44, 3]])
    own = {task.name: encoder.pooled(batch, task.name) for task in TASKS}
    plain = encoder.pooled(batch)
    assert not torch.allclose(own["tweets"], own["keys"], atol=1e-3)
    assert not torch.allclose(own["tweets"], plain, atol=1e-3)
    logits = model.network(batch).logits
    for task in TASKS:
        torch.testing.assert_close(logits[task.name], encoder.heads[task.name](own[task.name]), atol=1e-5, rtol=1e-4)
    untouched = read_backbone(Path(model.config.backbone.model)).build(0.0, 0.0).eval()  # type: ignore[union-attr]
    states = untouched(input_ids=batch.ids, attention_mask=torch.ones_like(batch.ids)).last_hidden_state
    torch.testing.assert_close(plain, states.mean(1), atol=1e-5, rtol=1e-4)


def test_known_vectors_are_not_computed_again(built: Built) -> None:
    model = built()
    batch = _batch([[2, 10, 3], [2, 11, 3]])
    vectors = torch.randn(2, 16)
    output: Output = model.network(Batch(batch.ids, batch.lengths, batch.rows, features=vectors))
    torch.testing.assert_close(output.logits["tweets"], model.network.heads["tweets"](vectors))


def test_what_does_not_move_does_not_drop(built: Built) -> None:
    """A frozen encoder gives a text one vector, in training too; a moving one drops."""
    model = built(hidden_dropout=0.5)
    encoder, batch = _encoder(model), _batch([[2, 10, 50, 3]])

    def vectors() -> tuple[Tensor, Tensor]:
        return encoder.train().pooled(batch), encoder.pooled(batch)

    one, other = vectors()
    assert not torch.equal(one, other)
    for parameter in encoder.backbone.parameters():
        parameter.requires_grad_(False)
    assert encoder.features_fixed
    one, other = vectors()
    assert torch.equal(one, other)


def test_parts_go_from_the_top_layer_to_the_embeddings(built: Built) -> None:
    encoder = _encoder(built())
    parts = encoder.encoder_parts()
    names = {id(parameter): name for name, parameter in encoder.named_parameters()}
    first = [names[id(next(part.parameters()))] for part in parts]
    assert [name.split(".")[3] for name in first[:3]] == ["2", "1", "0"]
    assert first[3].startswith("backbone.embeddings")
    covered = {id(parameter) for part in parts for parameter in part.parameters()}
    assert covered == {id(parameter) for parameter in encoder.backbone.parameters()}


def test_a_text_longer_than_the_encoder_reads_is_a_clear_error(built: Built) -> None:
    with pytest.raises(ConfigError, match=r"max_tokens: the backbone reads 24 tokens at most, and a text has 25"):
        built().network(_batch([[2, *[10] * 23, 3]]))


def test_unknown_layers_for_adapters_are_a_clear_error(built: Built) -> None:
    with pytest.raises(ConfigError, match=r"network\.lora\.targets: .*nowhere"):
        built(lora={"targets": ["nowhere"]})


def test_heads_of_all_kinds_decode(built: Built) -> None:
    model = built(head="mlp")
    found = model.probabilities(["the film was great", "a dull phone"])
    for task in TASKS:
        assert len(kind_of(task).decode(found[task.name])) == 2


def test_explanations_are_of_the_text_without_its_marks(built: Built) -> None:
    """Each piece left out once; the last ones of a text that is too long are not there."""
    model = built()
    (reading,), (empty,), (long,) = explain(model, ["the film was great", "", "good " * 40], ["tweets"])
    assert reading.words == ("the", "film", "was", "great")
    assert reading.left_out["tweets"].shape == (4,)
    whole = model.probabilities(["the film was great"])["tweets"][0]
    less = model.probabilities(["the film was"])["tweets"][0]
    leading = int(whole.argmax())
    assert reading.left_out["tweets"][3] == pytest.approx(whole[leading] - less[leading], abs=1e-5)
    assert empty.words == ()
    assert len(long.words) == len(long.left_out["tweets"]) == model.max_tokens - 2
