"""Real files of vectors, written by gensim from one small trained model."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from gensim.models import FastText
from gensim.models.fasttext import save_facebook_model

SENTENCES = [
    ["the", "cat", "sat", "on", "the", "mat"],
    ["यह", "फिल्म", "बहुत", "अच्छी", "है"],
    ["এই", "ছবিটি", "খুব", "ভালো"],
    ["Paris", "and", "the", "dog", ",", "café", "naïve", "😀", "n't", "'s", "--", "..."],
    [f"word{number}" for number in range(300)],
] * 3


@pytest.fixture(scope="session")
def model() -> FastText:
    return FastText(SENTENCES, vector_size=12, min_count=1, bucket=500, epochs=2, seed=1, workers=1)


@pytest.fixture(scope="session")
def files(model: FastText, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A file per format."""
    folder = tmp_path_factory.mktemp("vectors")
    keyed = model.wv
    paths = {
        "glove": folder / "glove.12d.txt",
        "word2vec": folder / "w2v.txt",
        "word2vec-binary": folder / "w2v.bin",
        "fasttext": folder / "model.vec",
        "fasttext-binary": folder / "model.bin",
    }
    keyed.save_word2vec_format(str(paths["glove"]), write_header=False)
    keyed.save_word2vec_format(str(paths["word2vec"]))
    keyed.save_word2vec_format(str(paths["word2vec-binary"]), binary=True)
    lines = [f"{word} {' '.join(f'{number:.5g}' for number in keyed[word])} \n" for word in keyed.index_to_key]  # fastText ends so
    paths["fasttext"].write_text(f"{len(lines)} 12\n" + "".join(lines), encoding="utf-8")
    save_facebook_model(model, str(paths["fasttext-binary"]))
    return paths


@pytest.fixture(scope="session")
def compress() -> Callable[[Path, str, Path], Path]:
    def pack(path: Path, suffix: str, folder: Path) -> Path:
        target = folder / f"{path.name}{suffix}"
        data = path.read_bytes()
        if suffix == ".zip":
            with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(path.name, data)
        else:
            target.write_bytes({".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, "": bytes}[suffix](data))
        return target

    return pack
