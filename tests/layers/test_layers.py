"""What a user loses if these fail: predictions that change with the padding, i.e. with what else is in the batch."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from mtl_models.errors import ConfigError
from mtl_models.layers.by_name import ModulesByName
from mtl_models.layers.dropout import Dropout, LockedDropout
from mtl_models.layers.embeddings import Embeddings
from mtl_models.layers.lstm import MaskedLstm
from mtl_models.layers.masks import of_like_length, reverse_each, text_mask
from mtl_models.layers.pooling import Pooling, last_state, max_state, mean_state

LENGTHS = st.lists(st.integers(1, 7), min_size=1, max_size=5)


def _states(lengths: list[int], numbers: int, extra: int = 0) -> tuple[Tensor, Tensor]:
    """Seeded float64 states; padding is full of NaN, so that whoever looks at it is found out."""
    states = torch.randn(len(lengths), max(lengths) + extra, numbers, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    for row, length in enumerate(lengths):
        states[row, length:] = torch.nan
    return states, torch.tensor(lengths)


@given(LENGTHS, st.integers(0, 3))
@settings(deadline=None)
def test_mask_and_reversal_against_a_loop(lengths: list[int], extra: int) -> None:
    states, tensor = _states(lengths, 2, extra)
    mask, reverse = text_mask(tensor, states.shape[1]), reverse_each(states, tensor)
    for row, length in enumerate(lengths):
        assert mask[row].tolist() == [True] * length + [False] * (states.shape[1] - length)
        for position in range(length):
            assert reverse[row, position].equal(states[row, length - 1 - position])
    torch.testing.assert_close(reverse_each(reverse, tensor), states, equal_nan=True)


@given(st.lists(st.integers(1, 500), min_size=1, max_size=40))
@settings(deadline=None)
def test_groups_of_like_length_hold_every_text_once_and_little_padding(lengths: list[int]) -> None:
    groups = [[lengths[place] for place in group.tolist()] for group in of_like_length(torch.tensor(lengths))]
    assert sorted(length for group in groups for length in group) == sorted(lengths)
    assert all(group and (max(group) < 64 or max(group) <= 2 * min(group)) for group in groups)
    assert len(groups) <= 1 or max(lengths) > min(lengths)
    assert len(groups) <= 4  # 500, 250, 125, 62


@given(LENGTHS, st.integers(0, 3))
@settings(deadline=None)
def test_pooling_against_a_loop(lengths: list[int], extra: int) -> None:
    states, tensor = _states(lengths, 4, extra)
    for row, length in enumerate(lengths):
        text = states[row, :length]
        torch.testing.assert_close(max_state(states, tensor)[row], text.max(0).values)
        torch.testing.assert_close(mean_state(states, tensor)[row], sum(text) / length)
        assert last_state(states, tensor)[row].equal(text[-1])
        assert last_state(states, tensor, 2)[row].equal(torch.cat([text[-1, :2], text[0, 2:]]))


def test_pooling_concatenates_in_the_order_asked_for() -> None:
    states, lengths = _states([2, 3], 4)
    pooled = Pooling(("mean", "last", "max"), directions=2)(states, lengths)
    assert pooled.equal(torch.cat([mean_state(states, lengths), last_state(states, lengths, 2), max_state(states, lengths)], 1))


@given(LENGTHS, st.integers(0, 3), st.integers(1, 3), st.booleans())
@settings(deadline=None, max_examples=30)
def test_lstm_equals_packed_sequences(lengths: list[int], extra: int, layers: int, bidirectional: bool) -> None:
    torch.manual_seed(0)
    ours = MaskedLstm(3, 4, layers, bidirectional).double()
    theirs = nn.LSTM(3, 4, layers, batch_first=True, bidirectional=bidirectional).double()
    _copy(ours, theirs)
    x, tensor = _states(lengths, 3, extra)
    x = x.nan_to_num(7.0)
    packed = nn.utils.rnn.pack_padded_sequence(x, tensor, batch_first=True, enforce_sorted=False)
    expected, (last, _) = theirs(packed)
    expected, _ = nn.utils.rnn.pad_packed_sequence(expected, batch_first=True, total_length=x.shape[1])
    states = ours(x, tensor)
    torch.testing.assert_close(states, expected, atol=1e-12, rtol=0)
    final = torch.cat(list(last[-2:] if bidirectional else last[-1:]), dim=1)
    torch.testing.assert_close(last_state(states, tensor, ours.directions), final, atol=1e-12, rtol=0)


def _copy(ours: MaskedLstm, theirs: nn.LSTM) -> None:
    for stack, suffix in ((ours.ahead, ""), (ours.back, "_reverse")):
        for depth, layer in enumerate(stack):
            for name, weight in layer.named_parameters():
                getattr(theirs, name.replace("_l0", f"_l{depth}") + suffix).data.copy_(weight)


def test_a_row_is_embedded_in_its_own_vocabulary() -> None:
    matrices = {"en": torch.arange(6.0).reshape(3, 2), "hi": -torch.arange(10.0).reshape(5, 2)}
    embeddings = Embeddings(matrices, {"a": "en", "b": "hi", "c": "hi"}, trainable=True)
    ids = torch.tensor([[1, 2], [4, 0], [2, 1]])
    rows = {"a": torch.tensor([0, 2]), "b": torch.tensor([1]), "c": torch.tensor([1])}
    vectors = embeddings(ids, rows)
    assert vectors.tolist() == [[[2, 3], [4, 5]], [[-8, -9], [0, 0]], [[4, 5], [2, 3]]]
    vectors.sum().backward()
    gradients = {name: table.weight.grad for name, table in embeddings.tables.items()}
    assert gradients["en"].tolist() == [[0, 0], [2, 2], [2, 2]]
    assert gradients["hi"].tolist() == [[0, 0]] * 4 + [[1, 1]]  # asked for by two tasks, counted once; nothing for padding
    assert embeddings(ids[1:2], {"b": torch.tensor([0])}).equal(vectors[1:2])


def test_the_callers_matrix_is_left_alone_and_a_frozen_table_is_not_trained() -> None:
    matrix = torch.ones(3, 2)
    frozen = Embeddings({"en": matrix}, {"a": "en"}, trainable=False)
    assert matrix[0].tolist() == [1, 1]
    assert frozen.tables["en"].weight[0].tolist() == [0, 0]
    assert not any(parameter.requires_grad for parameter in frozen.parameters())
    assert list(frozen.state_dict()) == ["tables.en.weight"]


def test_vectors_of_different_dimension_are_refused() -> None:
    with pytest.raises(ConfigError, match="one dimension everywhere, found en 2, hi 3"):
        Embeddings({"en": torch.ones(3, 2), "hi": torch.ones(3, 3)}, {"a": "en", "b": "hi"}, trainable=True)


@pytest.mark.parametrize("name", ["type", "keys", "half", "training", "forward", "state_dict", "sentiment"])
def test_a_task_may_have_any_name(name: str) -> None:
    modules = ModulesByName()
    modules[name] = nn.Linear(2, 2)
    assert list(modules.state_dict()) == [f"{name}.weight", f"{name}.bias"]
    assert modules[name] is next(iter(modules.values()))
    assert modules.double()[name].weight.dtype == torch.float64
    with pytest.raises(KeyError, match="dot"):
        modules[f"{name}.x"] = nn.Identity()


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9, 0.999999])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_dropout_drops_the_share_asked_for_and_keeps_the_mean(rate: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x = torch.ones(50, 70, 101, dtype=dtype, requires_grad=True)
    dropped = Dropout(rate)(x)
    assert dropped.dtype == dtype
    assert dropped.eq(0).float().mean().item() == pytest.approx(rate, abs=0.005)
    assert dropped.detach().unique().numel() <= 2
    if rate < 0.99:
        assert dropped.float().mean().item() == pytest.approx(1.0, abs=0.02)
    dropped.sum().backward()
    assert x.grad is not None
    assert x.grad.equal(dropped)


def test_dropout_is_drawn_anew_follows_the_seed_and_is_off_in_evaluation() -> None:
    dropout, x = Dropout(0.5), torch.ones(7, 3)
    torch.manual_seed(1)
    first, second = dropout(x), dropout(x)
    torch.manual_seed(1)
    assert dropout(x).equal(first)
    assert not first.equal(second)
    assert dropout(torch.ones(0, 3)).shape == (0, 3)
    assert dropout.eval()(x) is x


def test_locked_dropout_drops_the_same_numbers_at_every_position_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    dropout = LockedDropout(0.25)
    dropped = dropout(torch.ones(400, 3, 5))
    assert dropped.eq(dropped[:, :1]).all()
    assert set(dropped.unique().tolist()) == {0.0, torch.tensor(1 / 0.75).item()}
    assert dropped.mean().item() == pytest.approx(1.0, abs=0.06)
    assert dropout.eval()(dropped) is dropped
