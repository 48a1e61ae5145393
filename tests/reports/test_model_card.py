from __future__ import annotations

from typing import Any

import pytest

from mtl_models.reports.content import RunReport
from mtl_models.reports.model_card import render_card
from mtl_models.reports.numbers import interval, score


@pytest.fixture(scope="module")
def card(run: RunReport) -> str:
    return render_card(run)


def test_the_card_has_its_sections(card: str) -> None:
    headings = [line.removeprefix("## ") for line in card.splitlines() if line.startswith("## ")]
    assert headings == ["Intended use", "Data", "Training", "Evaluation", "Limitations", "How to load", "Lineage"]
    assert card.startswith("# polytask-demo\n")


def test_every_task_has_classes_source_and_scores(card: str, run: RunReport) -> None:
    for task, found in run.comparison.tasks.items():
        rows = [line for line in card.splitlines() if line.startswith(f"| {task} |")]
        assert any("negative, positive" in row for row in rows)
        assert any("| unknown |" in row for row in rows)
        joint = found.scores["joint"]
        assert any(f"{score(joint.value)} {interval(joint)}" in row for row in rows)
        assert run.corpora[task].fingerprint in card


def test_tables_are_whole(card: str) -> None:
    """Every block of table lines has one number of columns, or a reader shows it as text."""
    block: list[int] = []
    for line in [*card.splitlines(), ""]:
        if line.startswith("|"):
            block.append(line.replace("\\|", "").count("|"))
        else:
            assert len(set(block)) <= 1
            assert len(block) != 1
            block = []


def test_loading_names_the_registered_version(card: str) -> None:
    assert 'polytask predict --model models:/polytask-demo/3 "love this phone"' in card
    assert 'mlflow.pyfunc.load_model("models:/polytask-demo/3")' in card


def test_what_people_wrote_cannot_break_the_markdown(make_run: Any) -> None:
    run = make_run({"mood": ("a|b", "<script>x</script>\n# no heading", "*c*")})
    card = render_card(run)
    assert "<script>" not in card
    assert "a\\|b" in card
    assert "\n# no heading" not in card
    test_tables_are_whole(card)


def test_weak_spots_and_warnings_are_told(card: str) -> None:
    limits = card.split("## Limitations")[1].split("## ")[0]
    assert "tweets: weakest on the class" in limits
    assert "usual text length" in limits
