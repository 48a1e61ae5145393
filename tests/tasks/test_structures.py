"""What a user loses if these fail: annotations that are not learnt, that follow the padding, or that were never in the text."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from mtl_models.corpora.annotations import WIDTHS, annotations_of
from mtl_models.errors import ConfigError
from mtl_models.layers.span_scorer import KeptSpans
from mtl_models.tasks.coreference import LinkScores
from mtl_models.tasks.kind import MISSING, kind_of, text_kind_of
from mtl_models.tasks.mentions import layers_of
from mtl_models.tasks.relations import WINDOW
from mtl_models.tasks.structure import Structure, structure_of
from mtl_models.tasks.task import Task

FEATURES = 12
LENGTHS = (12, 5, 1)
TASKS = {
    "tagging": Task("names", "tagging", ("person", "place")),
    "mentions": Task("mentions", "mentions", ("person", "place"), depth=3),
    "relations": Task("facts", "relations", ("lives", "kills")),
    "coreference": Task("same", "coreference", ("cluster",)),
}
GOLD = {
    "tagging": [[0, 2, 1, 2, 3, 0, 7, 11, 0], [4, 5, 1], []],
    "mentions": [[0, 8, 0, 1, 3, 1, 2, 3, 0, 5, 7, 0, 8, 9, 1], [0, 3, 0, 2, 5, 0], []],
    "relations": [[1, 2, 4, 5, 1, 4, 5, 1, 2, 0, 1, 2, 9, 10, 1], [0, 1, 3, 4, 0], []],
    "coreference": [[0, 2, 0, 3, 4, 1, 5, 6, 0, 7, 8, 1], [1, 2, 0, 4, 5, 0], []],
}
KINDS = sorted(TASKS)


def padded(kind: str, gold: list[list[int]]) -> torch.Tensor:
    """Annotations as they lie in a batch."""
    rows = annotations_of(gold, kind)
    labels = torch.full((len(gold), max(map(len, rows)) + 1, WIDTHS[kind]), MISSING)
    for row, of_text in enumerate(rows):
        labels[row, : len(of_text)] = torch.from_numpy(of_text)
    return labels


def mask_of(lengths=LENGTHS, words: int = max(LENGTHS)) -> torch.Tensor:
    return torch.arange(words) < torch.tensor(lengths)[:, None]


def found_rows(found) -> np.ndarray:
    rows = np.empty(len(found), dtype=object)
    for row, answer in enumerate(found):
        rows[row] = answer.rows
    return rows


@pytest.mark.parametrize("kind", KINDS)
def test_a_small_set_is_learnt_by_heart_and_every_weight_learns(kind: str) -> None:
    torch.manual_seed(1)
    structure = structure_of(TASKS[kind])
    head, states, labels = structure.head(FEATURES), nn.Parameter(torch.randn(3, 12, FEATURES)), padded(kind, GOLD[kind])
    optimizer = torch.optim.Adam([*head.parameters(), states], lr=0.02)
    losses = []
    for _ in range(120):
        optimizer.zero_grad()
        loss = structure.loss(head(states, mask_of()), labels)
        loss.backward()
        if not losses:
            assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in head.parameters())
            assert states.grad[~mask_of()].eq(0).all()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.05 * losses[0]
    found = structure.annotations(head.eval()(states, mask_of()))
    expected = annotations_of(GOLD[kind], kind)
    assert [answer.rows.tolist() for answer in found] == [sorted(rows.tolist()) for rows in expected]
    assert all(((answer.confidence > 0.5) & (answer.confidence <= 1)).all() for answer in found)
    assert all(answer.rows.dtype == np.int32 and answer.confidence.dtype == np.float32 for answer in found)
    measured = structure.metrics(expected, found_rows(found))
    assert measured["macro_f1"] == pytest.approx(1.0)


@pytest.mark.parametrize("kind", KINDS)
def test_loss_and_answers_do_not_depend_on_padding_or_on_other_texts(kind: str) -> None:
    torch.manual_seed(2)
    structure = structure_of(TASKS[kind])
    head, states, labels = structure.head(FEATURES).eval(), torch.randn(3, 12, FEATURES), padded(kind, GOLD[kind])
    wide = torch.cat([states, torch.randn(3, 7, FEATURES)], 1)
    one, other = head(states, mask_of()), head(wide, mask_of(words=19))
    torch.testing.assert_close(structure.loss(one, labels), structure.loss(other, labels))
    assert structure.plain_loss(one, labels) == structure.loss(one, labels)
    together = structure.annotations(other)
    for row, words in enumerate(LENGTHS):
        (alone,) = structure.annotations(head(states[row : row + 1, :words], mask_of((words,), words)))
        assert alone.rows.tolist() == together[row].rows.tolist()
        np.testing.assert_allclose(alone.confidence, together[row].confidence, atol=1e-4)
        assert (alone.rows[:, :2] <= words).all()


@pytest.mark.parametrize("kind", KINDS)
def test_annotations_behind_the_cut_count_nowhere(kind: str) -> None:
    torch.manual_seed(3)
    structure = structure_of(TASKS[kind])
    head, states = structure.head(FEATURES).eval(), torch.randn(3, 12, FEATURES)
    behind = {3: [40, 43, 0], 5: [1, 2, 40, 41, 0]}[WIDTHS[kind]]
    with_it = padded(kind, [GOLD[kind][0] + behind, *GOLD[kind][1:]])
    scored = head(states, mask_of())
    torch.testing.assert_close(structure.loss(scored, with_it), structure.loss(scored, padded(kind, GOLD[kind])))


@pytest.mark.parametrize("kind", KINDS)
def test_half_precision_states_give_single_precision_losses(kind: str) -> None:
    structure = structure_of(TASKS[kind])
    with torch.autocast("cpu", torch.bfloat16):
        scored = structure.head(FEATURES)(torch.randn(3, 12, FEATURES).bfloat16(), mask_of())
    loss = structure.loss(scored, padded(kind, GOLD[kind]))
    assert loss.dtype == torch.float32
    assert loss.isfinite()


def test_kinds_on_words_and_kinds_of_texts_are_told_apart() -> None:
    assert isinstance(kind_of(TASKS["tagging"]), Structure)
    assert not isinstance(kind_of(Task("mood", "single_label", ("a", "b"))), Structure)
    with pytest.raises(ConfigError, match=r"tasks\.mood\.kind.*tagging"):
        structure_of(Task("mood", "single_label", ("a", "b")))
    with pytest.raises(ConfigError, match=r"tasks\.names\.kind"):
        text_kind_of(TASKS["tagging"])


def test_spans_take_the_first_layer_that_is_free_from_the_outside_in() -> None:
    spans = np.array([[2, 3, 0], [0, 8, 0], [1, 3, 0], [5, 7, 1], [8, 9, 0], [6, 9, 0], [MISSING] * 3, [5, 7, 1], [20, 22, 0]])
    assert layers_of(spans, 10).tolist() == [2, 0, 1, 1, 0, 2, -1, -1, -1]
    crossing = np.array([[0, 5, 0], [3, 10, 0], [6, 8, 0], [9, 12, 0]])
    assert layers_of(crossing, 12).tolist() == [0, 1, 0, 0]


def test_mentions_too_deep_for_their_layers_are_left_out() -> None:
    torch.manual_seed(4)
    shallow = structure_of(Task("mentions", "mentions", ("person", "place"), depth=1))
    scored = shallow.head(FEATURES)(torch.randn(3, 12, FEATURES), mask_of())
    outer = padded("mentions", [[0, 8, 0, 8, 9, 1], [0, 3, 0], []])
    torch.testing.assert_close(shallow.loss(scored, padded("mentions", GOLD["mentions"])), shallow.loss(scored, outer))


def test_relations_are_scored_within_blocks_and_by_the_formula() -> None:
    torch.manual_seed(5)
    structure = structure_of(TASKS["relations"])
    words = WINDOW + 20
    head, states = structure.head(FEATURES), torch.randn(1, words, FEATURES)
    scored = head(states, mask_of((words,), words))
    i, j = 130, 140
    hidden = (head.of_head.weight @ states[0, i] + head.of_head.bias + head.of_tail.weight @ states[0, j]).relu()
    torch.testing.assert_close(scored.logits[0, 1, i - WINDOW, j - WINDOW], head.relations.weight @ hidden + head.relations.bias)
    across = padded("relations", [[0, 1, j, j + 1, 0]])
    torch.testing.assert_close(structure.loss(scored, across), structure.loss(scored, padded("relations", [[]])))
    within = padded("relations", [[i, i + 1, j, j + 1, 1]])
    gap = structure.loss(scored, padded("relations", [[]])) - structure.loss(scored, within)
    assert gap.item() * words == pytest.approx(scored.logits[0, 1, i - WINDOW, j - WINDOW, 1].item(), abs=5e-3)


def test_weights_of_relations_are_in_the_training_loss_only() -> None:
    torch.manual_seed(6)
    weighted = structure_of(Task("facts", "relations", ("lives", "kills"), class_weights=(1.0, 5.0)))
    plain = structure_of(TASKS["relations"])
    scored, labels = plain.head(FEATURES)(torch.randn(3, 12, FEATURES), mask_of()), padded("relations", GOLD["relations"])
    assert weighted.plain_loss(scored, labels) == plain.loss(scored, labels)
    assert weighted.loss(scored, labels) > plain.loss(scored, labels)


def test_mentions_alone_in_their_cluster_are_found_where_the_corpus_marks_them() -> None:
    torch.manual_seed(7)
    gold = [[0, 2, 0, 3, 4, 1, 5, 6, 0], [1, 2, 0], []]
    answers = {}
    for singletons in (True, False):
        structure = structure_of(Task("same", "coreference", ("cluster",), singletons=singletons))
        head, states = structure.head(FEATURES), nn.Parameter(torch.randn(3, 12, FEATURES))
        optimizer = torch.optim.Adam([*head.parameters(), states], lr=0.02)
        for _ in range(80):
            optimizer.zero_grad()
            structure.loss(head(states, mask_of()), padded("coreference", gold)).backward()
            optimizer.step()
        answers[singletons] = [answer.rows.tolist() for answer in structure.annotations(head.eval()(states, mask_of()))]
    assert answers[True] == [[[0, 2, 0], [3, 4, 1], [5, 6, 0]], [[1, 2, 0]], []]
    assert answers[False] == [[[0, 2, 0], [5, 6, 0]], [], []]


def test_chains_of_links_are_one_cluster_however_long() -> None:
    start = torch.arange(6).unsqueeze(0)
    kept = KeptSpans(start, start + 1, start < 5, torch.full((1, 6), -9.0), torch.zeros(1, 6, 1), torch.zeros(1, 6, 10))
    links = torch.full((1, 6, 2), -torch.inf)
    links[0, 1:4, 0] = torch.tensor([1.0, 2.0, 3.0])
    links[0, 4, 0], links[0, 5, 0] = -1.0, 5.0  # rather none; and one that is no span of the text
    before = (start - 1).clamp(min=0).unsqueeze(2).expand(-1, -1, 2)
    (found,) = structure_of(TASKS["coreference"]).annotations(LinkScores(kept, before, links))
    assert found.rows.tolist() == [[0, 1, 0], [1, 2, 0], [2, 3, 0], [3, 4, 0]]
    np.testing.assert_allclose(found.confidence, torch.tensor([1.0, 1.0, 2.0, 3.0]).sigmoid().numpy(), rtol=1e-6)


def test_a_text_that_is_not_annotated_at_all_has_a_finite_loss() -> None:
    for kind, task in TASKS.items():
        structure = structure_of(task)
        loss = structure.loss(structure.head(FEATURES)(torch.randn(3, 12, FEATURES), mask_of()), padded(kind, [[], [], []]))
        assert loss.isfinite(), kind
