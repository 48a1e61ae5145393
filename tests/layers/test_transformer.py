"""What a user loses if these fail: a transformer that is not the published one, or that looks at padding."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from mtl_models.errors import ConfigError
from mtl_models.layers.positions import sinusoidal_positions
from mtl_models.layers.transformer import MultiHeadAttention, PositionedWords, Transformer

LENGTHS = st.lists(st.integers(1, 7), min_size=1, max_size=4)


@given(st.integers(1, 40), st.integers(1, 9))
@settings(deadline=None)
def test_positions_are_the_published_sines_for_any_length_and_dimension(positions: int, dimension: int) -> None:
    found = sinusoidal_positions(positions, dimension, torch.zeros((), dtype=torch.float64))
    assert found.shape == (positions, dimension)
    for place in range(positions):
        for column in range(dimension):
            angle = place / 10_000 ** ((column - column % 2) / dimension)
            assert found[place, column].item() == pytest.approx(math.cos(angle) if column % 2 else math.sin(angle), abs=1e-12)


def test_words_are_scaled_before_their_positions_are_added() -> None:
    words = torch.randn(2, 5, 9)
    expected = words * 3.0 + sinusoidal_positions(5, 9, words)
    torch.testing.assert_close(PositionedWords(0.5).eval()(words), expected)
    assert PositionedWords(0.5)(words).eq(0).float().mean().item() == pytest.approx(0.5, abs=0.2)


def _inputs(lengths: list[int], extra: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Seeded inputs, with large numbers on padding, so that whoever looks at it is found out."""
    x = torch.randn(len(lengths), max(lengths) + extra, 6, dtype=dtype, generator=torch.Generator().manual_seed(3))
    for row, length in enumerate(lengths):
        x[row, length:] = 1e3
    return x, torch.tensor(lengths)


def _copied(ours: Transformer, feedforward: int) -> nn.TransformerEncoder:
    """PyTorch's encoder with our weights."""
    layer = nn.TransformerEncoderLayer(6, ours.layers[0].attention.heads, feedforward, dropout=0.0, batch_first=True)
    theirs = nn.TransformerEncoder(layer, len(ours.layers), enable_nested_tensor=False).double()
    for one, other in zip(ours.layers, theirs.layers, strict=True):
        other.self_attn.in_proj_weight.data.copy_(one.attention.project.weight)
        other.self_attn.in_proj_bias.data.copy_(one.attention.project.bias)
        pairs = [
            (other.self_attn.out_proj, one.attention.out),
            (other.linear1, one.inner),
            (other.linear2, one.outer),
            (other.norm1, one.attention_norm),
            (other.norm2, one.feedforward_norm),
        ]
        for to, source in pairs:
            to.load_state_dict(source.state_dict())
    return theirs


def _shaken(transformer: Transformer) -> Transformer:
    """With biases and norms that are not 0 and 1."""
    with torch.no_grad():
        for parameter in transformer.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return transformer


@given(LENGTHS, st.integers(0, 3), st.integers(1, 3), st.sampled_from([1, 2, 3, 6]))
@settings(deadline=None, max_examples=30)
def test_equals_pytorchs_encoder_with_a_key_padding_mask(lengths: list[int], extra: int, layers: int, heads: int) -> None:
    torch.manual_seed(0)
    ours = _shaken(Transformer(6, layers, heads, 5).double())
    x, tensor = _inputs(lengths, extra)
    padding = torch.arange(x.shape[1]) >= tensor.unsqueeze(1)
    found, expected = ours(x, tensor), _copied(ours, 5)(x, src_key_padding_mask=padding)
    for row, length in enumerate(lengths):
        torch.testing.assert_close(found[row, :length], expected[row, :length], atol=1e-10, rtol=0)


@given(LENGTHS, st.integers(0, 3), st.sampled_from([1, 2, 3]))
@settings(deadline=None, max_examples=20)
def test_equals_the_equations_written_out(lengths: list[int], extra: int, heads: int) -> None:
    torch.manual_seed(1)
    transformer = _shaken(Transformer(6, 2, heads, 5).double())
    x, tensor = _inputs(lengths, extra)
    states, attention = transformer(x, tensor), transformer.attention(x, tensor)
    w = {name: weight.numpy() for name, weight in transformer.state_dict().items()}
    for row, length in enumerate(lengths):
        text = x[row, :length].numpy()
        for depth in range(2):
            text, weights = _layer({name.removeprefix(f"layers.{depth}."): weight for name, weight in w.items()}, text, heads)
            np.testing.assert_allclose(attention[depth][row, :, :length, :length].detach(), weights, atol=1e-10)
            assert attention[depth][row, :, :length, length:].eq(0).all()
        np.testing.assert_allclose(states[row, :length].detach(), text, atol=1e-10)


