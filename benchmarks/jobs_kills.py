"""What being killed costs a job over HTTP: SIGKILL for every process of the service at random moments.

    python -m benchmarks.jobs_kills [--model M] [--kills 50] [--sentences 2000] [--out F]

One job is scored undisturbed, as the reference. Then jobs of the same rows are sent, and the service with its runner
and workers is killed at random moments and started again, until `--kills` are reached; the last job is left to end.
Rows lost and doubled are counted over all five tables; time lost is that of the killed jobs beyond the undisturbed one,
restarts of the service included.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import yaml

from benchmarks.batch_input import write_rows
from benchmarks.batch_kills import TABLES, rows_of
from benchmarks.http import ROOT, await_ready, free_port

_START = "import pathlib, sys; from serving.run import serve; serve(pathlib.Path(sys.argv[1]))"


class Service:
    """The service with all its processes in one group."""

    def __init__(self, folder: Path, model: str | None) -> None:
        """Write its configuration and start it."""
        port = free_port()
        self.jobs = folder / "jobs"
        self._folder = folder
        self._url = f"http://127.0.0.1:{port}"
        settings = {"model": model, "port": port, "jobs": {"folder": str(self.jobs), "shard_rows": 50}}
        (folder / "serving.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        self.client = httpx.Client(base_url=self._url, timeout=60)
        self.start()

    def start(self) -> None:
        """Start it, again after a kill, and wait until it is ready."""
        log = self._folder / "log.txt"
        with log.open("a") as file:
            command = [sys.executable, "-c", _START, str(self._folder / "serving.yaml")]
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=file, start_new_session=True)
        await_ready(self._url, self._process, log)

    def kill(self) -> None:
        """SIGKILL for all its processes at once."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def send(self, rows: Path) -> str:
        """Begin a job; its id."""
        headers = {"content-type": "application/x-ndjson"}
        return str(self.client.post("/v1/jobs", content=rows.read_bytes(), headers=headers).json()["id"])

    def ended(self, job: str, seconds: float) -> bool:
        """Whether a job ends within that time. Raises `RuntimeError` for one that ends without a result."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            view = self.client.get(f"/v1/jobs/{job}").json()
            if view["state"] == "done":
                return True
            if view["state"] not in ("queued", "running"):
                raise RuntimeError(f"the job ended badly: {view}")
            time.sleep(0.05)
        return False


def run(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """All figures of one run."""
    rows = write_rows(folder / "in.jsonl", asked.sentences)
    service = Service(folder, asked.model)
    try:
        service.ended(service.send(rows), 1e9)  # the first job warms the machine up
        begun = time.monotonic()
        whole = service.send(rows)
        service.ended(whole, 1e9)
        undisturbed = time.monotonic() - begun
        reference, rng, runs = rows_of(service.jobs / whole / "out"), random.Random(0), list[dict[str, Any]]()
        while (done := sum(each["kills"] for each in runs)) < asked.kills:
            job, row = _one(service, rows, undisturbed, asked.kills - done, rng)
            counts = rows_of(service.jobs / job / "out")
            row["lost"] = sum((reference[t] - counts[t]).total() for t in TABLES)
            row["doubled"] = sum((counts[t] - reference[t]).total() for t in TABLES)
            row["lost_s"] = round(row["seconds"] - undisturbed, 2)
            runs.append(row)
    finally:
        service.kill()
    return {
        "engine": "http",
        "rows": asked.sentences,
        "undisturbed_s": round(undisturbed, 2),
        "runs": runs,
        "kills": done,
        "lost": sum(each["lost"] for each in runs),
        "doubled": sum(each["doubled"] for each in runs),
        "lost_s_per_kill": round(sum(each["lost_s"] for each in runs) / max(1, done), 2),
        "load": os.getloadavg()[0],
    }


def _one(service: Service, rows: Path, undisturbed: float, most: int, rng: random.Random) -> tuple[str, dict[str, Any]]:
    """One job to its end, killed up to `most` times on the way."""
    begun, count = time.monotonic(), 0
    job = service.send(rows)
    while not service.ended(job, rng.uniform(0.05, 0.6) * undisturbed if count < most else 1e9):
        service.kill()
        service.start()
        count += 1
    return job, {"kills": count, "seconds": round(time.monotonic() - begun, 2)}


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--sentences", type=int, default=2_000)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        text = json.dumps(run(asked, Path(folder)), indent=1)
    if asked.out:
        asked.out.write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
