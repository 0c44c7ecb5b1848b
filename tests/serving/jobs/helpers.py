"""A service with jobs that can be started, killed and started again, and ways to follow a job."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import yaml

from serving.batch.tables import TABLES
from tests.serving.conftest import ROOT, WATCHER, free_port

START = "import sys, pathlib; from serving.run import serve; serve(pathlib.Path(sys.argv[1]))"
#: Lets a shard take at least a tenth of a second (it is flushed some ten times), on a machine of any speed: a job of
#: some dozen shards then is still at work when a test, that has seen the first ones done, kills or cancels it.
SLOW_DISK = """
import time
def flush(descriptor, fsync=os.fsync):
    time.sleep(0.01)
    fsync(descriptor)
os.fsync = flush
"""
#: Seconds that a test waits for anything; machines may be busy.
PATIENCE = 180.0


def until(look: Callable[[], Any], what: str = "it", pause: float = 0.05) -> Any:
    """What `look` gives once that is true."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(pause)
    raise AssertionError(f"{what} did not come")


class JobService:
    """The service as `stance serve` runs it, with all its processes in one group."""

    def __init__(self, folder: Path, model: Path, jobs: dict[str, Any], **config: Any) -> None:
        """Start it and wait until it is ready."""
        self.folder = folder
        self.jobs = folder / "home" / "jobs"
        self._config = {"model": str(model), "port": free_port(), "jobs": {"shard_rows": 4, **jobs}, **config}
        (folder / "serving.yaml").write_text(yaml.safe_dump(self._config))
        (folder / "watch").mkdir()
        (folder / "watch" / "sitecustomize.py").write_text(WATCHER + SLOW_DISK)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self._config['port']}", timeout=60)
        self.start()

    def start(self) -> None:
        """Start the service, again after a kill."""
        kept = {name: value for name, value in os.environ.items() if name != "STANCE_API_KEYS"}
        environment = {
            **kept,
            "PYTHONPATH": f"{self.folder / 'watch'}:{ROOT}",
            "STANCE_HOME": str(self.folder / "home"),
            "STANCE_TEST_NETWORK": str(self.folder / "network.txt"),
        }
        with (self.folder / "log.txt").open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", START, str(self.folder / "serving.yaml")],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(self._ready, "the service")

    def _ready(self) -> bool:
        assert self.process.poll() is None, self.log()
        try:
            return self.client.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def log(self) -> str:
        """What all processes have said."""
        return (self.folder / "log.txt").read_text()

    def kill(self) -> None:
        """SIGKILL for every process of the service at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """End the service as an operator does."""
        self.process.terminate()
        self.process.wait(60)
        self.client.close()

    def send(self, rows: bytes, kind: str = "application/x-ndjson", **headers: str) -> httpx.Response:
        """`POST /v1/jobs` with a file as the body."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post("/v1/jobs", content=rows, headers={"content-type": kind, **named})

    def get(self, job: str) -> dict[str, Any]:
        """How far a job is."""
        return dict(self.client.get(f"/v1/jobs/{job}").json())

    def ended(self, job: str) -> dict[str, Any]:
        """The job once it has ended."""

        def look() -> dict[str, Any] | None:
            view = self.get(job)
            return view if view["state"] in ("done", "failed", "cancelled") else None

        return dict(until(look, "the end"))

    def result(self, job: str, **query: str) -> httpx.Response:
        """A table of a finished job."""
        return self.client.get(f"/v1/jobs/{job}/result", params=query)


def rows_of(out: Path) -> dict[str, Counter[str]]:
    """How often each row stands in each table of a run."""
    return {
        table: Counter(repr(row) for part in (out / table).iterdir() for row in pq.read_table(part).to_pylist())
        for table in TABLES
    }
