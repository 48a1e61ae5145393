"""Files here and behind URLs: the bytes meant, changes noticed, and a clear word where they cannot be had."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import pytest

from mtl_models.config.corpus import Corpus as CorpusConfig
from mtl_models.config.sources import FileSource, PackageSource
from mtl_models.corpora.ingest import ingest
from mtl_models.corpora.sources import describe, fetch, fingerprint
from mtl_models.errors import CorpusError

DATA = b"label,text\n" + b"".join(f"{'xy'[number % 2]},text {number}\n".encode() for number in range(60))


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Server:
    """A real HTTP server on loopback; counts what is asked of it."""

    def __init__(self) -> None:
        self.content, self.etag = DATA, True
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _head(self) -> bool:
                outer.asked.append(self.command)
                found = self.path.startswith("/rows.csv")
                self.send_response(200 if found else 404)
                self.send_header("Content-Length", str(len(outer.content) if found else 0))
                if outer.etag:
                    self.send_header("ETag", f'"{sha(outer.content)[:8]}"')
                self.end_headers()
                return found

            def do_HEAD(self) -> None:
                self._head()

            def do_GET(self) -> None:
                if self._head():
                    self.wfile.write(outer.content)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/rows.csv"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.stop()


def test_a_local_file_is_read_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(DATA)
    assert fetch(FileSource(path=str(path))) == path
    assert fetch(FileSource(path=f"file://{path}")) == path
    assert fetch(FileSource(path=str(path), sha256=sha(DATA))) == path
    assert fingerprint(FileSource(path=str(path))) == sha(DATA)


def test_the_fingerprint_ignores_times_and_sees_content(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(DATA)
    before, times = fingerprint(FileSource(path=str(path))), path.stat()
    os.utime(path, (1, 1))
    assert fingerprint(FileSource(path=str(path))) == before
    path.write_bytes(DATA.replace(b"text 7\n", b"text 8\n"))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert fingerprint(FileSource(path=str(path))) != before


def test_local_faults_are_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    with pytest.raises(CorpusError, match=r"rows\.csv: no such file \(paths are relative to"):
        fetch(FileSource(path=str(path)))
    path.write_bytes(DATA)
    with pytest.raises(CorpusError, match=rf"wrong sha256\n  expected {'0' * 64}\n  found    {sha(DATA)}"):
        fetch(FileSource(path=str(path), sha256="0" * 64))


def test_a_url_is_fetched_once_while_its_etag_stays(server: Server, home: Path) -> None:
    path = fetch(FileSource(path=server.url))
    assert path.read_bytes() == DATA
    assert path == home / "downloads" / sha(DATA) / "rows.csv"
    server.asked.clear()
    assert fetch(FileSource(path=server.url)) == path
    assert "GET" not in server.asked
    server.content = DATA.replace(b"text 7\n", b"text 8\n")
    assert fetch(FileSource(path=server.url)).read_bytes() == server.content
    assert fingerprint(FileSource(path=server.url)) == sha(server.content)


def test_a_url_without_etag_is_fetched_every_time(server: Server) -> None:
    server.etag = False
    before = fingerprint(FileSource(path=server.url))
    server.content = DATA.replace(b"text 7\n", b"text 8\n")
    assert fingerprint(FileSource(path=server.url)) == sha(server.content) != before


def test_a_pinned_url_is_read_offline_the_second_time(server: Server, home: Path) -> None:
    pinned = FileSource(path=server.url, sha256=sha(DATA))
    path = fetch(pinned)
    server.stop()
    assert fetch(pinned) == path
    assert fingerprint(pinned) == sha(DATA)
    with pytest.raises(CorpusError, match="cannot be fetched"):
        fetch(FileSource(path=server.url))


def test_a_wrong_sha256_keeps_nothing(server: Server, home: Path) -> None:
    with pytest.raises(CorpusError, match=rf"wrong sha256\n  expected {'0' * 64}\n  found    {sha(DATA)}"):
        fetch(FileSource(path=server.url, sha256="0" * 64))
    assert [path for path in (home / "downloads").rglob("*") if path.is_file()] == []


def test_a_url_that_is_not_there(server: Server) -> None:
    with pytest.raises(CorpusError, match="no such file on the server"):
        fetch(FileSource(path=server.url.replace("rows", "cows")))


def test_a_corpus_is_ingested_from_a_url_with_a_query(server: Server) -> None:
    corpus = ingest("a", CorpusConfig.model_validate({"source": f"{server.url}?version=1"}), 13)
    assert sum(corpus.splits[split].num_rows for split in corpus.splits) == 60


def test_a_corpus_from_a_server_without_checksums_is_fetched_once(server: Server) -> None:
    server.etag = False
    corpus = ingest("a", CorpusConfig.model_validate({"source": server.url}), 13)
    assert server.asked.count("GET") == 1
    assert corpus.report.source_sha256 == sha(DATA)
    server.content = DATA.replace(b"text 7\n", b"text 8\n")
    again = ingest("a", CorpusConfig.model_validate({"source": server.url}), 13)
    assert again.report.source_sha256 == sha(server.content) != sha(DATA)


def test_any_file_system_of_fsspec(home: Path) -> None:
    with fsspec.open("memory://some/rows.csv", "wb") as file:
        file.write(DATA)
    source = FileSource(path="memory://some/rows.csv")
    assert fetch(source).read_bytes() == DATA
    with fsspec.open("memory://some/rows.csv", "wb") as file:
        file.write(DATA.replace(b"text 7\n", b"text 8\n"))
    assert fingerprint(source) != sha(DATA)
    with pytest.raises(CorpusError, match="no such file on the server"):
        fetch(FileSource(path="memory://some/cows.csv"))


@pytest.mark.parametrize(("url", "extra", "module"), [("s3://b/rows.csv", "s3", "s3fs"), ("gs://b/rows.csv", "gcs", "gcsfs")])
def test_a_missing_extra_is_named(url: str, extra: str, module: str) -> None:
    if importlib.util.find_spec(module):
        pytest.skip(f"{module} is installed")
    with pytest.raises(CorpusError, match=rf"run `pip install 'polytask\[{extra}\]'`"):
        fetch(FileSource(path=url))


def test_an_unknown_scheme_is_named() -> None:
    with pytest.raises(CorpusError, match=r"nonsense://b/rows\.csv: .*nonsense.*; give a local path, or a URL"):
        fetch(FileSource(path="nonsense://b/rows.csv"))


def test_sources_in_words() -> None:
    assert describe(FileSource(path="a/b.csv")) == "a/b.csv"
    assert describe(PackageSource(package="made==1.0", sha256="0" * 64, member="x/y.txt")) == "made==1.0/x/y.txt"
