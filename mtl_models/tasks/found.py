"""The answer to a text where a task's labels lie on words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["NOTHING", "Found"]


@dataclass(frozen=True)
class Found:
    """Annotations of one text, and how sure each is."""

    rows: NDArray[np.int32]
    """(M, W), as `corpora.annotations` says, sorted."""
    confidence: NDArray[np.float32]
    """(M,) probabilities."""


NOTHING = Found(np.empty((0, 0), dtype=np.int32), np.empty(0, dtype=np.float32))
"""Of a text that nobody has read yet."""
