"""Sentences a second: whole runs, the bare encoder on the same batches, and the usual ways to do it, in one run."""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from pathlib import Path
from typing import Any

from benchmarks.batch_input import pairs, rows, write_rows
from serving.batch import ScoreConfig, score
from serving.batch.unit import CHUNK_DOCUMENTS
from stance import Document, StanceClassifier

#: Sentences that the pair pipeline is given: it is slow, and its rate does not depend on how many.
PIPELINE_SENTENCES = 96


def rate(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Medians over rounds in which everything is measured in turn, so that a drift of the machine meets all alike.

    `share` is the rate of a whole run over that of the bare encoder in the same round, with the same workers x threads.
    """
    inputs = write_rows(folder / "in.jsonl", options.sentences, options.data)
    rounds: list[dict[str, float]] = []
    for number in range(options.rounds):
        found: dict[str, float] = {}
        for cell in options.grid.split(","):
            workers, threads = map(int, cell.split("x"))
            found[f"encoder {cell}"] = bare_rate(options, workers, threads)
            found[f"score {cell}"] = score_rate(options, inputs, folder / f"{cell}-{number}", workers, threads)
            found[f"share {cell}"] = found[f"score {cell}"] / found[f"encoder {cell}"]
        found["datasets.map"] = map_rate(options)
        if options.encoder:
            found["pipeline over pairs"] = pipeline_rate(options)
        rounds.append(found)
    medians = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
    return {"sentences": options.sentences, "sentences_per_s": medians, "rounds": rounds}


def score_rate(options: argparse.Namespace, inputs: Path, out: Path, workers: int, threads: int) -> float:
    """Sentences a second of a run, from its first sign of work: a second of loading is no matter in a long run."""
    config = ScoreConfig(
        inputs=(str(inputs),),
        out=out,
        model=options.model,
        workers=workers,
        threads=threads,
        shard_rows=max(1, options.sentences // (4 * workers)),
    )
    times: list[float] = []
    summary = score(config, lambda state: times.append(time.perf_counter()) if state.rows else None)
    return summary.sentences / (times[-1] - times[0])


def bare_rate(options: argparse.Namespace, workers: int, threads: int) -> float:
    """Sentences a second of the encoder alone on the batches that the classifier makes, in as many processes."""
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(workers)
    with context.Pool(workers, initializer=_share, initargs=(ready,)) as pool:
        given = [(options.model, options.data, threads, options.sentences, workers, own) for own in range(workers)]
        return sum(pool.starmap(_replay, given, chunksize=1))


_ready: Any = None


def _share(ready: Any) -> None:
    global _ready
    _ready = ready


def _replay(model: str | None, data: Path, threads: int, count: int, workers: int, own: int) -> float:
    """Make this worker's encoder inputs, then, together with the other workers, run the encoder on them."""
    classifier = StanceClassifier.load(model, threads)
    encoder, kept = classifier.runtime.encoder, list[dict[str, Any]]()

    def keeping(**inputs: Any) -> Any:
        kept.append(inputs)
        return encoder(**inputs)

    classifier.runtime.encoder = keeping  # type: ignore[assignment]
    documents = [Document(id=row["id"], text=row["text"]) for row in rows(count, data)][own::workers]
    sentences = 0
    for at in range(0, len(documents), CHUNK_DOCUMENTS):
        sentences += sum(len(r.sentences) for r in classifier.classify(documents[at : at + CHUNK_DOCUMENTS]))
    _ready.wait()
    start = time.perf_counter()
    for inputs in kept:
        encoder(**inputs)
    return sentences / (time.perf_counter() - start)


def map_rate(options: argparse.Namespace) -> float:
    """Sentences a second of `datasets.map` with the same classifier, on all cores, in one process."""
    import datasets

    classifier = StanceClassifier.load(options.model)

    def classify(batch: dict[str, list[str]]) -> dict[str, list[str]]:
        documents = [Document(id=i, text=t) for i, t in zip(batch["id"], batch["text"], strict=True)]
        return {"result": [result.model_dump_json() for result in classifier.classify(documents)]}

    datasets.disable_progress_bars()
    table = datasets.Dataset.from_list(list(rows(options.sentences, options.data)))
    start = time.perf_counter()
    table.map(classify, batched=True, batch_size=256, load_from_cache_file=False, new_fingerprint="measured")
    return options.sentences / (time.perf_counter() - start)


def pipeline_rate(options: argparse.Namespace) -> float:
    """Sentences a second of a `transformers` pipeline in float32, asked about each (sentence, actor) pair.

    It answers sentiment only: directed stance would take it every ordered pair of actors.
    """
    from benchmarks.speed import Pipeline

    pipe, asked = Pipeline(options.encoder), pairs(PIPELINE_SENTENCES, options.data)
    start = time.perf_counter()
    pipe(asked)
    return PIPELINE_SENTENCES / (time.perf_counter() - start)
