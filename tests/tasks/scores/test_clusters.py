"""What a user loses if these fail: coreference scores that are not the published ones.

The cases with a letter and their scores are those that the reference scorer of the CoNLL shared tasks is held to; a letter is a mention.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_models.tasks.scores.scores import EVERY_KIND, scores_of, values

SCORES = scores_of("coreference", 1)
A = "a bc def"


def clusters(*texts: str) -> np.ndarray:
    found = np.empty(len(texts), dtype=object)
    for row, text in enumerate(texts):
        mentions = [(ord(letter), ord(letter) + 1, cluster) for cluster, group in enumerate(text.split()) for letter in group]
        found[row] = np.array(mentions, dtype=np.int32).reshape(-1, 3)
    return found


def measured(gold: str, found: str) -> dict[str, tuple[float, float]]:
    """Measure -> recall and precision."""
    sums = np.asarray(SCORES.parts(clusters(gold), clusters(found)).todense())[0].reshape(3, 2, 2)
    with np.errstate(invalid="ignore"):
        shares = np.nan_to_num(sums[:, :, 0] / sums[:, :, 1])
    return {name: tuple(pair) for name, pair in zip(("muc", "b_cubed", "ceaf_e"), shares, strict=True)}


@pytest.mark.parametrize(
    ("gold", "found", "muc", "b_cubed", "ceaf_e"),
    [
        pytest.param(A, "a bc def", (1, 1), (1, 1), (1, 1), id="A1"),
        pytest.param(A, "a de", (1 / 3, 1), (7 / 18, 1), (0.6, 0.9), id="A2"),
        pytest.param(A, "a bcx defy z", (1, 3 / 5), (1, 55 / 108), (0.88571, 0.66429), id="A3"),
        pytest.param(A, "a bcx dy z", (1 / 3, 1 / 3), (5 / 9, 17 / 42), (0.73333, 0.55), id="A4"),
        pytest.param(A, "a bcxB dy z", (1 / 3, 1 / 4), (5 / 9, 5 / 16), (0.68889, 0.51667), id="A5"),
        pytest.param(A, "a bcx dy Bz", (1 / 3, 1 / 4), (5 / 9, 17 / 48), (0.73333, 0.55), id="A6"),
        pytest.param(A, "a bcxb dy z", (1 / 3, 1 / 3), (5 / 9, 17 / 42), (0.73333, 0.55), id="A7, a mention twice"),
        pytest.param(A, "a b c d e f", (0, 0), (1 / 2, 1), None, id="A10"),
        pytest.param(A, "abcdef", (1, 3 / 5), (1, 14 / 36), None, id="A11"),
        pytest.param("12345 67 89ABC", "12345 6789ABC", (1, 9 / 10), (1, 16 / 21), None, id="D"),
        pytest.param("12345 67 89ABC", "1234589ABC 67", (1, 9 / 10), (1, 7 / 12), None, id="E"),
        pytest.param("1234", "12 34", (2 / 3, 1), None, None, id="F"),
        pytest.param("12 34", "1234", (1, 2 / 3), None, None, id="G"),
        pytest.param("123", "12", (1 / 2, 1), None, None, id="J"),
        pytest.param("123456", "123456", (1, 1), (1, 1), (1, 1), id="M1"),
        pytest.param("123456", "1 2 3 4 5 6", (0, 0), None, None, id="M2"),
        pytest.param("1 2 3 4 5 6", "1 2 3 4 5 6", (0, 0), (1, 1), (1, 1), id="N1"),
    ],
)
def test_published_cases(gold, found, muc, b_cubed, ceaf_e) -> None:
    expected = {"muc": muc, "b_cubed": b_cubed, "ceaf_e": ceaf_e}
    shares = measured(gold, found)
    for name, pair in expected.items():
        if pair is not None:
            assert shares[name] == pytest.approx(pair, abs=1e-5), name


def test_by_hand() -> None:
    # {ab}{cd} found as {abc}{d}: MUC keeps 1 of 2 links and found 1 right of 2.
    # B-cubed recall a, b 1; c 1/2; d 1/2: 3/4; precision a, b 2/3; c 1/3; d 1: 8/12.
    # CEAF-e: {ab}~{abc} 4/5, {cd}~{d} 2/3, in sum 22/15 over 2.
    found = values(SCORES, clusters("ab cd"), clusters("abc d"))
    assert found["muc"] == pytest.approx(1 / 2)
    assert found["b_cubed"] == pytest.approx(2 * (3 / 4) * (2 / 3) / (3 / 4 + 2 / 3))
    assert found["ceaf_e"] == pytest.approx(11 / 15)
    assert found["conll"] == pytest.approx((found["muc"] + found["b_cubed"] + found["ceaf_e"]) / 3)
    assert {found[name] for name in EVERY_KIND} == {found["conll"]}


@pytest.mark.parametrize(("gold", "found"), [("", ""), ("ab", ""), ("", "ab"), ("ab", "cd")])
def test_nothing_in_common_is_zero(gold: str, found: str) -> None:
    assert set(values(SCORES, clusters(gold), clusters(found)).values()) == {0.0}


def test_texts_add_up_before_they_are_divided() -> None:
    found = values(SCORES, clusters("abc", "de"), clusters("abc", ""))
    assert found["muc"] == pytest.approx(2 * (2 / 3) / (2 / 3 + 1))
    assert found["b_cubed"] == pytest.approx(2 * (3 / 5) / (3 / 5 + 1))
    assert found["ceaf_e"] == pytest.approx(2 * (1 / 2) / (1 / 2 + 1))


partitions = st.lists(st.integers(0, 3), min_size=1, max_size=8).map(
    lambda of: " ".join("".join(chr(97 + at) for at, cluster in enumerate(of) if cluster == one) for one in sorted(set(of)))
)


@given(partitions, partitions)
@settings(deadline=None, max_examples=60)
def test_gold_and_found_mirror_each_other(one: str, other: str) -> None:
    ahead, back = measured(one, other), measured(other, one)
    assert ahead == {name: pytest.approx(pair[::-1]) for name, pair in back.items()}
    assert all(0.0 <= share <= 1.0 + 1e-9 for pair in ahead.values() for share in pair)
    same = values(SCORES, clusters(one), clusters(one))
    assert same["b_cubed"] == same["ceaf_e"] == pytest.approx(1.0)
