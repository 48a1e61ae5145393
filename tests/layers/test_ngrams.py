"""What a user loses if these fail: n-grams that reach into padding, or that mean something else in every batch."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mtl_models.layers.ngrams import NgramBag, ngram_hashes
from mtl_models.text.vocabulary import PAD

from batches import stirred

TEXTS = st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=6), min_size=1, max_size=5)
_MASK = 2**64 - 1


def _padded(texts: list[list[int]], extra: int = 0, filling: int = PAD) -> tuple[Tensor, Tensor, Tensor]:
    ids = torch.full((len(texts), max(map(len, texts)) + extra), filling)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = torch.tensor(text)
    return ids, torch.tensor([len(text) for text in texts]), torch.zeros(len(texts), dtype=torch.int64)


def _splitmix(state: int) -> int:
    """The finaliser of splitmix64 in whole numbers."""
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    state = (state ^ (state >> 27)) * 0x94D049BB133111EB & _MASK
    return state ^ (state >> 31)


def _hash(words: list[int], salt: int) -> int:
    state = salt
    for word in words:
        state = _splitmix((state + word * 0x9E3779B97F4A7C15) & _MASK)
    return state - 2**64 if state >> 63 else state


@given(TEXTS, st.integers(0, 3), st.integers(1, 4), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_the_hashes_are_those_of_the_ngrams_of_the_text_and_no_others(texts: list[list[int]], extra: int, max_n: int, salt: int) -> None:
    ids, lengths, salts = _padded(texts, extra)
    hashes, there = ngram_hashes(ids, lengths, salts + salt, max_n)
    for row, text in enumerate(texts):
        ngrams = [text[start : start + n] for n in range(1, max_n + 1) for start in range(len(text) - n + 1)]
        assert hashes[row][there[row]].tolist() == [_hash(ngram, salt) for ngram in ngrams]


@given(TEXTS, st.integers(0, 3), st.integers(1, 4))
@settings(deadline=None, max_examples=40)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-6)])
def test_a_text_alone_and_among_others_and_behind_any_padding(
    dtype: torch.dtype, tolerance: float, texts: list[list[int]], extra: int, max_n: int
) -> None:
    torch.manual_seed(0)
    bag = stirred(NgramBag(max_n, 64, 3)).to(dtype)
    together, padded = bag(*_padded(texts)), bag(*_padded(texts, extra, filling=5))
    for row, text in enumerate(texts):
        torch.testing.assert_close(together[row], bag(*_padded([text]))[0], atol=tolerance, rtol=0)
        torch.testing.assert_close(padded[row], together[row], atol=tolerance, rtol=0)


def test_order_and_vocabulary_tell_texts_apart() -> None:
    bag = stirred(NgramBag(2, 4096, 4))
    ids, lengths, salts = _padded([[3, 4, 5], [5, 4, 3], [3, 4, 5]])
    forth, back, other = bag(ids, lengths, salts + torch.tensor([0, 0, 7]))
    assert not forth.allclose(back)
    assert not forth.allclose(other)
    words_only = stirred(NgramBag(1, 4096, 4))
    forth, back, _ = words_only(ids, lengths, salts)
    assert forth.allclose(back)


def test_hashes_spread_evenly_over_the_buckets() -> None:
    """Neighbouring ids and their pairs; chi-squared of 256 buckets has mean 255 and deviation 22.6."""
    ids = torch.arange(1, 20_001).unsqueeze(0)
    hashes, _ = ngram_hashes(ids, torch.tensor([20_000]), torch.zeros(1, dtype=torch.int64), 2)
    for part in (hashes[0, :20_000], hashes[0, 20_000:]):
        assert part.unique().numel() == part.numel()
        for shift in (0, 8, 40):
            counts = torch.bincount((part >> shift) % 256, minlength=256).double()
            expected = part.numel() / 256
            assert 150 < ((counts - expected) ** 2 / expected).sum().item() < 370


@given(TEXTS)
@settings(deadline=None, max_examples=25)
def test_only_the_ngrams_of_the_texts_are_trained(texts: list[list[int]]) -> None:
    bag = NgramBag(2, 512, 3).double()
    bag(*_padded(texts, extra=2)).sum().backward()
    moved = set(bag.table.weight.grad.abs().sum(1).nonzero().flatten().tolist())
    ngrams = [[word] for text in texts for word in text] + [list(pair) for text in texts for pair in pairwise(text)]
    assert moved == {_hash(ngram, 0) % 512 for ngram in ngrams}


def test_ngrams_that_no_text_of_training_had_say_nothing() -> None:
    bag = NgramBag(2, 4096, 3)
    optimizer = torch.optim.AdamW(bag.parameters())
    for _ in range(3):
        bag(*_padded([[1, 2, 3]])).sum().backward()
        optimizer.step()
    seen, unseen = bag(*_padded([[1, 2, 3], [4, 5, 6]]))
    assert seen.ne(0).all()
    assert unseen.eq(0).all()


def test_dropout_in_training_only() -> None:
    bag = stirred(NgramBag(2, 64, 200, dropout=0.5))
    batch = _padded([[1, 2, 3]])
    assert 60 < bag(*batch).eq(0).sum().item() < 140
    assert bag.eval()(*batch).ne(0).all()
