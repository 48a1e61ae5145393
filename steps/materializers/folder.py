"""Artifacts that are a folder of plain files: parquet, safetensors, JSON. No pickle."""

from __future__ import annotations

import hashlib
import json
import tempfile
from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from zenml.enums import ArtifactType
from zenml.io import fileio
from zenml.materializers.base_materializer import BaseMaterializer
from zenml.utils import io_utils

from mtl_models.files import writing_folder
from mtl_models.home import home_folder

__all__ = ["FolderMaterializer"]

_LIST = "files.json"


class FolderMaterializer(BaseMaterializer):
    """Saves a value as a folder in the artifact store; a store elsewhere is copied below the home folder once, to be read from there."""

    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA
    SKIP_REGISTRATION: ClassVar[bool] = True

    @abstractmethod
    def write(self, value: Any, folder: Path) -> None:
        """Write `value` as files below `folder`, which does not exist yet."""

    @abstractmethod
    def read(self, folder: Path) -> Any:
        """Read what `write` wrote."""

    @abstractmethod
    def fingerprint(self, value: Any) -> str:
        """A text that tells contents apart: equal content lets the steps behind be cached."""

    def save(self, data: Any) -> None:
        """Write the files to the artifact store."""
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "content"
            self.write(data, folder)
            if io_utils.is_remote(self.uri):
                self._send(folder)
            else:
                io_utils.copy_dir(str(folder), self.uri)

    def load(self, data_type: type[Any]) -> Any:  # noqa: ARG002 (ZenML's signature)
        """Read the files, in place where they are local."""
        if not io_utils.is_remote(self.uri):
            return self.read(Path(self.uri))
        copy = home_folder("cache", "artifacts") / hashlib.sha256(self.uri.encode()).hexdigest()[:32]
        if not copy.exists():
            with writing_folder(copy) as draft:
                self._fetch(draft)
        return self.read(copy)

    def _send(self, folder: Path) -> None:
        """Copy every file, then the list of them: an object store has no folders, and what it says of them cannot be relied on."""
        names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        for name in names:
            fileio.copy(str(folder / name), f"{self.uri}/{name}", overwrite=True)
        io_utils.write_file_contents_as_string(f"{self.uri}/{_LIST}", json.dumps(names))

    def _fetch(self, folder: Path) -> None:
        for name in json.loads(io_utils.read_file_contents_as_string(f"{self.uri}/{_LIST}")):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            fileio.copy(f"{self.uri}/{name}", str(path))

    def compute_content_hash(self, data: Any) -> str:
        """The fingerprint, hashed to a length that ZenML takes."""
        return hashlib.sha256(f"{type(self).__name__} {self.fingerprint(data)}".encode()).hexdigest()
