"""What a user loses if these fail: answers on words that depend on what else was asked, levels that train tasks they should not,
tasks on words that a saved model answers otherwise, long texts that a pre-trained encoder cannot read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from mtl_models.config.hierarchical import CharactersSection, Hierarchical, Level
from mtl_models.config.text import TextOptions
from mtl_models.config.text import Vocabulary as VocabularySection
from mtl_models.errors import ConfigError
from mtl_models.networks.backbone import Backbone, read_backbone, read_tokenizer
from mtl_models.networks.build import build_network
from mtl_models.networks.folder import load_model, save_model
from mtl_models.networks.model import Model
from mtl_models.networks.network import Network, evaluating
from mtl_models.networks.surgery import same_answers, with_tasks, without_task
from mtl_models.networks.windowed import WindowedBackbone
from mtl_models.tasks.structure import structure_of
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import Vocabulary, build_vocabulary

SPACES = TextOptions(words="spaces")
NER = Task("ner", "tagging", ("LOC", "PER"), text=SPACES)
NESTED = Task("nested", "mentions", ("GPE", "PER"), text=SPACES, depth=2)
PAIRS = Task("pairs", "relations", ("lives_in",), text=SPACES)
WHO = Task("who", "coreference", ("cluster",), text=SPACES, singletons=True)
TOPIC = Task("topic", "single_label", ("people", "places"))
TASKS = (NER, NESTED, PAIRS, WHO, TOPIC)
LEVELS = {
    "low": Level(tasks=("ner",), hidden=4),
    "middle": Level(tasks=("nested", "topic"), hidden=3),
    "pairs": Level(tasks=("pairs",), hidden=4, parent="middle"),
    "who": Level(tasks=("who",), hidden=4, parent="middle"),
}
SECTION = Hierarchical(
    name="hierarchical",
    levels=LEVELS,
    characters=CharactersSection(dimension=3, filters=4, longest=6),
    dropout=0.2,
    pooling=("max", "mean"),
)
TEXTS = ["Ada lives in Turin .", "she likes U.N. reports", "Turin", "in May Ada left Turin and she never came back to it , they say ."]
WORDS = build_vocabulary({"ner": TEXTS}, {"ner": SPACES}, VocabularySection(min_count=1))


def model_of(tasks: tuple[Task, ...] = TASKS, section: Hierarchical = SECTION, seed: int = 0) -> Model:
    torch.manual_seed(seed)
    network = build_network(section, tasks, {"shared": torch.randn(WORDS.size, 5)}).eval()
    return Model(network, tasks, {"shared": WORDS}, section, 60)


def numbers(model: Model, texts: list[str], task: Task) -> Any:
    if not task.on_words:
        return model.probabilities(texts, [task.name])[task.name]
    return model.annotations(texts, [task.name], "spaces")[task.name]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
@given(place=st.integers(0, 3), others=st.lists(st.integers(0, 3), max_size=4))
@settings(deadline=None, max_examples=10)
def test_an_answer_depends_neither_on_padding_nor_on_batch_mates(task: Task, place: int, others: list[int]) -> None:
    model = model_of()
    alone = numbers(model, [TEXTS[place]], task)[0]
    among = numbers(model, [TEXTS[place], *(TEXTS[other] for other in others)], task)[0]
    if task.on_words:
        assert np.array_equal(alone.rows, among.rows)
        np.testing.assert_allclose(alone.confidence, among.confidence, atol=1e-5)
    else:
        np.testing.assert_allclose(alone, among, atol=1e-5)


def states_of(model: Model, texts: list[str]) -> dict[str, Tensor]:
    (_, batch), *_ = model._word_batches(texts, "shared", SPACES, model.tasks, 64)
    with evaluating(model.network):
        return model.network.states(batch)  # type: ignore[operator]


def test_states_of_a_text_are_those_it_has_alone() -> None:
    model = model_of()
    together, alone = states_of(model, [TEXTS[3], TEXTS[0]]), states_of(model, [TEXTS[0]])
    for level, states in alone.items():
        torch.testing.assert_close(together[level][1, : states.shape[1]], states[0])
        assert not together[level][1, states.shape[1] :].any()


def gradients(network: Network, model: Model, task: Task, labels: Tensor) -> set[str]:
    (_, batch), *_ = model._word_batches(TEXTS[:1], "shared", SPACES, [task], 64)
    network.train()
    network.zero_grad()
    output = network(batch).logits[task.name]
    loss = structure_of(task).loss(output, labels) if task.on_words else output.sum()
    loss.backward()
    return {name for name, parameter in network.named_parameters() if parameter.grad is not None and bool(parameter.grad.any())}


@pytest.mark.parametrize(
    ("task", "labels", "levels"),
    [
        (NER, [[0, 1, 1]], {"low"}),
        (NESTED, [[0, 1, 1], [0, 3, 0]], {"low", "middle"}),
        (PAIRS, [[0, 1, 3, 4, 0]], {"low", "middle", "pairs"}),
        (WHO, [[0, 1, 0], [3, 4, 0]], {"low", "middle", "who"}),
        (TOPIC, [[0]], {"low", "middle"}),
    ],
    ids=lambda value: value.name if isinstance(value, Task) else "",
)
def test_a_task_moves_its_level_those_below_and_the_base_and_nothing_else(task: Task, labels: list[list[int]], levels: set[str]) -> None:
    model = model_of()
    moved = gradients(model.network, model, task, torch.tensor([labels]))
    assert {name.split(".")[1] for name in moved if name.startswith("levels.")} == levels
    assert {name.split(".")[1] for name in moved if name.startswith("heads.")} == {task.name}
    assert any(name.startswith("letters.") for name in moved)
    assert any(name.startswith("embeddings.") for name in moved)


def test_a_level_that_one_task_alone_needs_belongs_to_it() -> None:
    network = model_of().network
    assert "levels.who." in network.owned_by(["who"])
    assert not any(name.startswith("levels.") for name in network.owned_by(["ner"]))
    shared = {id(parameter) for parameter in network.shared_parameters()}
    named = {name for name, parameter in network.named_parameters() if id(parameter) in shared}
    assert any(name.startswith("levels.middle.") for name in named)
    assert not any(name.startswith(("levels.who.", "levels.pairs.", "heads.")) for name in named)


def test_a_twin_keeps_the_levels_its_task_stands_on() -> None:
    assert list(SECTION.over(("who",))) == ["low", "middle", "who"]
    assert list(SECTION.over(("ner",))) == ["low"]
    by_default = Hierarchical(name="hierarchical").over(("a", "b"))
    assert [(name, level.parent) for name, level in by_default.items()] == [("a", "base"), ("b", "a")]


def test_a_saved_model_answers_to_the_bit(tmp_path: Path) -> None:
    model = model_of()
    save_model(model, tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    for task in TASKS:
        before, after = numbers(model, TEXTS, task), numbers(loaded, TEXTS, task)
        if task.on_words:
            assert all(
                np.array_equal(b.rows, a.rows) and np.array_equal(b.confidence, a.confidence) for b, a in zip(before, after, strict=True)
            )
        else:
            assert np.array_equal(before, after)
    assert loaded.fingerprint() == model.fingerprint()


def test_a_task_taken_out_leaves_the_others_as_they_were() -> None:
    model = model_of()
    fewer = without_task(model, "who")
    assert "who" not in fewer.network.levels  # type: ignore[operator]
    same_answers(model, fewer, ["ner", "nested", "pairs", "topic"])


def test_a_new_task_on_a_level_leaves_the_others_as_they_were() -> None:
    section = replace_levels(middle=Level(tasks=("nested", "topic", "chunks"), hidden=3))
    model = model_of(section=section)
    more = with_tasks(model, [replace(NER, name="chunks")], {}, {})
    same_answers(model, more, [task.name for task in TASKS])


def replace_levels(**levels: Level) -> Hierarchical:
    return SECTION.model_copy(update={"levels": {**LEVELS, **levels}})


def test_all_tasks_of_a_raw_text_share_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    model, passes = model_of(), []
    forward = model.network.forward
    monkeypatch.setattr(model.network, "forward", lambda batch: passes.append(batch) or forward(batch))
    classes, marked = model.answers(["Ada (of Turin) doesn't live there."])
    assert len(passes) == 1
    assert set(classes) == {"topic"}
    assert set(marked) == {"ner", "nested", "pairs", "who"}


def test_more_words_than_the_model_reads_are_left_out() -> None:
    found = model_of().annotations(["Ada " * 200], ["ner"])["ner"][0]
    assert not len(found.rows) or found.rows[:, 1].max() <= 60


@pytest.mark.parametrize(
    ("levels", "fault"),
    [
        ({"a": {"parent": "c"}, "b": {}}, "there is no level 'c'"),
        ({"a": {"parent": "b"}, "b": {"parent": "a"}}, "no level can stand on itself"),
        ({"a": {"tasks": ["x"]}, "b": {"tasks": ["x"]}}, "'x' hangs on a level already"),
        ({"base": {}}, "what every level stands on"),
    ],
)
def test_levels_that_cannot_stand_are_refused(levels: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Hierarchical.model_validate({"name": "hierarchical", "levels": levels})


def test_vectors_of_texts_are_refused_with_a_reason() -> None:
    with pytest.raises(ConfigError, match="hierarchical has no one vector of a text"):
        model_of().embed(["Ada"])


@pytest.fixture
def bert(backbones: Callable[[str], Path]) -> tuple[Backbone, Vocabulary]:
    folder = backbones("bert")
    return read_backbone(folder), read_tokenizer(folder)


def test_a_text_within_one_window_has_the_states_of_the_encoder_itself(bert: tuple[Backbone, Vocabulary]) -> None:
    backbone, tokenizer = bert
    reader = WindowedBackbone(backbone, 0.0).eval()
    ids = tokenizer.encode([TEXTS[0]], TextOptions())[0]
    before, after = backbone.marks
    inside = torch.tensor(ids[len(before) : len(ids) - len(after)])
    with torch.no_grad():
        whole = reader.encoder(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.int64)).last_hidden_state
        found = reader(torch.nn.functional.pad(inside, (0, 3)).unsqueeze(0), torch.tensor([len(inside)]))
    torch.testing.assert_close(found[0, : len(inside)], whole[0, len(before) : len(ids) - len(after)])


def test_a_text_longer_than_the_encoder_reads_goes_through_in_windows(bert: tuple[Backbone, Vocabulary]) -> None:
    backbone, _ = bert
    reader = WindowedBackbone(backbone, 0.0).eval()
    room = (backbone.positions or 0) - reader.marks
    ids = torch.randint(5, 20, (1, 2 * room + 3))
    with torch.no_grad():
        found = reader(ids, torch.tensor([ids.shape[1]]))
        second = reader(ids[:, room : 2 * room], torch.tensor([room]))
        shorter = reader(ids, torch.tensor([room + 1]))
    torch.testing.assert_close(found[:, room : 2 * room], second)
    torch.testing.assert_close(shorter[:, :room], found[:, :room])
    assert not shorter[:, room + 1 :].any()


def test_a_model_on_a_backbone_is_saved_and_loaded_whole(bert: tuple[Backbone, Vocabulary], tmp_path: Path) -> None:
    backbone, tokenizer = bert
    torch.manual_seed(0)
    network = build_network(SECTION, TASKS, {"shared": backbone}).eval()
    model = Model(network, TASKS, {"shared": tokenizer}, SECTION, 60)
    save_model(model, tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    assert loaded.fingerprint() == model.fingerprint()
    before, after = numbers(model, TEXTS, NER), numbers(loaded, TEXTS, NER)
    assert all(np.array_equal(b.confidence, a.confidence) for b, a in zip(before, after, strict=True))


def beside(bert: tuple[Backbone, Vocabulary]) -> Model:
    """A model on a backbone whose words have vectors too."""
    backbone, tokenizer = bert
    section = Hierarchical.model_validate({**SECTION.model_dump(), "backbone": "some/encoder", "word_vectors": "words"})
    torch.manual_seed(0)
    network = build_network(section, TASKS, {"shared": backbone, "words": torch.randn(WORDS.size, 5)}).eval()
    return Model(network, TASKS, {"shared": tokenizer, "words": WORDS}, section, 60)


def test_vectors_beside_a_backbone_reach_the_word_they_belong_to(bert: tuple[Backbone, Vocabulary]) -> None:
    model = beside(bert)
    (_, batch), *_ = model._word_batches(TEXTS, "shared", SPACES, [NER], 64)
    assert batch.words is not None
    assert batch.words.beside is not None
    longest = [text.split() for text in sorted(TEXTS, key=lambda text: -len(text.split()))]
    assert [WORDS.pieces(words, SPACES) for words in longest] == [
        [[place] for place in row[: len(words)]] for row, words in zip(batch.words.beside.tolist(), longest, strict=True)
    ]
    table, rows = model.network.embeddings.tables["words"], batch.words.beside  # type: ignore[union-attr]
    found = model.network.base(batch)[:, :, bert[0].width : bert[0].width + 5]  # type: ignore[operator]
    torch.testing.assert_close(found, table(rows))


@given(place=st.integers(0, 3), others=st.lists(st.integers(0, 3), max_size=3))
@settings(deadline=None, max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_vectors_beside_a_backbone_leave_batch_mates_alone(bert: tuple[Backbone, Vocabulary], place: int, others: list[int]) -> None:
    model = beside(bert)
    alone, among = (numbers(model, [TEXTS[i] for i in chosen], NER)[0] for chosen in ([place], [place, *others]))
    assert np.array_equal(alone.rows, among.rows)
    np.testing.assert_allclose(alone.confidence, among.confidence, atol=1e-5)


def test_a_model_with_vectors_beside_its_backbone_is_saved_loaded_and_cut(bert: tuple[Backbone, Vocabulary], tmp_path: Path) -> None:
    model = beside(bert)
    save_model(model, tmp_path / "model")
    assert {path.name for path in (tmp_path / "model").glob("*tokenizer.json")} == {"shared.tokenizer.json", "words.tokenizer.json"}
    loaded = load_model(tmp_path / "model")
    assert loaded.fingerprint() == model.fingerprint()
    before, after = numbers(model, TEXTS, NER), numbers(loaded, TEXTS, NER)
    assert all(np.array_equal(b.confidence, a.confidence) for b, a in zip(before, after, strict=True))
    same_answers(model, without_task(loaded, "who"), ["ner", "nested", "pairs", "topic"])
