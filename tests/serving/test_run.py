"""`serve` says what is wrong before it serves anything."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.serving.conftest import ROOT, free_port

START = """
import pathlib, sys
from serving.config import ConfigError
from serving.run import serve
from stance.artifact import ArtifactError
try:
    serve(pathlib.Path(sys.argv[1]))
except (ArtifactError, ConfigError) as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


def start(folder: Path, **config: object) -> str:
    """The last line that a service says which cannot start."""
    (folder / "serving.yaml").write_text(yaml.safe_dump(config))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", START, str(folder / "serving.yaml")]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    return ended.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_model_that_is_not_there_is_named(tmp_path: Path, workers: int) -> None:
    message = start(tmp_path, model=str(tmp_path / "none"), port=free_port(), workers=workers)
    assert message.startswith("ArtifactError: ")
    assert str(tmp_path / "none") in message


def test_an_altered_model_is_refused(tmp_path: Path, tiny_model: Path) -> None:
    altered = tmp_path / "model"
    altered.mkdir()
    for file in tiny_model.iterdir():
        (altered / file.name).write_bytes(file.read_bytes())
    with (altered / "actors.onnx").open("ab") as file:
        file.write(b"x")
    assert "actors.onnx: altered or truncated" in start(tmp_path, model=str(altered), port=free_port())


def test_a_taken_port_is_named(tmp_path: Path, tiny_model: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        message = start(tmp_path, model=str(tiny_model), port=port)
    assert message.startswith("ConfigError: port: ")
    assert str(port) in message
