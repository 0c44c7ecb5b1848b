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

import psutil
import pyarrow.parquet as pq

from benchmarks.batch_input import write_rows
from serving.batch import ScoreConfig, score

TABLES = ("results", "sentiment", "stances", "relations", "errors")
#: Small shards, so that a run of seconds has many moments to be killed in.
SHARD_ROWS = 50
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
        kill_tree(process)
        return True


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL for a process and all below it, those of Ray in process groups of their own included."""
    below = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGKILL)
    for each in below:
        if each.is_running():
            each.kill()
    process.wait()
    psutil.wait_procs(below, 30)


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
    inputs = write_rows(folder / "in.jsonl", options.sentences, options.data)
    config = ScoreConfig(inputs=(str(inputs),), out=folder / "whole", model=options.model, shard_rows=250)
    killed_after(config.model_copy(update={"out": folder / "warm"}), 1e9)
    begun = time.monotonic()
    killed_after(config, 1e9)
    whole = time.monotonic() - begun
    begun = time.monotonic()
    killed_after(config, 1e9)
    again = time.monotonic() - begun
    halved = config.model_copy(update={"out": folder / "halved"})
    begun = time.monotonic()
    killed = killed_after(halved, whole / 2)
    resumed = score(halved).resumed
    seconds = {"whole": whole, "killed half-way, resumed": time.monotonic() - begun, "nothing to do": again}
    return {"sentences": options.sentences, "killed": killed, "shards_kept": resumed, "seconds": seconds}


def kills(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The kill table: as many kills for each engine, at random moments; rows lost, rows doubled, time lost."""
    engines = options.engines.split(",")
    each = -(-options.kills // len(engines))
    found: dict[str, Any] = {}
    for engine in engines:
        (folder / engine).mkdir()
        found[engine] = (
            _over_http(options, folder / engine, each)
            if engine == "http"
            else _runs(options, folder / engine, engine, each)
        )
    total = {name: sum(f[name] for f in found.values()) for name in ("kills", "lost", "doubled")}
    return {"rows": options.sentences, "engines": found, **total}


def _over_http(options: argparse.Namespace, folder: Path, most: int) -> dict[str, Any]:
    from benchmarks.jobs_kills import run

    asked = argparse.Namespace(model=options.model, sentences=options.sentences, kills=most)
    return run(asked, folder)


def _runs(options: argparse.Namespace, folder: Path, engine: str, most: int) -> dict[str, Any]:
    """Runs killed at random moments until there were `most` kills."""
    inputs = write_rows(folder / "in.jsonl", options.sentences, options.data)
    config = ScoreConfig(
        inputs=(str(inputs),), out=folder / "whole", model=options.model, engine=engine, shard_rows=SHARD_ROWS
    )
    # The first run warms the machine up; the second tells how long one takes.
    killed_after(config.model_copy(update={"out": folder / "warm"}), 1e9)
    begun = time.monotonic()
    killed_after(config, 1e9)
    undisturbed = time.monotonic() - begun
    reference, rng, runs = rows_of(config.out), random.Random(0), list[dict[str, Any]]()
    while (done := sum(row["kills"] for row in runs)) < most:
        out = folder / f"killed{len(runs)}"
        row = _one(config.model_copy(update={"out": out}), undisturbed, most - done, rng)
        counts = rows_of(out)
        row["lost"] = sum((reference[t] - counts[t]).total() for t in TABLES)
        row["doubled"] = sum((counts[t] - reference[t]).total() for t in TABLES)
        row["lost_s"] = round(row["seconds"] - undisturbed, 2)
        runs.append(row)
    return {
        "engine": engine,
        "rows": options.sentences,
        "undisturbed_s": round(undisturbed, 2),
        "runs": runs,
        "kills": done,
        "lost": sum(row["lost"] for row in runs),
        "doubled": sum(row["doubled"] for row in runs),
        "lost_s_per_kill": round(sum(row["lost_s"] for row in runs) / max(1, done), 2),
        "load": os.getloadavg()[0],
    }


def _one(config: ScoreConfig, undisturbed: float, most: int, rng: random.Random) -> dict[str, Any]:
    """One run to its end, killed up to `most` times on the way."""
    count, begun = 0, time.monotonic()
    while count < most and killed_after(config, rng.uniform(0.05, 0.6) * undisturbed):
        count += 1
    killed_after(config, 1e9)
    return {"kills": count, "seconds": round(time.monotonic() - begun, 2)}