def _layer(w: dict[str, np.ndarray], x: np.ndarray, heads: int) -> tuple[np.ndarray, np.ndarray]:
    """One layer for one text, head by head and word by word; also its attention (heads, n, n)."""
    size = x.shape[1] // heads
    projected = x @ w["attention.project.weight"].T + w["attention.project.bias"]
    queries, keys, values = np.split(projected, 3, axis=1)
    weights, mixed = np.zeros((heads, len(x), len(x))), np.zeros_like(x)
    for head in range(heads):
        cut = slice(head * size, (head + 1) * size)
        for place in range(len(x)):
            scores = np.exp(keys[:, cut] @ queries[place, cut] / math.sqrt(size))
            weights[head, place] = scores / scores.sum()
            mixed[place, cut] = weights[head, place] @ values[:, cut]
    x = _normed(x + mixed @ w["attention.out.weight"].T + w["attention.out.bias"], w, "attention_norm")
    inner = np.maximum(0.0, x @ w["inner.weight"].T + w["inner.bias"])
    return _normed(x + inner @ w["outer.weight"].T + w["outer.bias"], w, "feedforward_norm"), weights


def _normed(x: np.ndarray, w: dict[str, np.ndarray], name: str) -> np.ndarray:
    centred = x - x.mean(axis=1, keepdims=True)
    return centred / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5) * w[f"{name}.weight"] + w[f"{name}.bias"]


def test_training_without_dropout_is_the_same_function_and_has_the_right_gradients() -> None:
    transformer = Transformer(6, 1, 2, 5, dropout=0.0).double()
    x, lengths = _inputs([3, 2], 1)
    x = x.clamp(-2, 2)
    assert transformer.train()(x, lengths).equal(transformer.eval()(x, lengths))
    assert torch.autograd.gradcheck(lambda x: transformer.train()(x, lengths)[0, :3], [x.requires_grad_()])


def test_dropout_reaches_the_attention_and_is_off_in_evaluation() -> None:
    transformer = Transformer(6, 1, 2, 5, dropout=0.5)
    x, lengths = _inputs([4], 0, torch.float32)
    attention = transformer.layers[0].attention
    mask = torch.ones(1, 4, dtype=torch.bool)
    assert not attention(x, mask).equal(attention(x, mask))
    transformer.eval()
    assert attention(x, mask).equal(attention(x, mask))
    assert transformer(x, lengths).equal(transformer(x, lengths))


@given(LENGTHS, st.integers(0, 3))
@settings(deadline=None, max_examples=20)
def test_training_with_a_dropout_that_drops_next_to_nothing_gives_what_evaluation_gives(lengths: list[int], extra: int) -> None:
    transformer = _shaken(Transformer(6, 2, 3, 5, dropout=1e-9).double())
    x, tensor = _inputs(lengths, extra)
    found, expected = transformer.train()(x, tensor), transformer.eval()(x, tensor)
    for row, length in enumerate(lengths):
        torch.testing.assert_close(found[row, :length], expected[row, :length], atol=1e-10, rtol=0)


def test_dropout_drops_its_share_of_the_attention_and_scales_up_the_rest() -> None:
    attention = MultiHeadAttention(32, 1, 0.25)
    torch.nn.init.eye_(attention.out.weight)
    with torch.no_grad():
        attention.project.weight.zero_()
        attention.project.weight[64:] = torch.eye(32)  # every value is its word, and every word looks at all alike
    found = attention(torch.eye(32).expand(50, 32, 32), torch.ones(50, 32, dtype=torch.bool)) * 32
    assert (found == 0.0).float().mean().item() == pytest.approx(0.25, abs=0.02)
    torch.testing.assert_close(found[found != 0.0], torch.full_like(found[found != 0.0], 4 / 3))


@pytest.mark.parametrize(
    ("dimension", "heads", "advice"), [(50, 4, "take 1 or 2 or 5, or"), (7, 2, "take 1, or"), (6, 4, "1 or 2 or 3 or 6")]
)
def test_heads_that_do_not_divide_the_vectors_are_refused_with_ones_that_do(dimension: int, heads: int, advice: str) -> None:
    with pytest.raises(ConfigError, match=rf"network\.transformer\.heads: {heads} heads .* {dimension} numbers; .*{advice}"):
        Transformer(dimension, 1, heads, 5)
