"""A Postgres server of the tests' own, where its programs are installed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest


def _as_nobody() -> dict[str, Any]:
    """Postgres does not run as root."""
    return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}


def _program(name: str) -> str:
    found = shutil.which(name) or next(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), None)
    if found is None:
        pytest.skip(f"needs Postgres ({name})")
    return found


@contextmanager
def running_postgres(port: int) -> Iterator[str]:
    """The URL of a server that runs meanwhile, without the name of a database; skips where there is no Postgres."""
    with tempfile.TemporaryDirectory() as folder:
        if _as_nobody():
            shutil.chown(folder, "nobody", "nogroup")
        data = f"{folder}/data"
        initdb = [_program("initdb"), "-D", data, "-U", "stance", "--auth=trust"]
        subprocess.run(initdb, check=True, capture_output=True, cwd=folder, **_as_nobody())
        options = [_program("postgres"), "-D", data, "-p", str(port), "-k", folder, "-h", "127.0.0.1"]
        server = subprocess.Popen(options, stderr=subprocess.DEVNULL, cwd=folder, **_as_nobody())
        try:
            _await([_program("pg_isready"), "-h", "127.0.0.1", "-p", str(port)], server)
            yield f"postgresql://stance@127.0.0.1:{port}"
        finally:
            server.send_signal(signal.SIGINT)  # does not wait for clients that are still connected
            server.wait(60)


def _await(ready: list[str], server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while subprocess.run(ready, capture_output=True).returncode:
        assert server.poll() is None, "Postgres ended"
        assert time.monotonic() < deadline, "Postgres did not start"
        time.sleep(0.1)


def new_database(server: str) -> str:
    """The URL of an empty database in a server."""
    import psycopg

    name = f"test_{uuid4().hex}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"{server}/{name}"
