"""validate_t: what must hold for a task's rows; a critical failure stops the run, warnings go to the report."""

from __future__ import annotations

from typing import Annotated

from zenml import step
from zenml.types import HTMLString

from mtl_models.config.corpus import Validation
from mtl_models.corpora.corpus import Corpus
from mtl_models.corpora.validation.validate import ValidationReport, raise_if_critical
from mtl_models.corpora.validation.validate import validate as check_rows
from mtl_models.errors import CorpusError
from mtl_models.files import writing_file
from mtl_models.home import home_folder
from mtl_models.reports.validation_page import render_validation
from steps.dependencies import depends_on, templates

__all__ = ["validate"]


@step(cache_policy=depends_on(__name__, *templates()))
def validate(
    task: str,
    corpus: Corpus,
    expected: Validation,
    suite_sha256: str,  # noqa: ARG001 (a changed suite file misses the cache)
) -> tuple[Annotated[ValidationReport, "validation_{task}"], Annotated[HTMLString, "validation_page_{task}"]]:
    """Run the expectations; raises `CorpusError` with the offending rows where a critical one fails."""
    report = check_rows(corpus, expected)
    page = render_validation(report)
    try:
        raise_if_critical(report)
    except CorpusError as error:
        kept = home_folder("reports") / f"validation_{task}.html"
        with writing_file(kept) as draft:
            draft.write_text(page, encoding="utf-8")
        raise CorpusError(f"{error}\nall checks: {kept}") from None
    html = HTMLString(page)
    return report, html
