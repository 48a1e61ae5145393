"""The prediction pipeline: a file of texts, answered by the version that serves, checked first and logged after."""

from __future__ import annotations

from zenml import pipeline

from steps.check_drift import check_drift
from steps.check_input import check_input
from steps.find_model import find_model
from steps.hooks import say_done
from steps.log_batch import log_batch
from steps.predict_batch import predict_batch
from steps.read_input import read_input

__all__ = ["prediction"]


@pipeline(on_success=say_done)
def prediction(
    path: str, column: str, fingerprint: str, model: str, tasks: list[str], limits: dict[str, float], refuse_drift: bool
) -> None:
    """Find the model, read, check, look for drift, answer, log.

    `fingerprint` is that of the bytes at `path`; `model` is an address in the registry, usually models:/NAME@champion; no `tasks` means
    all of them; `limits` go before those of the experiment's section `drift`.
    """
    answerer = find_model(model, tasks)
    texts = read_input(path, column, fingerprint)
    checks = check_input(texts, answerer)
    drift = check_drift(texts, answerer, checks, limits, refuse_drift)
    answers = predict_batch(texts, answerer, drift)
    log_batch(texts, column, answerer, checks, drift, answers)
