from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from mtl_models.evaluation.comparison import compare_candidates
from mtl_models.reports.content import RunReport
from mtl_models.reports.numbers import count, interval, score, signed, verdict
from mtl_models.reports.run_report import render_report
from mtl_models.training.convergence import convergence
from mtl_models.training.stopping import cross_table


@pytest.fixture(scope="module")
def page(run: RunReport) -> str:
    return render_report(run)


def test_the_page_is_well_formed_and_complete_in_itself(page: str, read_page: Any) -> None:
    read_page(page)
    assert len(page) < 400_000


def test_the_first_words_are_the_decision_and_the_mean_gain(page: str, run: RunReport, read_page: Any) -> None:
    mean = run.comparison.mean_transfer
    assert mean is not None
    head = read_page(page).text.split("Results", 1)[0]
    assert "The joint model is promoted to champion." in head
    assert f"{signed(mean.value)} {interval(mean)}" in head


def test_every_task_has_its_scores_transfer_and_verdict(page: str, run: RunReport) -> None:
    for task, found in run.comparison.tasks.items():
        (row,) = re.findall(rf'<tr><th scope="row">{task}</th><td class="n">240</td>.*?</tr>', page)
        for estimate in found.scores.values():
            assert f"{score(estimate.value)}<small>{interval(estimate)}</small>" in row
        assert found.transfer is not None
        assert signed(found.transfer.value) in row
        assert verdict(found.transfer) in row


def test_every_section_is_there_for_every_task(page: str, run: RunReport, read_page: Any) -> None:
    read = read_page(page)
    for section in ("results", "decision", "confusion", "calibration", "curves", "data", "validation", "sampling", "speed", "environment"):
        assert section in read.ids
    captions = read.text
    for task in run.experiment.tasks:
        assert f"{task}, test rows by class" in captions
        assert f"{task}: rows per class" in captions
        labels = [str(svg["aria-label"]) for svg in read.all("svg")]
        assert any(label.startswith(f"{task}: dev macro-F1") for label in labels)
        assert any(label.startswith(f"{task}: loss") for label in labels)
    for shown in ("TF-IDF, single", "TF-IDF, pooled", "12 duplicate but for case", "98.1%", "tweet-17", "would starve", "7.0%", "812"):
        assert shown in read.text
    for value in (*run.environment.values(), *run.lineage.values(), *(corpus.fingerprint for corpus in run.corpora.values())):
        assert value in read.text
    assert "2 rows of tweets that movie holds out" in read.text
    assert "learning_rate: 0.001" in page


def test_confusion_counts_stand_in_the_table(page: str, run: RunReport, read_page: Any) -> None:
    counts = run.comparison.tasks["movie"].measures["joint"].confusion
    table = page.split("movie, test rows by class", 1)[1].split("</table>", 1)[0]
    assert re.findall(r'--heat: [\d.]+">(\d+)<', table) == [str(cell) for row in counts for cell in row]
    heats = [float(heat) for heat in re.findall(r"--heat: ([\d.]+)", table)]
    assert heats == [pytest.approx(45 * cell / sum(row), abs=0.06) for row in counts for cell in row]


def test_a_text_of_the_corpus_does_not_run(page: str) -> None:
    assert "<script" not in page
    assert "&lt;script&gt;alert" in page


def test_hostile_names_are_escaped_everywhere(make_run: Any, read_page: Any) -> None:
    run = make_run({"mood": ("<script>a</script>", '"><b onload=x>')}, lineage={"<i>": "</code><script>"}, environment={"x": "<u>"})
    page = render_report(run)
    assert "<script" not in page
    read_page(page)


def test_a_losing_model_is_said_to_lose(make_run: Any, read_page: Any) -> None:
    run = make_run(gain=-0.25)
    read = read_page(render_report(run))
    assert "not promoted; it stays challenger" in read.text
    assert "▼ worse" in read.text
    assert "marked ✕" in read.text


def test_a_single_task_needs_no_mean_row(make_run: Any, read_page: Any) -> None:
    page = render_report(make_run({"mood": ("bad", "good", "neither")}))
    read_page(page)
    assert '<th scope="row">mean</th>' not in page


def test_the_champion_is_compared_where_there_was_one(make_run: Any, run: RunReport, read_page: Any) -> None:
    champion = run.comparison.model_copy(deep=True)
    for task in champion.tasks.values():
        task.scores["champion"], task.differences["champion"] = task.scores["twin"], task.differences["twin"]
    read = read_page(render_report(make_run(champion=champion)))
    assert "Joint minus the present champion" in read.text
    nothing_common = compare_candidates({}, {}, run.experiment.evaluation, 1)
    assert "present champion on the same" not in read_page(render_report(make_run(champion=nothing_common))).text


def test_a_run_without_dev_rows_still_has_a_report(make_run: Any, run: RunReport, read_page: Any) -> None:
    def without_dev(history: Any) -> Any:
        return history.model_copy(update={"epochs": [record.model_copy(update={"dev": {}}) for record in history.epochs]})

    changed = make_run(joint=without_dev(run.joint), twins={task: without_dev(twin) for task, twin in run.twins.items()})
    labels = [str(svg["aria-label"]) for svg in read_page(render_report(changed)).all("svg")]
    assert not any("dev macro-F1" in label for label in labels)
    assert any(label.startswith("tweets: loss") for label in labels)


def test_equal_runs_give_equal_pages(page: str, run: RunReport) -> None:
    assert render_report(RunReport.model_validate_json(run.model_dump_json())) == page


def test_a_run_that_lacks_a_task_is_refused(run: RunReport) -> None:
    twins = {task: history for task, history in run.twins.items() if task != "movie"}
    with pytest.raises(ValidationError, match="twins lacks the task movie"):
        RunReport.model_validate({**dict(run), "twins": twins})


def test_the_cross_table_tells_what_the_best_weights_of_one_task_give_the_others(page: str, run: RunReport) -> None:
    metric = run.experiment.training.metric
    table = page[page.index("with the best weights of each task") :].split("</table>")[0]
    for task, (epoch, found) in cross_table(run.joint.epochs, metric).items():
        row = next(row for row in table.split("<tr>") if f'<th scope="row">{task}</th><td class="n">{epoch}</td>' in row)
        assert all(f"{score:.3f}".lstrip("0") in row for score in found.values())


def test_the_report_says_how_soon_the_joint_model_was_as_good_as_each_twin(page: str, run: RunReport) -> None:
    table = page[page.index("<h3>How soon</h3>") :].split("</table>")[0]
    for task, found in convergence(run.joint, run.twins, run.experiment.training.metric).items():
        row = next(row for row in table.split("<tr>") if f'<th scope="row">{task}</th>' in row)
        assert f"{found.goal:.3f}".lstrip("0") in row
        assert count(found.twin.rows) in row
        assert (count(found.joint.rows) if found.joint else f"never; its best is {found.best:.3f}".replace("0.", ".")) in row
