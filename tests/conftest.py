"""One home folder per test session, no word sent anywhere; a small experiment on made corpora, and one finished run of it for all."""

from __future__ import annotations

import atexit
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

import marking


def _new_home() -> Path:
    """The home of this process, in a folder that all processes of the session share and that the first of them takes away.

    The workers of pytest-xdist end without running what is registered for their exit.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is not None:
        home = Path(os.environ["POLYTASK_HOME"]).with_name(worker)
    else:
        session = tempfile.mkdtemp(prefix="polytask-tests-")
        atexit.register(shutil.rmtree, session, ignore_errors=True)
        home = Path(session) / "main"
    home.mkdir()
    return home


_HOME = _new_home()
_DOWNLOADS = Path(__file__).parents[1] / "runs" / "downloads"
_DOWNLOADS.mkdir(parents=True, exist_ok=True)
(_HOME / "downloads").symlink_to(_DOWNLOADS)  # pinned by sha256, so one copy serves every session
os.environ["POLYTASK_HOME"] = str(_HOME)
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("ZENML_ANALYTICS_OPT_IN", "false")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

GOOD = ["good", "great", "lovely", "superb", "fine", "brilliant", "enjoyable", "charming"]
BAD = ["bad", "awful", "dreadful", "poor", "boring", "horrid", "tedious", "dull"]
THINGS = ["film", "phone", "book", "song", "game", "meal", "hotel", "train", "plot", "screen"]

Polytask = Callable[..., subprocess.CompletedProcess[str]]


def made_rows(seed: int, count: int) -> list[tuple[str, str]]:
    """Texts whose words decide their label."""
    source = random.Random(seed)
    rows = []
    for number in range(count):
        label, words = source.choice([("positive", GOOD), ("negative", BAD)])
        said = source.sample(words, 2)
        rows.append((f"the {source.choice(THINGS)} number {number} of {seed} was {said[0]} and {said[1]}", label))
    return rows


def write_csv(path: Path, rows: list[tuple[str, str]]) -> None:
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows), encoding="utf-8")


EXPERIMENT = """# yaml-language-server: $schema=experiment.schema.json
name: made
tasks:
  films: films.csv
  phones: phones.csv
vocabularies: {shared: {min_count: 1, vectors: {method: random, dimension: 16}}}
network: {name: joint_lstm, hidden: 16}
training: {epochs: 3, learning_rate: 0.02, patience: null}
evaluation: {resamples: 200}
"""


def make_experiment(folder: Path) -> Path:
    """An experiment file and its two corpora in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(folder / "films.csv", made_rows(1, 240))
    write_csv(folder / "phones.csv", made_rows(2, 160))
    (folder / "made.yaml").write_text(EXPERIMENT, encoding="utf-8")
    return folder / "made.yaml"


def command_line(folder: Path, home: Path) -> Polytask:
    """`polytask` run in `folder` with a home of its own."""

    def polytask(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        variables = os.environ | {"POLYTASK_HOME": str(home), "COLUMNS": "160", "NO_COLOR": "1"} | environment
        command = [sys.executable, "-c", "from pipelines.cli import main; main()", *words]
        return subprocess.run(command, env=variables, cwd=folder, capture_output=True, text=True, timeout=300, check=False)

    return polytask


@pytest.fixture(autouse=True, scope="module")
def same_environment() -> Iterator[None]:
    """What a module's tests set in the environment, by getting ZenML ready in this process, no other module's runs may see."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def made():
    """The makers of this file, for fixtures of a wider scope than a test."""
    return sys.modules[__name__]


@pytest.fixture(scope="session")
def marking_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model with a task of every kind on words, and one on whole texts."""
    return marking.write_model(tmp_path_factory.mktemp("marking") / "model", [*marking.KINDS])


MORE = """name: more
tasks:
  hotels: hotels.csv
vocabularies: {shared: {min_count: 1, vectors: {method: random, dimension: 16}}}
network: {name: joint_lstm, hidden: 16}
training: {epochs: 3, learning_rate: 0.02, patience: null}
evaluation: {resamples: 200}
"""


@dataclass(frozen=True)
class Finished:
    """A project with a registered model of two tasks (version 1), and a third task taught to it (version 2)."""

    folder: Path
    told: str
    """What the fine-tuning printed."""
    before: str
    """What version 1 answered to two texts, as JSON lines, before that."""

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def polytask(self) -> Polytask:
        return command_line(self.folder, self.home)


@pytest.fixture(scope="session")
def finished_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Finished, FileLock]:
    """The finished run, made by whichever process of the session comes first; and the lock to hold while it is used."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "finished"
    lock = FileLock(f"{folder}.lock")
    with lock:
        if not (folder / "told.json").exists():
            _finish(folder)
    return Finished(folder, **json.loads((folder / "told.json").read_text())), lock


@pytest.fixture
def finished(finished_once: tuple[Finished, FileLock]) -> Iterator[Finished]:
    """The finished run, for this test alone while it runs; add versions and runs to it, take nothing away."""
    with finished_once[1]:
        yield finished_once[0]


def _finish(folder: Path) -> None:
    make_experiment(folder)
    write_csv(folder / "hotels.csv", made_rows(3, 160))
    (folder / "more.yaml").write_text(MORE, encoding="utf-8")
    polytask = command_line(folder, folder / "home")
    trained = polytask(
        "run", "made.yaml", "--set", "network={name: joint_lstm_attention, hidden: 16, attention: {hops: 2, hidden: 8, fc: 16}}"
    )
    assert trained.returncode == 0, trained.stderr
    before = polytask("predict", "--format", "json", "--model", "models:/polytask-made/1", "a great film", "a dull phone").stdout
    taught = polytask("finetune", "more.yaml", "--from", "models:/polytask-made/1")
    assert taught.returncode == 0, taught.stderr
    (folder / "told.json").write_text(json.dumps({"told": taught.stdout, "before": before}))


_BERT_LIKE = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 24}
ARCHITECTURES = {
    "bert": {**_BERT_LIKE, "max_position_embeddings": 24},
    "distilbert": {"dim": 16, "n_layers": 3, "n_heads": 2, "hidden_dim": 24, "max_position_embeddings": 24},
    "xlm-roberta": {**_BERT_LIKE, "max_position_embeddings": 26},
    "mpnet": {**_BERT_LIKE, "max_position_embeddings": 26},
}


def save_backbone(folder: Path, architecture: str) -> Path:
    """A Hugging Face encoder of three layers with random weights, and a tokenizer whose pieces are the words of the made rows."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import AutoConfig, AutoModel

    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        *"abcdefghijklmnopqrstuvwxyz",
        *(f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz0123456789"),
    ]
    words += ["the", "was", "and", "number", "of", *GOOD, *BAD, *THINGS, *"0123456789"]
    ids = {word: place for place, word in enumerate(dict.fromkeys(words))}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(mark, ids[mark]) for mark in ("[CLS]", "[SEP]")]
    )
    torch.manual_seed(11)
    config = AutoConfig.for_model(architecture, vocab_size=len(ids), pad_token_id=0, **ARCHITECTURES[architecture])
    AutoModel.from_config(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="session")
def backbones(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Architecture -> a folder as Hugging Face writes it, of a tiny encoder."""
    made: dict[str, Path] = {}

    def folder(architecture: str = "bert") -> Path:
        if architecture not in made:
            made[architecture] = save_backbone(tmp_path_factory.mktemp(architecture), architecture)
        return made[architecture]

    return folder
