"""The page of one corpus's validation: readable offline, on a phone, in the ZenML dashboard and in MLflow."""

from __future__ import annotations

from mtl_models.corpora.validation.report import ValidationReport
from mtl_models.reports.templates import render_html

__all__ = ["render_validation"]


def render_validation(report: ValidationReport) -> str:
    """One self-contained HTML page."""
    return render_html("validation.html.jinja", report=report)
