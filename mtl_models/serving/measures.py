"""What Prometheus reads at /metrics. Every server has a registry of its own."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from mtl_models.serving.served import Served

__all__ = ["Measures"]

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_TEXTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Measures:
    """Counters and histograms of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("polytask_requests", "Requests answered.", ["path", "method", "status"], registry=self.registry)
        self.seconds = Histogram(
            "polytask_request_seconds", "From a request to its answer.", ["path"], buckets=_SECONDS, registry=self.registry
        )
        self.texts = Counter("polytask_texts", "Texts answered.", ["path", "part"], registry=self.registry)
        self.batches = Histogram("polytask_batch_texts", "Texts of a pass of the model.", buckets=_TEXTS, registry=self.registry)
        self.waiting = Gauge("polytask_waiting_texts", "Texts that wait for the model or are in it.", registry=self.registry)
        self.reloads = Counter("polytask_reloads", "Attempts to take a new version.", ["part", "outcome"], registry=self.registry)
        self.model = Gauge(
            "polytask_model", "1 for every model that serves.", ["part", "name", "version", "fingerprint"], registry=self.registry
        )

    def show_models(self, models: Mapping[str, Served]) -> None:
        """Say which models serve."""
        self.model.clear()
        for part, served in models.items():
            self.model.labels(part, served.name, served.version or "", served.fingerprint).set(1)

    def exposition(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self.registry)
