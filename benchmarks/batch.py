"""Batch scoring, measured: rate, scaling, memory, the cost of resuming, and kills.

    python -m benchmarks.batch rate    [--model M] [--sentences 4000] [--grid 1x1,1x2,2x1] [--encoder HUB_ID]
    python -m benchmarks.batch resume  [--model M] [--sentences 4000]
    python -m benchmarks.batch million [--model M] [--sentences 1000000]
    python -m benchmarks.batch kills   [--model M] [--sentences 2000] [--kills 50] [--engine local|ray]

Each prints JSON on stdout and, with --out FOLDER, keeps it there as NAME.json, with a plot where there is one.
`--grid` lists WORKERSxTHREADS. With `--encoder` the rate of a `transformers` pipeline over pairs stands beside.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks.batch_input import rows, write_rows
from benchmarks.batch_kills import kills, resume
from serving.batch import ScoreConfig, score
from stance import Document, StanceClassifier

#: Seconds between two looks at the memory.
SAMPLE = 2.0


def rate(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Sentences a second of whole runs and of the bare encoder on the same batches, for each workers x threads."""
    inputs = write_rows(folder / "in.jsonl", options.sentences)
    found: dict[str, Any] = {"sentences": options.sentences}
    for cell in options.grid.split(","):
        workers, threads = map(int, cell.split("x"))
        config = ScoreConfig(
            inputs=(str(inputs),),
            out=folder / cell,
            model=options.model,
            workers=workers,
            threads=threads,
            shard_rows=max(1, options.sentences // (4 * workers)),
        )
        times: list[float] = []
        summary = score(config, lambda state, times=times: times.append(time.perf_counter()) if state.rows else None)
        # From the first sign of work to the end: a worker's second of loading is no matter in a long run.
        whole = summary.sentences / (times[-1] - times[0])
        bare = bare_rate(options, workers, threads)
        found[cell] = {"score": whole, "encoder": bare, "share": whole / bare}
    found["datasets.map"] = map_rate(options)
    if options.encoder:
        found["pipeline"] = pipeline_rate(options)
    return found


def bare_rate(options: argparse.Namespace, workers: int, threads: int) -> float:
    """Sentences a second of the encoder alone on the batches that the classifier makes, in as many processes."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers) as pool:
        given = [(options.model, threads, options.sentences, workers, k) for k in range(workers)]
        return sum(pool.starmap(_replay, given))


def _replay(model: str | None, threads: int, count: int, workers: int, own: int) -> float:
    """Classify this worker's part once, keeping the encoder's inputs, then run the encoder on them again."""
    classifier = StanceClassifier.load(model, threads)
    encoder, kept = classifier.runtime.encoder, list[dict[str, Any]]()

    def keeping(**inputs: Any) -> Any:
        kept.append(inputs)
        return encoder(**inputs)

    classifier.runtime.encoder = keeping  # type: ignore[assignment]
    documents = [Document(id=row["id"], text=row["text"]) for row in rows(count)][own::workers]
    sentences = 0
    for at in range(0, len(documents), 256):
        sentences += sum(len(r.sentences) for r in classifier.classify(documents[at : at + 256]))
    start = time.perf_counter()
    for inputs in kept:
        encoder(**inputs)
    return sentences / (time.perf_counter() - start)


def map_rate(options: argparse.Namespace) -> float:
    """Sentences a second of `datasets.map` with the same classifier."""
    import datasets

    classifier = StanceClassifier.load(options.model)

    def classify(batch: dict[str, list[str]]) -> dict[str, list[str]]:
        documents = [Document(id=i, text=t) for i, t in zip(batch["id"], batch["text"], strict=True)]
        return {"result": [result.model_dump_json() for result in classifier.classify(documents)]}

    datasets.disable_progress_bars()
    table = datasets.Dataset.from_list(list(rows(options.sentences)))
    start = time.perf_counter()
    table.map(classify, batched=True, batch_size=256, load_from_cache_file=False, new_fingerprint="measured")
    return options.sentences / (time.perf_counter() - start)


def pipeline_rate(options: argparse.Namespace) -> float:
    """Sentences a second of a `transformers` pipeline asked about two actors a sentence, one pair at a time."""
    from benchmarks.speed import Pipeline, spans

    pipe = Pipeline(options.encoder)
    texts = [row["text"] for row in rows(64)]
    pairs = [(t, t[s:e]) for t in texts for s, e in spans(t, 2)]
    start = time.perf_counter()
    pipe(pairs)
    return len(texts) / (time.perf_counter() - start)


def million(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """A long run from start to end, with the memory of all its processes over time."""
    inputs = write_rows(folder / "in.jsonl", options.sentences)
    samples: list[tuple[float, float]] = []
    done = threading.Event()
    start = time.monotonic()

    def watch() -> None:
        while not done.wait(SAMPLE):
            samples.append((time.monotonic() - start, memory()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        summary = score(ScoreConfig(inputs=(str(inputs),), out=folder / "out", model=options.model))
    finally:
        done.set()
        watcher.join()
    if options.out:
        _plot(samples, options.out / "million.png")
    return {**summary.model_dump(), "peak_mb": max((mb for _, mb in samples), default=0.0), "memory_mb": samples}


def memory() -> float:
    """Megabytes that this process and all below it hold; what they share counts once (proportional set size)."""
    total, waiting = 0, ["self"]
    while waiting:
        process = Path("/proc") / waiting.pop()
        try:
            lines = (process / "smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
            for task in (process / "task").iterdir():
                waiting += (task / "children").read_text().split()
        except (OSError, ProcessLookupError):
            continue
    return total / 1024


def _plot(samples: list[tuple[float, float]], path: Path) -> None:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 3))
    axes.plot([seconds / 60 for seconds, _ in samples], [mb for _, mb in samples])
    axes.set(xlabel="minutes", ylabel="memory of all processes, MB", ylim=(0, None))
    figure.savefig(path, dpi=120, bbox_inches="tight")


def main() -> None:
    """Run one measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["rate", "resume", "million", "kills"])
    parser.add_argument("--model")
    parser.add_argument("--sentences", type=int)
    parser.add_argument("--grid", default="1x1,1x2,2x1")
    parser.add_argument("--encoder")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--engine", default="local", choices=["local", "ray"])
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    options.sentences = options.sentences or {"million": 1_000_000, "kills": 2_000}.get(options.what, 4_000)
    measured = {"rate": rate, "resume": resume, "million": million, "kills": kills}[options.what]
    with tempfile.TemporaryDirectory() as folder:
        if options.out:
            options.out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(measured(options, Path(folder)), indent=1)
    if options.out:
        (options.out / f"{options.what}.json").write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
