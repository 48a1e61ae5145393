"""Artifacts in a store elsewhere: who runs on S3 would lose a run half-way if folders came back without what lies deeper in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from zenml.enums import ArtifactType
from zenml.io.filesystem_registry import default_filesystem_registry
from zenml.io.local_filesystem import LocalFilesystem

from steps.materializers.folder import FolderMaterializer

FILES = {"config.json": "{}", "joint/000.films.parquet": "rows", "twin/deeper/001.phones.parquet": "more rows"}


class Tree(FolderMaterializer):
    """Relative path -> text, as files."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (dict,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA
    SKIP_REGISTRATION: ClassVar[bool] = True

    def write(self, value: dict[str, str], folder: Path) -> None:
        for name, text in value.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)

    def read(self, folder: Path) -> dict[str, str]:
        return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}

    def fingerprint(self, value: dict[str, str]) -> str:
        return str(value)


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[str]:
    """The address of a bucket whose objects lie in a folder here."""

    def here(path: Any) -> str:
        return str(path).replace("s3://bucket", str(tmp_path / "bucket"))

    class Bucket(LocalFilesystem):
        SUPPORTED_SCHEMES: ClassVar[set[str]] = {"s3://"}
        copyfile = staticmethod(lambda source, target, overwrite=False: LocalFilesystem.copyfile(here(source), here(target), overwrite))

    def opened(path: Any, mode: str = "r") -> Any:
        if "w" in mode:  # a store has no folders to be made first
            Path(here(path)).parent.mkdir(parents=True, exist_ok=True)
        return LocalFilesystem.open(here(path), mode)

    Bucket.open = staticmethod(opened)  # type: ignore[method-assign]
    for name in ("exists", "isdir", "listdir", "makedirs", "mkdir"):
        plain = getattr(LocalFilesystem, name)
        setattr(Bucket, name, staticmethod(lambda path, *words, plain=plain, **options: plain(here(path), *words, **options)))
    before = dict(default_filesystem_registry._filesystems)
    default_filesystem_registry.register(Bucket)
    yield "s3://bucket"
    default_filesystem_registry._filesystems = before


def test_a_folder_comes_back_whole_from_a_store_elsewhere(bucket: str):
    artifact = Tree(uri=f"{bucket}/evaluate/predictions")
    artifact.save(FILES)
    assert artifact.load(dict) == FILES
    assert artifact.load(dict) == FILES, "from the copy below the home folder"
