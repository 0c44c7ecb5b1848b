"""What being killed costs: runs in processes of their own, SIGKILL at random moments, and a comparison at the end."""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from benchmarks.batch_input import write_rows
from serving.batch import ScoreConfig, score

TABLES = ("results", "sentiment", "stances", "relations", "errors")
_RUN = """
import sys
from serving.batch import ScoreConfig, score
if __name__ == "__main__":
    score(ScoreConfig.model_validate_json(sys.argv[1]))
"""


def start(config: ScoreConfig) -> subprocess.Popen[bytes]:
    """The run in a process group of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", _RUN, config.model_dump_json()]
    return subprocess.Popen(command, env=environment, start_new_session=True)


def killed_after(config: ScoreConfig, seconds: float) -> bool:
    """Whether the run was killed; False when it ended by itself before. Raises `RuntimeError` when it failed."""
    process = start(config)
    try:
        if process.wait(seconds):
            raise RuntimeError(f"the run ended with {process.returncode}")
        return False
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True


def rows_of(out: Path) -> dict[str, Counter[str]]:
    """How often each row stands in each table, rows as hashes."""
    found: dict[str, Counter[str]] = {}
    for table in TABLES:
        counts: Counter[str] = Counter()
        for part in (out / table).iterdir():
            for row in pq.read_table(part).to_pylist():
                counts[hashlib.sha256(repr(row).encode()).hexdigest()] += 1
        found[table] = counts
    return found


def resume(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Seconds of a whole run, of one killed half-way and resumed, and of the same command on a finished folder."""
    inputs = write_rows(folder / "in.jsonl", options.sentences)
    config = ScoreConfig(inputs=(str(inputs),), out=folder / "whole", model=options.model, shard_rows=250)
    begun = time.monotonic()
    score(config)
    whole = time.monotonic() - begun
    begun = time.monotonic()
    score(config)
    again = time.monotonic() - begun
    halved = config.model_copy(update={"out": folder / "halved"})
    begun = time.monotonic()
    killed_after(halved, whole / 2)
    score(halved)
    return {"whole": whole, "killed_and_resumed": time.monotonic() - begun, "nothing_to_do": again}


def kills(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Runs killed at random moments until `options.kills` are reached: rows lost, rows doubled, time lost."""
    inputs = write_rows(folder / "in.jsonl", options.sentences)
    config = ScoreConfig(
        inputs=(str(inputs),), out=folder / "whole", model=options.model, engine=options.engine, shard_rows=50
    )
    # The first run warms the machine up; the second tells how long one takes.
    killed_after(config.model_copy(update={"out": folder / "warm"}), 1e9)
    begun = time.monotonic()
    killed_after(config, 1e9)
    undisturbed = time.monotonic() - begun
    reference, rng = rows_of(config.out), random.Random(0)
    found: dict[str, Any] = {"engine": options.engine, "undisturbed_s": undisturbed, "runs": []}
    done = 0
    while done < options.kills:
        out = folder / f"killed{len(found['runs'])}"
        row = _one(config.model_copy(update={"out": out}), undisturbed, options.kills - done, rng)
        counts = rows_of(out)
        row["lost"] = sum((reference[t] - counts[t]).total() for t in TABLES)
        row["doubled"] = sum((counts[t] - reference[t]).total() for t in TABLES)
        row["lost_s"] = row["seconds"] - undisturbed
        found["runs"].append(row)
        done += row["kills"]
    return {**found, "kills": done, **{k: sum(r[k] for r in found["runs"]) for k in ("lost", "doubled")}}


def _one(config: ScoreConfig, undisturbed: float, most: int, rng: random.Random) -> dict[str, Any]:
    """One run to its end, killed up to `most` times on the way."""
    count, begun = 0, time.monotonic()
    while count < most and killed_after(config, rng.uniform(0.05, 0.6) * undisturbed):
        count += 1
    killed_after(config, 1e9)
    return {"kills": count, "seconds": time.monotonic() - begun}
