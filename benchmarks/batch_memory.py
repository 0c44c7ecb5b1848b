"""The memory of a run, all its processes together, over time and over sizes of the input."""

from __future__ import annotations

import argparse
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks.batch_input import write_rows
from serving.batch import ScoreConfig, State, score

#: Seconds between two looks.
SAMPLE = 2.0
#: Looks that are kept in the result.
KEPT = 400

Look = tuple[float, float, int]


def million(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """A long run from start to end; `looks` are (seconds, megabytes, rows done so far)."""
    found = watched(options, folder, options.sentences)
    found["looks"] = found["looks"][:: max(1, len(found["looks"]) // KEPT)]
    return found


def flat(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The peak of memory for inputs of several sizes, each a run of its own."""
    peaks = {}
    for count in map(int, options.sizes.split(",")):
        found = watched(options, folder, count)
        peaks[str(count)] = {k: found[k] for k in ("peak_mb", "seconds", "rate")}
    return {"peaks": peaks}


def watched(options: argparse.Namespace, folder: Path, count: int) -> dict[str, Any]:
    """The summary of a run over `count` sentences with its memory."""
    inputs = write_rows(folder / f"{count}.jsonl", count, options.data)
    looks: list[Look] = []
    rows, done, start = [0], threading.Event(), time.monotonic()

    def watch() -> None:
        while not done.wait(SAMPLE):
            looks.append((round(time.monotonic() - start, 1), round(memory(), 1), rows[0]))

    def listen(state: State) -> None:
        rows[0] = state.rows if state.phase == "scoring" else 0

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        summary = score(ScoreConfig(inputs=(str(inputs),), out=folder / f"out{count}", model=options.model), listen)
    finally:
        done.set()
        watcher.join()
    inputs.unlink()
    kept = summary.model_dump(exclude={"out", "failures", "ignored"})
    return {**kept, "peak_mb": max((mb for _, mb, _ in looks), default=0.0), "looks": looks}


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
