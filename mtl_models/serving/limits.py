"""What one request, and all of them together, may ask of a server."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True)
class Limits:
    """Bounds of a request; what is over them is answered with 413, 422, 503 or 504 and the reason."""

    bytes: int = 1_000_000
    """Of a request's body: 413."""
    texts: int = 256
    """Texts of a request: 422."""
    characters: int = 20_000
    """Of a text: 422."""
    seconds: float = 30.0
    """From the first byte of a request to its answer: 408 where the body took them, 504 where the model did."""
    waiting: int = 4096
    """Texts that may wait for the model: 503."""
    explanations: int = 8
    """Texts that may wait to be explained: 503."""
    batch: int = 64
    """Texts that go through the encoder at once."""
    batch_wait: float = 0.004
    """Seconds that a text waits for others to share its pass."""
