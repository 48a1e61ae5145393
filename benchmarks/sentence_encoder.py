"""Sentence encoders: speed against sentence-transformers, the price of more heads, and what keeping features saves.

    python benchmarks/sentence_encoder.py [EXPERIMENT] [--texts N] [--rounds R] [--only PART] [--threads N] [--json FILE]

On texts drawn evenly from the tasks of an experiment with a `sentence_encoder` (by default configs/sentence_encoder.yaml), on a CPU:

  encode   tokens per second, padding not counted, of `Model.embed` and of sentence-transformers' `encode`: same weights, texts, batches
  heads    one pass of the encoder with T heads against one with one head
  epoch    an epoch over a frozen encoder from kept features against one that reads the texts anew: heads on texts, and an LSTM on words
  bf16     a training of all weights in bf16 against one in single precision: pays where the processor computes in bf16
  compile  the encoder through torch.compile, for lengths of all kinds, against itself: answering, and training

Ways to be compared take turns, round by round, and the fastest round of each counts: what else runs on the machine makes rounds slower,
never faster. Times are processor seconds.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence

from mtl_models.config import Experiment, load_experiment
from mtl_models.config.backbone import SentenceEncoder as Section
from mtl_models.config.freezing import Freeze
from mtl_models.config.hierarchical import Hierarchical as HierarchicalSection
from mtl_models.config.hierarchical import Level
from mtl_models.corpora.backbones import fetch_backbone
from mtl_models.corpora.corpus import Corpus
from mtl_models.corpora.ingest import ingest
from mtl_models.inference.embedding import load_encoder, normalised
from mtl_models.networks.backbone import read_backbone, read_tokenizer
from mtl_models.networks.hierarchical import Hierarchical
from mtl_models.networks.model import Model
from mtl_models.networks.network import Network
from mtl_models.networks.sentence_encoder import SentenceEncoder
from mtl_models.progress import say
from mtl_models.tasks.task import Task
from mtl_models.training.encoder import Encoder
from mtl_models.training.encoding import EncodedCorpus, EncodedSplit, encode_for
from mtl_models.training.fit import fit

_BATCH = 32
_HEADS = (1, 4, 12)


def reading_anew(kind: type[Network]) -> type[Network]:
    """The same network, trained as if its vectors could change, so that nothing is kept."""
    return type("ReadsAnew", (kind,), {"features_fixed": property(lambda _: False)})


def main() -> None:
    """Measure them and print them."""
    parser = argparse.ArgumentParser(description="Speed of sentence encoders on a CPU.")
    parser.add_argument("experiment", nargs="?", type=Path, default=Path(__file__).parent.parent / "configs" / "sentence_encoder.yaml")
    parser.add_argument("--texts", type=int, default=1024, help="texts of each measurement, at most")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=("encode", "heads", "epoch", "bf16", "compile"))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", type=Path, help="write the numbers there as well")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    experiment = load_experiment(options.experiment)
    section = experiment.network
    if not isinstance(section, Section):
        parser.error(f"{options.experiment}: its network is no sentence_encoder")
    corpora = {name: ingest(name, task.corpus, experiment.seed, task.kind) for name, task in experiment.tasks.items()}
    texts = sample(corpora, options.texts, experiment.seed)
    folder = fetch_backbone(section.backbone)
    print(f"{len(texts)} texts, batches of {_BATCH}, {options.threads} threads, torch {torch.__version__}")
    parts: dict[str, Callable[[], dict[str, float]]] = {
        "encode": lambda: compare_encode(folder, texts, experiment.training.max_tokens, options.rounds),
        "heads": lambda: compare_heads(section, folder, texts, experiment, options.rounds),
        "epoch": lambda: compare_epochs(section, folder, corpora, experiment, options.texts),
        "bf16": lambda: compare_precisions(section, folder, corpora, experiment, options.texts, options.rounds),
        "compile": lambda: compare_compiled(section, folder, texts, experiment.training.max_tokens, options.rounds),
    }
    found = {name: part() for name, part in parts.items() if options.only in (None, name)}
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def sample(corpora: Mapping[str, Corpus], count: int, seed: int) -> list[str]:
    """As many texts of every task's train split."""
    random = np.random.default_rng(seed)
    found: list[str] = []
    for corpus in corpora.values():
        rows = corpus.splits["train"]
        found += rows.select(random.permutation(len(rows))[: count // len(corpora)])["text"]
    return found


def fastest(ways: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Processor seconds of the fastest round of each way; one round before counts for nothing."""
    seconds = dict.fromkeys(ways, float("inf"))
    for number in range(rounds + 1):
        for name, way in ways.items():
            began = time.process_time()
            way()
            taken = time.process_time() - began
            say(f"{name}: {taken:.2f} s{' (to warm up)' * (number == 0)}")
            if number:
                seconds[name] = min(seconds[name], taken)
    return seconds


def compare_encode(folder: Path, texts: list[str], max_tokens: int, rounds: int) -> dict[str, float]:
    """Tokens per second of both; the vectors must be the same."""
    from sentence_transformers import SentenceTransformer

    ours, theirs = replace(load_encoder(folder), max_tokens=max_tokens), SentenceTransformer(str(folder), device="cpu")
    theirs.max_seq_length = max_tokens
    np.testing.assert_allclose(normalised(ours.embed(texts[:_BATCH])), normalised(theirs.encode(texts[:_BATCH])), atol=1e-4)
    ((_, vocabulary),) = ours.vocabularies.items()
    tokens = sum(map(len, vocabulary.encode(texts, Task("", "single_label", ()).text, max_tokens)))
    seconds = fastest(
        {
            "Model.embed": lambda: ours.embed(texts, batch_size=_BATCH),
            "sentence-transformers": lambda: theirs.encode(texts, batch_size=_BATCH, show_progress_bar=False),
        },
        rounds,
    )
    for name, taken in seconds.items():
        print(f"encode  {name:<22}  {tokens / taken:>8,.0f} tokens/s  {seconds['sentence-transformers'] / taken:>6.2f} times")
    return {name: tokens / taken for name, taken in seconds.items()}


def compare_heads(section: Section, folder: Path, texts: Sequence[str], experiment: Experiment, rounds: int) -> dict[str, float]:
    """Seconds for T tasks of three classes."""
    backbone, vocabulary = read_backbone(folder), read_tokenizer(folder)

    def model(count: int) -> Model:
        tasks = tuple(Task(f"task{number}", "single_label", ("a", "b", "c")) for number in range(count))
        network = SentenceEncoder(section, tasks, {"shared": backbone}).eval()
        return Model(network, tasks, {"shared": vocabulary}, section, experiment.training.max_tokens)

    def answering(count: int) -> Callable[[], object]:
        built = model(count)
        return lambda: built.probabilities(texts, batch_size=_BATCH)

    seconds = fastest({f"{count} heads": answering(count) for count in _HEADS}, rounds)
    one = seconds["1 heads"]
    for name, taken in seconds.items():
        print(f"heads   {name:<22}  {taken:>8.2f} s         {taken / one:>6.3f} times")
    return seconds


def compare_epochs(section: Section, folder: Path, corpora: Mapping[str, Corpus], experiment: Experiment, texts: int) -> dict[str, float]:
    """Seconds of the second epoch, dev included, each way; the first of the one that keeps features reads the texts."""
    backbone, vocabulary = read_backbone(folder), read_tokenizer(folder)
    tasks = [Task.of(task.settings, corpora[name]) for name, task in experiment.tasks.items()]
    frozen = Freeze(lowest=int(backbone.config["num_hidden_layers"]))
    training = experiment.training.model_copy(update={"epochs": 2, "freeze": frozen, "phases": ()})
    level = Level(tasks=tuple(experiment.tasks), hidden=64)
    on_words = HierarchicalSection(name="hierarchical", characters=None, levels={"level": level})
    seconds = {}
    for unit, config, kind in (("texts", section, SentenceEncoder), ("words", on_words, Hierarchical)):
        encoded = encoded_part(config, corpora, vocabulary, tasks, experiment, texts)
        for way, network in ((f"{unit} read anew", reading_anew(kind)), (f"kept features of {unit}", kind)):
            torch.manual_seed(experiment.seed)
            began, times = time.process_time(), []
            fit(
                network(config, tasks, {"shared": backbone}),
                tasks,
                encoded,
                training,
                experiment.seed,
                report=lambda _, times=times: times.append(time.process_time()),
                label=way,
            )
            say(f"{way}: {times[0] - began:.2f} s to the end of the first epoch")
            seconds[way] = times[1] - times[0]
            print(f"epoch   {way:<22}  {seconds[way]:>8.2f} s         {seconds[way] / seconds[f'{unit} read anew']:>6.3f} times")
    return seconds


def compare_precisions(
    section: Section, folder: Path, corpora: Mapping[str, Corpus], experiment: Experiment, texts: int, rounds: int
) -> dict[str, float]:
    """Seconds of an epoch over all weights, each way; its dev rows are answered in single precision both times."""
    backbone, vocabulary = read_backbone(folder), read_tokenizer(folder)
    tasks = [Task.of(task.settings, corpora[name]) for name, task in experiment.tasks.items()]
    encoded = encoded_part(section, corpora, vocabulary, tasks, experiment, texts)

    def training(precision: str) -> Callable[[], object]:
        change = {"epochs": 1, "freeze": Freeze(), "phases": (), "precision": precision}
        settings = experiment.training.model_copy(update=change)
        return lambda: fit(
            SentenceEncoder(section, tasks, {"shared": backbone}), tasks, encoded, settings, experiment.seed, label=precision
        )

    seconds = fastest({precision: training(precision) for precision in ("fp32", "bf16")}, rounds)
    for name, taken in seconds.items():
        print(f"bf16    {name:<22}  {taken:>8.2f} s         {taken / seconds['fp32']:>6.3f} times")
    return seconds


def compare_compiled(section: Section, folder: Path, texts: Sequence[str], max_tokens: int, rounds: int) -> dict[str, float]:
    """Seconds of a pass over all texts, each way; compiling itself is the first pass, told and not compared."""
    encoder = read_backbone(folder).build(section.hidden_dropout, section.attention_dropout)
    compiled = torch.compile(encoder, dynamic=True)
    ids = sorted(read_tokenizer(folder).encode(texts, Task("", "single_label", ()).text, max_tokens), key=len)
    batches = [pad_sequence([torch.tensor(row) for row in ids[start : start + _BATCH]], True) for start in range(0, len(ids), _BATCH)]

    def answering(network: Callable[..., Any]) -> Callable[[], None]:
        def passed() -> None:
            encoder.eval()
            with torch.inference_mode():
                for batch in batches:
                    network(input_ids=batch, attention_mask=(batch > 0).long())

        return passed

    def training(network: Callable[..., Any]) -> Callable[[], None]:
        def passed() -> None:
            encoder.train()
            for batch in batches:
                network(input_ids=batch, attention_mask=(batch > 0).long()).last_hidden_state.mean().backward()
                encoder.zero_grad()

        return passed

    seconds: dict[str, float] = {}
    for what, way in (("answering", answering), ("training", training)):
        found = fastest({what: way(encoder), f"{what}, compiled": way(compiled)}, rounds)
        for name, taken in found.items():
            print(f"compile {name:<22}  {taken:>8.2f} s         {taken / found[what]:>6.3f} times")
        seconds |= found
    return seconds


def encoded_part(
    config: Section | HierarchicalSection,
    corpora: Mapping[str, Corpus],
    vocabulary: Encoder,
    tasks: Sequence[Task],
    experiment: Experiment,
    texts: int,
) -> dict[str, EncodedCorpus]:
    """The first rows of every task, `texts` train rows in all, as the network reads them."""
    most, seed = experiment.training.max_tokens, experiment.seed
    whole = {task.name: encode_for(config, corpora[task.name], {"shared": vocabulary}, task, most, seed) for task in tasks}
    return {name: cut(corpus, texts // len(tasks)) for name, corpus in whole.items()}


def cut(corpus: EncodedCorpus, rows: int) -> EncodedCorpus:
    """The first `rows` rows of the train split, and an eighth as many of the others."""

    def first(split: EncodedSplit, count: int) -> EncodedSplit:
        return replace(split, starts=split.starts[:count], lengths=split.lengths[:count], labels=split.labels[:count])

    splits = {name: first(split, rows if name == "train" else rows // 8) for name, split in corpus.splits.items()}
    return replace(corpus, splits=splits, fingerprint=f"{corpus.fingerprint} {rows}")


if __name__ == "__main__":
    main()
