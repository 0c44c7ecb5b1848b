"""Worker processes: shared work, killed workers and killed runs, rows that kill."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

import pytest

from serving.batch import local
from serving.batch.config import ScoreConfig
from serving.batch.engine import score
from serving.batch.errors import EngineError, OutputError, Stopped
from serving.batch.local import Begun, Pool, _Worker
from serving.batch.progress import State
from serving.batch.run import open_run
from serving.batch.unit import ShardRecord
from tests.serving.batch.conftest import Score
from tests.serving.batch.helpers import documents, flat_tables, write_jsonl
from tests.serving.conftest import ROOT

#: A run that waits at each news of its progress, so that no machine is through before it is killed.
RUN = """
import sys, time
from serving.batch.config import ScoreConfig
from serving.batch.engine import score
if __name__ == "__main__":
    score(ScoreConfig.model_validate_json(sys.argv[1]), lambda state: time.sleep(0.05))
"""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_jsonl(tmp_path_factory.mktemp("inputs") / "in.jsonl", documents(60))


@pytest.fixture(scope="module")
def whole(inputs: Path, tmp_path_factory: pytest.TempPathFactory, score_here: Score) -> Path:
    out = tmp_path_factory.mktemp("whole") / "out"
    score_here(inputs, out)
    return out


@pytest.fixture
def config(inputs: Path, tmp_path: Path, tiny_model: Path) -> ScoreConfig:
    return ScoreConfig(inputs=(str(inputs),), out=tmp_path / "out", model=str(tiny_model), workers=2, shard_rows=7)


def test_two_workers_give_what_one_gives(config: ScoreConfig, whole: Path) -> None:
    states: list[State] = []
    summary = score(config, states.append)
    assert (summary.rows, summary.failed, summary.shards, summary.exit_code) == (60, 0, 9, 0)
    assert flat_tables(config.out) == flat_tables(whole)
    assert (states[0].phase, states[-1].rows, states[-1].total) == ("scoring", 60, 60)


def test_the_documented_example_is_a_script(inputs: Path, tmp_path: Path, tiny_model: Path) -> None:
    example = re.search(r"```python\n(.*?)```", (ROOT / "docs" / "batch.md").read_text(), re.DOTALL)
    assert example is not None
    script = example[1].replace('out=Path("scored")', f'out=Path("scored"), model={str(tiny_model)!r}, workers=2')
    assert script != example[1]
    (tmp_path / "example.py").write_text(f"{script}\nprint(summary.rows, summary.failed)\n")
    (tmp_path / "news").mkdir()
    shutil.copy(inputs, tmp_path / "news")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "example.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stdout.split()) == (0, ["60", "0"]), done.stderr
    assert (tmp_path / "scored" / "report.html").exists()


def test_a_worker_imports_nothing_from_the_folder_where_the_command_was_given(
    config: ScoreConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong module')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    assert score(config).failed == 0


def run_and_kill(config: ScoreConfig, finished: int, seconds: float) -> bool:
    """Run in a process group of its own and kill all of it `seconds` after `finished` shards are there.

    Whether it was still at work.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", RUN, config.model_dump_json()]
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    while process.poll() is None and len(records(config)) < finished:
        time.sleep(0.01)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    assert process.returncode == 0
    return False


def records(config: ScoreConfig) -> dict[str, int]:
    """The entries of the manifest with the time when each was written."""
    return {path.name: path.stat().st_mtime_ns for path in (config.out / "manifest").glob("part-*.json")}


def test_a_run_killed_again_and_again_ends_as_if_it_had_not_been(config: ScoreConfig, whole: Path) -> None:
    config = config.model_copy(update={"shard_rows": 1})
    rng, kills, before = random.Random(1), 0, dict[str, int]()
    for _ in range(8):
        kills += run_and_kill(config, len(before) + rng.randrange(4), rng.uniform(0.0, 0.2))
        now = records(config)
        # A finished shard is never written again.
        assert {name: now[name] for name in before} == before
        before = now
    assert kills > 3
    assert not run_and_kill(config, 0, 600)
    assert flat_tables(config.out) == flat_tables(whole)
    assert json.loads((config.out / "summary.json").read_text())["rows"] == 60


def test_killed_workers_are_replaced(config: ScoreConfig, whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listen = Pool._listen
    kills = iter([True, False, True])

    def killing(self: Pool, worker: _Worker) -> Any:
        for event in listen(self, worker):
            if isinstance(event, Begun) and next(kills, False):
                worker.process.kill()
            yield event

    monkeypatch.setattr(Pool, "_listen", killing)
    assert score(config).failed == 0
    assert flat_tables(config.out) == flat_tables(whole)


def test_a_row_that_kills_its_worker_is_given_up(config: ScoreConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    listen = Pool._listen

    def killing(self: Pool, worker: _Worker) -> Any:
        for event in listen(self, worker):
            # The row at position 10 is the fourth of the second shard.
            task = worker.task
            deadly = task is not None and task.shard.index == 1 and 10 not in task.poison
            if isinstance(event, Begun) and deadly and (worker.position == 10 or not task.careful):
                worker.process.kill()
            yield event

    monkeypatch.setattr(Pool, "_listen", killing)
    summary = score(config)
    assert (summary.rows, summary.errors) == (60, {"worker_died": 1})
    assert "d10 " in summary.failures[0]


def test_workers_that_only_die_end_the_run(config: ScoreConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "PATIENCE", 3)
    monkeypatch.setattr(_Worker, "give", lambda self, task: (setattr(self, "task", task), self.process.kill()))
    with pytest.raises(EngineError, match=r"3 workers died.*fewer --workers"):
        score(config)


def test_a_worker_of_other_code_is_refused(config: ScoreConfig) -> None:
    with open_run(config) as run:
        settings = run.settings.model_copy(update={"code": "0+other"})
        with pytest.raises(OutputError, match="install one version"):
            list(local.score_locally(settings, run.pending(), 1, lambda: False))


def test_stopping_ends_the_workers(config: ScoreConfig, whole: Path) -> None:
    shards: list[ShardRecord] = []
    with open_run(config) as run:
        events = local.score_locally(run.settings, run.pending(), 1, lambda: len(shards) > 1)
        records = (event for event in events if isinstance(event, ShardRecord))
        with pytest.raises(Stopped):
            deque(map(shards.append, records))
    assert score(config).resumed >= 1
    assert flat_tables(config.out) == flat_tables(whole)


def test_workers_do_not_outlive_a_killed_run(config: ScoreConfig, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", RUN, config.model_dump_json()], env=environment)
    deadline = time.monotonic() + 120
    while not (children := _children(process.pid)) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.wait()
    while any(Path(f"/proc/{child}").exists() for child in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert children
    assert not any(Path(f"/proc/{child}").exists() for child in children)


def _children(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return []
