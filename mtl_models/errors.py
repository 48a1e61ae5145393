"""Errors a user can act on: each names the file, row, column or key, and says what to do next.

The command line prints the message alone and exits with code 2; anything else is a fault of ours and keeps its traceback.
"""

from __future__ import annotations

__all__ = ["ConfigError", "CorpusError", "DriftError", "ModelFolderError", "PolytaskError", "TrackingError", "VectorsError", "WorkerError"]


class PolytaskError(Exception):
    """Something the user can mend."""


class ConfigError(PolytaskError):
    """An experiment file, or an option, is wrong."""


class CorpusError(PolytaskError):
    """A corpus cannot be fetched, read, labelled or split, or fails a critical expectation."""


class DriftError(PolytaskError):
    """Texts to answer are further from those that the model was trained on than the limits allow, and that was to be refused."""


class VectorsError(PolytaskError):
    """A file of word vectors is corrupt, truncated or of the wrong dimension."""


class ModelFolderError(PolytaskError):
    """A model folder is missing, damaged, or of another version."""


class TrackingError(PolytaskError):
    """MLflow cannot be reached or refuses."""


class WorkerError(PolytaskError):
    """A process of a training in several of them has died, or cannot be reached any more."""
