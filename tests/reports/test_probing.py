"""What a user loses if these fail: a finding that the numbers beside it do not bear out, or a page that does not open offline."""

from __future__ import annotations

import re

import pytest

from mtl_models.evaluation.bootstrap import Estimate
from mtl_models.evaluation.probing.report import ProbedTask, ProbingReport, Reading
from mtl_models.reports.probing import ProbingPage, finding, render_probing


def around(value: float, width: float = 0.02) -> Estimate:
    return Estimate(value=value, low=value - width, high=value + width)


def probed(base: float, low: float, words: float = 0.7) -> ProbedTask:
    readings = [
        Reading(
            level=level,
            pooling=pooling,
            accuracy=around(value - (pooling == "max") * 0.05),
            over_baseline=around(value - words),
            over_base=None if level == "base" else around(value - base),
        )
        for level, value in (("base", base), ("low", low))
        for pooling in ("mean", "max")
    ]
    return ProbedTask(
        name="tense",
        asks="what <tense> it has",
        classes=("past", "present"),
        train=1400,
        test=600,
        majority=around(0.5),
        baselines={"length": around(0.55), "words": around(words)},
        readings=tuple(readings),
    )


MORE, LESS, UNSURE = (f"; {told} a bag of words tells" for told in ("more than", "less than", "not clearly more than"))


@pytest.mark.parametrize(
    ("task", "said"),
    [
        (probed(0.8, 0.9), f"is read best from level low: .900 [.880, .920], +.100 over the base [.080, .120]{MORE} (.700)"),
        (
            probed(0.8, 0.81),
            f"is read best from level low: .810 [.790, .830], +.010, which may be chance, over the base [-.010, .030]{MORE} (.700)",
        ),
        (probed(0.8, 0.75, 0.79), f"is read best from the base: .800 [.780, .820]{UNSURE} (.790)"),
        (probed(0.6, 0.7, 0.9), f"is read best from level low: .700 [.680, .720], +.100 over the base [.080, .120]{LESS} (.900)"),
        (probed(0.5, 0.51), "cannot be told from guessing on any level: .510 [.490, .530] at best, where guessing gives .500"),
    ],
)
def test_a_finding_says_what_the_intervals_allow(task: ProbedTask, said: str) -> None:
    assert finding(task, "mean").replace("\N{MINUS SIGN}", "-") == f"tense {said}"


def test_the_page_is_whole_in_itself_and_names_what_is_left_out() -> None:
    found = ProbingReport(
        levels=("base", "low"),
        poolings=("mean", "max"),
        tasks=(probed(0.8, 0.9),),
        left_out={"odd_word": "it needs <a column>"},
        corpora=("ner",),
        sentences=5338,
        rows=2000,
        seed=13,
        resamples=1000,
        confidence=0.95,
    )
    shown = render_probing(ProbingPage(model="models:/a&b@champion", fingerprint="f" * 64, found=found, made="now"))
    assert "What models:/a&amp;b@champion encodes" in shown
    assert "<li>Tense is read best from level low: .900" in shown
    assert 'class="right" style="--heat: 48.0">.900<small>[.880, .920]</small><small>max .850</small>' in shown
    assert "left out: it needs &lt;a column&gt;" in shown
    assert "what &lt;tense&gt; it has" in shown
    assert "5,338 sentences that ner holds out" in shown
    assert shown.count("<svg") == 1
    assert "http" not in shown.replace("http-equiv", "").replace("http://www.w3.org", "")
    assert len(re.findall(r'id="([^"]+)"', shown)) == len(set(re.findall(r'id="([^"]+)"', shown)))
