"""What a user loses if these fail: attention that looks at padding, or a penalty that is not the published one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mtl_models.layers.self_attention import StructuredSelfAttention, attention_penalty

LENGTHS = st.lists(st.integers(1, 7), min_size=1, max_size=5)


def _states(lengths: list[int], extra: int, numbers: int = 4) -> tuple[Tensor, Tensor]:
    """Seeded float64 states, zero on padding, as the LSTM leaves them."""
    states = torch.randn(len(lengths), max(lengths) + extra, numbers, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    for row, length in enumerate(lengths):
        states[row, length:] = 0.0
    return states, torch.tensor(lengths)


@given(LENGTHS, st.integers(0, 3), st.integers(1, 5))
@settings(deadline=None, max_examples=40)
def test_equals_the_equations_written_out(lengths: list[int], extra: int, hops: int) -> None:
    torch.manual_seed(0)
    attention = StructuredSelfAttention(4, 3, hops).double()
    states, tensor = _states(lengths, extra)
    attended, weights = attention(states, tensor)
    first, second = (weight.detach().numpy() for weight in (attention.inner.weight, attention.outer.weight))
    for row, length in enumerate(lengths):
        text = states[row, :length].numpy()
        scores = second @ np.tanh(first @ text.T)
        expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(weights[row, :, :length].detach(), expected, atol=1e-12)
        np.testing.assert_allclose(attended[row].detach(), (expected @ text).reshape(-1), atol=1e-12)
        assert weights[row, :, length:].eq(0).all()


@given(LENGTHS, st.integers(0, 3), st.integers(1, 5), st.booleans())
@settings(deadline=None, max_examples=40)
def test_the_penalty_is_the_mean_over_texts_of_the_published_norm(lengths: list[int], extra: int, hops: int, squared: bool) -> None:
    attention = StructuredSelfAttention(4, 3, hops).double()
    weights = attention(*_states(lengths, extra))[1]
    norms = []
    for row in weights.detach().numpy():
        total = sum((row[i] @ row[j] - (i == j)) ** 2 for i in range(hops) for j in range(hops))
        norms.append(total if squared else total**0.5)
    assert attention_penalty(weights, squared).item() == pytest.approx(np.mean(norms), abs=1e-12)


def test_hops_that_each_look_at_one_word_of_their_own_cost_nothing_and_equal_hops_do() -> None:
    apart, alike = torch.eye(3).unsqueeze(0), torch.tensor([[[1.0, 0.0, 0.0]] * 3])
    assert attention_penalty(apart).item() == 0.0
    assert attention_penalty(alike).item() == 6.0  # the six products of different hops
    assert attention_penalty(alike, squared=False).item() == pytest.approx(6**0.5)


@pytest.mark.parametrize("squared", [True, False])
def test_the_gradient_is_finite_where_the_penalty_is_zero(squared: bool) -> None:
    """One hop over a text of one word: A is [[1]] whatever the weights."""
    attention = StructuredSelfAttention(4, 3, hops=1)
    weights = attention(torch.ones(1, 1, 4), torch.tensor([1]))[1]
    penalty = attention_penalty(weights, squared)
    penalty.backward()
    assert penalty.item() == 0.0
    assert all(bool(parameter.grad.isfinite().all()) for parameter in attention.parameters())


@pytest.mark.parametrize("squared", [True, False])
def test_the_gradients_are_right(squared: bool) -> None:
    attention = StructuredSelfAttention(4, 3, hops=2).double()
    states, lengths = _states([3, 2], 1)

    def loss(states: Tensor) -> Tensor:
        attended, weights = attention(states, lengths)
        return attended.sum() + attention_penalty(weights, squared)

    assert torch.autograd.gradcheck(loss, [states.requires_grad_()])


def test_the_penalty_keeps_its_precision_in_mixed_precision() -> None:
    weights = torch.rand(2, 4, 9, generator=torch.Generator().manual_seed(0)).softmax(2)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = attention_penalty(weights)
    assert mixed.dtype == torch.float32
    assert mixed.equal(attention_penalty(weights))
