"""Nothing is half-written: a file or folder appears whole, or what was there stays."""

from __future__ import annotations

import pytest

from mtl_models.files import sha256_of, writing_file, writing_folder


def test_a_file_appears_whole(tmp_path):
    with writing_file(tmp_path / "new" / "a.txt") as draft:
        draft.write_text("whole")
        assert not (tmp_path / "new" / "a.txt").exists()
    assert (tmp_path / "new" / "a.txt").read_text() == "whole"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.txt"]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(RuntimeError), writing_file(tmp_path / "a.txt") as draft:
        draft.write_text("half")
        raise RuntimeError
    assert (tmp_path / "a.txt").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_replaces_the_one_there(tmp_path):
    for text in ("one", "two"):
        with writing_folder(tmp_path / "folder") as draft:
            (draft / text).write_text(text)
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["two"]
    assert len(list(tmp_path.iterdir())) == 1


def test_a_failed_folder_leaves_the_old_one(tmp_path):
    with writing_folder(tmp_path / "folder") as draft:
        (draft / "old").write_text("old")
    with pytest.raises(RuntimeError), writing_folder(tmp_path / "folder") as draft:
        (draft / "new").write_text("half")
        raise RuntimeError
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["old"]
    assert len(list(tmp_path.iterdir())) == 1


def test_sha256_is_that_of_the_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
