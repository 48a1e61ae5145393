"""What a user loses if these fail: tags that no text could have, likelihoods that are none, answers that change with the padding."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_models.layers.crf import BioCrf, TagScores, best_tags, log_partition, marginals, path_scores
from mtl_models.layers.span_tags import spans_of_tags, tags_of_spans

LENGTHS = (4, 1, 3)
LAYERS = 2


def scores_of_texts(types: int, seed: int, positions: int = 4, spread: float = 3.0) -> TagScores:
    torch.manual_seed(seed)
    crf = BioCrf(5, types, LAYERS).double()
    with torch.no_grad():
        for weight in crf.parameters():
            weight.add_(spread * torch.randn_like(weight))
    mask = torch.arange(positions) < torch.tensor(LENGTHS)[:, None]
    states = torch.randn(3, 4, 5).double()
    more = torch.randn(3, positions - 4, 5).double()
    return crf(torch.cat([states, more], 1), mask)


def by_hand(scores: TagScores, text: int, layer: int) -> tuple[list[tuple[int, ...]], torch.Tensor]:
    """All tag sequences of a text, and their scores."""
    words, tags = LENGTHS[text], scores.emissions.shape[3]
    paths = list(itertools.product(range(tags), repeat=words))
    found = []
    for path in paths:
        total = scores.start[layer, path[0]] + scores.end[layer, path[-1]]
        total = total + sum(scores.emissions[text, layer, at, tag] for at, tag in enumerate(path))
        found.append(total + sum(scores.transitions[layer, before, after] for before, after in itertools.pairwise(path)))
    return paths, torch.stack(found)


@pytest.mark.parametrize("types", [1, 2])
def test_partition_marginals_and_best_path_are_those_of_all_paths(types: int) -> None:
    scores = scores_of_texts(types, seed=types)
    partition, probabilities, best = log_partition(scores), marginals(scores), best_tags(scores)
    for text, layer in itertools.product(range(3), range(LAYERS)):
        paths, totals = by_hand(scores, text, layer)
        assert partition[text, layer].item() == pytest.approx(totals.logsumexp(0).item(), abs=1e-9)
        assert tuple(best[text, layer, : LENGTHS[text]].tolist()) == paths[int(totals.argmax())]
        expected = torch.zeros_like(probabilities[text, layer])
        for path, share in zip(paths, totals.softmax(0), strict=True):
            expected[torch.arange(len(path)), torch.tensor(path)] += share
        torch.testing.assert_close(probabilities[text, layer], expected, atol=1e-9, rtol=0)


def test_score_of_a_path_is_the_sum_along_it() -> None:
    scores = scores_of_texts(2, seed=3)
    tags = torch.zeros(3, LAYERS, 4, dtype=torch.int64)
    for text, layer in itertools.product(range(3), range(LAYERS)):
        paths, totals = by_hand(scores, text, layer)
        some = int(totals.argmin()) if LENGTHS[text] == 1 else len(paths) // 3
        tags[text, layer, : LENGTHS[text]] = torch.tensor(paths[some])
        assert path_scores(scores, tags)[text, layer].item() == pytest.approx(totals[some].item())


def test_gradient_is_exact() -> None:
    scores = scores_of_texts(1, seed=5, spread=1.0)
    crf = BioCrf(2, 1, LAYERS)

    def partition(emissions, start, transitions, end):
        barred = transitions.masked_fill(~crf.may_follow, -torch.inf)
        return log_partition(TagScores(emissions, scores.mask, start.masked_fill(~crf.may_start, -torch.inf), barred, end))

    parts = (scores.emissions, torch.randn(LAYERS, 3), torch.randn(LAYERS, 3, 3), torch.randn(LAYERS, 3))
    assert torch.autograd.gradcheck(partition, tuple(part.detach().double().requires_grad_() for part in parts))


def test_padding_changes_nothing() -> None:
    short, long = scores_of_texts(2, seed=7), scores_of_texts(2, seed=7, positions=9)
    torch.testing.assert_close(log_partition(short), log_partition(long))
    torch.testing.assert_close(marginals(short), marginals(long)[:, :, :4])
    assert marginals(long)[:, :, 4:].eq(0).all()
    assert best_tags(short).equal(best_tags(long)[:, :, :4])
    assert best_tags(long)[:, :, 4:].eq(0).all()


@given(st.integers(0, 2**31), st.integers(1, 4), st.floats(0, 60))
@settings(deadline=None, max_examples=20)
def test_answers_are_valid_bio_and_likelihoods_below_one_whatever_the_scores(seed: int, types: int, spread: float) -> None:
    scores = scores_of_texts(types, seed, spread=spread)
    best = best_tags(scores)
    assert (path_scores(scores, best) <= log_partition(scores) + 1e-6 * (1 + spread)).all()
    chains = best.flatten(0, 1).numpy()
    before = np.concatenate([np.zeros((len(chains), 1), dtype=int), chains[:, :-1]], axis=1)
    inside = chains > types
    assert ((before > 0) & ((before - chains) % types == 0))[inside].all()
    torch.testing.assert_close(marginals(scores).sum(3), scores.mask[:, None].double().expand(-1, LAYERS, -1))


def test_all_its_weights_learn() -> None:
    crf = BioCrf(3, 2, LAYERS)
    log_partition(crf(torch.randn(2, 5, 3), torch.ones(2, 5, dtype=torch.bool))).sum().backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in crf.parameters())


@st.composite
def spans_apart(draw):
    """Words, and spans (M, 3) of two types that do not overlap, in any order."""
    words = draw(st.integers(1, 12))
    borders = sorted(draw(st.sets(st.integers(0, words), max_size=8)))
    pairs = [(low, high, draw(st.integers(0, 1))) for low, high in itertools.pairwise(borders) if draw(st.booleans())]
    return words, draw(st.permutations(pairs))


@given(st.lists(spans_apart(), min_size=1, max_size=4))
@settings(deadline=None)
def test_spans_come_back_from_their_tags(texts) -> None:
    most = max(words for words, _ in texts)
    spans = torch.full((len(texts), max(1, *(len(found) for _, found in texts), 1), 3), -100)
    for row, (_, found) in enumerate(texts):
        if found:
            spans[row, : len(found)] = torch.tensor(found)
    mask = torch.arange(most) < torch.tensor([words for words, _ in texts])[:, None]
    tags = tags_of_spans(spans, torch.zeros_like(spans[:, :, 0]), mask, 1, 2)
    expected = sorted((row, *span) for row, (_, found) in enumerate(texts) for span in found)
    assert [tuple(span) for span in spans_of_tags(tags[:, 0].numpy(), 2).tolist()] == expected


def test_spans_that_were_cut_off_are_left_out() -> None:
    spans = torch.tensor([[[0, 2, 0], [2, 5, 1], [7, 9, 0]]])
    mask = torch.tensor([[True, True, True, True, False]])
    assert tags_of_spans(spans, torch.zeros(1, 3, dtype=torch.int64), mask, 1, 2).tolist() == [[[1, 3, 0, 0, 0]]]
