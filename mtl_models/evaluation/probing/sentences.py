"""The sentences that probing asks about: held-out texts of the corpora, with parts of speech and chunks where a corpus has them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from mtl_models.config import Experiment
from mtl_models.config.corpus import Corpus as CorpusSection
from mtl_models.config.corpus import Label
from mtl_models.config.experiment import Task
from mtl_models.corpora.corpus import Corpus, Split
from mtl_models.corpora.documents.bio import OUTSIDE
from mtl_models.corpora.documents.document import Marks
from mtl_models.corpora.documents.files import with_columns
from mtl_models.corpora.ingest import ingest
from mtl_models.corpora.parts import open_parts
from mtl_models.corpora.splitting import places_of_words
from mtl_models.errors import CorpusError

__all__ = ["CHUNK", "POS", "Sentence", "Sentences", "read_sentences", "sources_for"]

POS, CHUNK = "pos", "chunk"
"""The names of the columns that hold parts of speech and chunks."""

HELD_OUT: tuple[Split, ...] = ("dev", "test")
_SHORTEST, _LONGEST = 5, 60
_MARKS, _ID = 1, 2
"""Where they stand in a row: behind the text, before what else the corpus asks for."""


@dataclass(frozen=True)
class Sentence:
    """Words, and what the corpus says of them: a part of speech each, and the types of the chunks in their order."""

    words: tuple[str, ...]
    group: str
    """The document it is from; sentences of one document stay on one side of a probe."""
    tags: tuple[str, ...] | None = None
    chunks: tuple[str, ...] | None = None

    @property
    def text(self) -> str:
        """Its words, joined by single spaces."""
        return " ".join(self.words)


@dataclass(frozen=True)
class Sentences:
    """Distinct sentences from the dev and test splits of `tasks`; none of them is in a train split of these."""

    rows: tuple[Sentence, ...]
    tasks: tuple[str, ...]
    columns: tuple[str, ...]
    """Of `POS` and `CHUNK`, those that every sentence has."""


def sources_for(experiment: Experiment) -> tuple[str, ...]:
    """The tasks whose texts are asked about: the one whose corpus says most of its words, or else all."""
    rich = {name: len(_columns(task)) for name, task in experiment.tasks.items()}
    best = max(rich, key=lambda name: rich[name])
    return (best,) if rich[best] else tuple(experiment.tasks)


def read_sentences(experiment: Experiment) -> Sentences:
    """Sentences of 5 to 60 words. Raises `CorpusError` as `ingest` does, and where no text is as short as that."""
    names = sources_for(experiment)
    corpora = [ingest(name, experiment.tasks[name].corpus, experiment.seed, experiment.tasks[name].kind) for name in names]
    trained = {text for corpus in corpora for text in corpus.texts("train")}
    found: dict[str, Sentence] = {}
    for corpus in corpora:
        for sentence in _held_out(corpus, experiment.tasks[corpus.task]):
            if _SHORTEST <= len(sentence.words) <= _LONGEST and sentence.text not in trained:
                found.setdefault(sentence.text, sentence)
    if not found:
        raise CorpusError(
            f"{', '.join(names)}: no text of {_SHORTEST} to {_LONGEST} words in dev and test, so there is nothing to probe with; "
            "give an experiment whose corpora are sentences with --config"
        )
    columns = _columns(experiment.tasks[names[0]]) if len(names) == 1 else ()
    return Sentences(tuple(found.values()), names, columns)


def _columns(task: Task) -> tuple[str, ...]:
    if not task.on_words or task.corpus.format != "conll":
        return ()
    return tuple(name for name in (POS, CHUNK) if name in (task.corpus.columns or ()))


def _held_out(corpus: Corpus, task: Task) -> list[Sentence]:
    columns = _columns(task)
    tags = _marks(task.corpus, POS) if POS in columns else {}
    chunks = _marks(task.corpus, CHUNK) if CHUNK in columns else {}
    found = []
    for split in HELD_OUT:
        rows = corpus.splits[split].select_columns(["id", "text", "group"])[:]
        for row, text, group in zip(rows["id"], rows["text"], rows["group"], strict=True):
            words = tuple(text.split(" ") if task.on_words else (text[begin:end] for begin, end in places_of_words(text)))
            found.append(
                Sentence(
                    words,
                    f"{corpus.task} {group or f'{split} {row}'}",
                    _tags(tags[row], len(words)) if POS in columns else None,
                    tuple(mark.type for mark in chunks[row]) if CHUNK in columns else None,
                )
            )
    return found


def _marks(corpus: CorpusSection, column: str) -> dict[str, Marks]:
    """Id of a text -> what a column of its file says of its words. The same rows as the corpus has, and those it leaves out."""
    label = Label(column=column, scheme="words" if column == POS else "auto")
    section = with_columns(corpus.model_copy(update={"label": label}))
    found: dict[str, Marks] = {}
    for part in open_parts(section, "tagging"):
        rows = islice(part.table.rows, *part.only)
        found |= {values[_ID]: values[_MARKS] for _, values in rows}
    return found


def _tags(marks: Marks, length: int) -> tuple[str, ...]:
    tags = [OUTSIDE] * length
    for mark in marks:
        tags[mark.numbers[0]] = mark.type
    return tuple(tags)
