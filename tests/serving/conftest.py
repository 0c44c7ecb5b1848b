"""Two real services on the tiny model: an open one as `stance serve` runs it, a closed one under `bentoml serve`."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.postgres import new_database, running_postgres

ROOT = Path(__file__).resolve().parent.parent.parent
KEY = "a-key"
#: About 30,000 characters: several of them keep even the tiny model busy for some seconds.
LONG_TEXT = "Russia condemned Ukraine. France praised the treaty of the ministry, but officials rejected it. " * 300

# Runs in every process of a service and notes whom it talks to.
WATCHER = """
import os, sys
def note(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.bind"):
        with open(os.environ["STANCE_TEST_NETWORK"], "a") as file:
            file.write(f"{event} {arguments[1] if event != 'socket.getaddrinfo' else arguments[0]!r}\\n")
sys.addaudithook(note)
"""


@dataclass(frozen=True)
class Service:
    """A service that runs: where it is, its process, and the files of its connections and of what it logs."""

    client: httpx.Client
    pid: int
    network: Path
    log: Path

    def classify(self, documents: Sequence[Any], **fields: Any) -> httpx.Response:
        """`POST /v1/classify` with an envelope; lone surrogates travel as JSON escapes."""
        return self.post(json.dumps({"documents": list(documents), **fields}).encode())

    def post(self, body: Any, **headers: str) -> httpx.Response:
        """`POST /v1/classify` with any body."""
        named = {"content-type": "application/json", **{key.replace("_", "-"): value for key, value in headers.items()}}
        return self.client.post("/v1/classify", content=body, headers=named)


def error_of(response: httpx.Response) -> dict[str, Any]:
    """The error of an answer, whose shape is the contract's."""
    body = response.json()
    assert set(body) == {"error"}
    assert {"code", "message"} <= set(body["error"]) <= {"code", "message", "details"}
    return dict(body["error"])


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run_service(
    folder: Path, model: Path, command: Callable[[Path, int], list[str]], extra: dict[str, str], **config: Any
) -> Iterator[Service]:
    """Start a service with a configuration, wait until it is ready, and stop it afterwards."""
    port = free_port()
    (folder / "serving.yaml").write_text(yaml.safe_dump({"model": str(model), "port": port, **config}))
    (folder / "sitecustomize.py").write_text(WATCHER)
    unset = ("STANCE_API_KEYS", "BENTOML_DO_NOT_TRACK")
    environment = {
        **{name: value for name, value in os.environ.items() if name not in unset},
        "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]),
        "PROMETHEUS_MULTIPROC_DIR": str(folder),
        "STANCE_SERVING_CONFIG": str(folder / "serving.yaml"),
        "STANCE_HOME": str(folder / "home"),
        "STANCE_TEST_NETWORK": str(folder / "network.txt"),
        **extra,
    }
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(
            command(folder / "serving.yaml", port), cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        try:
            _await_ready(client, process, folder / "log.txt")
            yield Service(client, process.pid, folder / "network.txt", folder / "log.txt")
        finally:
            process.terminate()
            process.wait(60)


def _await_ready(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(1800):
        assert process.poll() is None, log.read_text()
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="session")
def service(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service as `stance serve` runs it, open to everybody."""

    def command(config: Path, port: int) -> list[str]:
        start = "import sys, pathlib; from serving.run import serve; serve(pathlib.Path(sys.argv[1]))"
        return [sys.executable, "-c", start, str(config)]

    yield from run_service(tmp_path_factory.mktemp("open"), tiny_model, command, {})


@pytest.fixture(scope="session")
def closed_service(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service under `bentoml serve`: with keys, without the page, with no patience and no waiting line."""

    def command(config: Path, port: int) -> list[str]:
        program = str(Path(sys.executable).parent / "bentoml")
        return [program, "serve", "serving.service:StanceService", "--host", "127.0.0.1", "--port", str(port)]

    settings = {"page": False, "running": 1, "waiting": 0, "timeout": 1.5, "threads": 1}
    keys = {"STANCE_API_KEYS": f"another, {KEY}"}
    yield from run_service(tmp_path_factory.mktemp("closed"), tiny_model, command, keys, **settings)


@pytest.fixture
def key() -> dict[str, str]:
    """The header that opens the closed service."""
    return {"Authorization": f"Bearer {KEY}"}


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a Postgres server, without the name of a database."""
    with running_postgres(free_port()) as server:
        yield server


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.integration)])
def database_of_module(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a database, which for SQLite lies in a folder that is not there yet."""
    return _database(request, tmp_path_factory)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.integration)])
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database of the test's own."""
    return _database(request, tmp_path_factory)


def _database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    if request.param == "postgres":
        return new_database(request.getfixturevalue("postgres"))
    return f"sqlite:///{tmp_path_factory.mktemp('database') / 'deep' / 'feedback.db'}"
