"""The local engine: worker processes, one shard each at a time, replaced when they die.

Processes and not threads: between two calls of the encoder a document is split, matched and assembled in
Python, which threads would do one after the other. `python -m benchmarks.batch rate` measures both.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import subprocess
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import connection
from pathlib import Path
from typing import NamedTuple

from serving.batch.errors import EngineError, OutputError, Stopped
from serving.batch.unit import ShardRecord, ShardTask, UnitSettings

#: Seconds between two looks at whether the run should stop.
POLL = 0.2
#: A shard that killed this many workers is gone through row by row; a row that kills this many is given up.
DEATHS = 2
#: So many workers may die in a row without finishing a shard or giving up a row.
PATIENCE = 10

logger = logging.getLogger("stance.batch")


class Begun(NamedTuple):
    """A worker is about to go on with a shard of which `rows` are done."""

    shard: int
    rows: int


def cores() -> int:
    """How many cores this process may use, a container's quota included."""
    count = len(os.sched_getaffinity(0))
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return count if quota == "max" else max(1, min(count, int(quota) // int(period)))
    except (OSError, ValueError):
        return count


def score_locally(
    settings: UnitSettings, tasks: Sequence[ShardTask], workers: int | None, stopped: Callable[[], bool]
) -> Iterator[ShardRecord | Begun]:
    """Score `tasks` on worker processes; each shard's record as it is finished, and signs of life between.

    Raises `Stopped` soon after `stopped` says so, `OutputError` when a worker cannot write, `EngineError` when
    workers die whatever they are given. Workers never outlive the iterator, nor this process.
    """
    if not tasks:
        return
    count = min(len(tasks), workers or max(1, cores() // (settings.threads or 1)))
    if settings.threads is None:
        settings = settings.model_copy(update={"threads": max(1, cores() // count)})
    pool = Pool(settings, count)
    try:
        yield from pool.run(tasks, stopped)
    finally:
        pool.close()


class _Worker:
    """A process with a model, and the task that it has."""

    def __init__(self, settings: UnitSettings) -> None:
        self.pipe, theirs = multiprocessing.Pipe()
        with theirs:
            self.process = _start(theirs.fileno())
        self.task: ShardTask | None = None
        self.position: int | None = None
        self._send(settings.model_dump_json())

    def give(self, task: ShardTask) -> None:
        """Hand out a task."""
        self.task, self.position = task, None
        self._send(task.model_dump_json())

    def _send(self, message: str) -> None:
        """Tell the worker; one that is dead by now is noticed when it is listened to."""
        try:
            self.pipe.send_bytes(message.encode())
        except OSError:
            logger.debug("a worker was gone before it was told anything")

    def close(self) -> None:
        """Kill the process: a shard is whole or not there, so there is nothing to lose."""
        with self.process:
            self.process.kill()
        self.pipe.close()


def _start(descriptor: int) -> subprocess.Popen[bytes]:
    """A process of `serving.batch.worker` that talks through `descriptor` and imports what this one would.

    -P keeps the folder where the command was given from hiding modules of the same names. The pipe to its stdin tells
    it when this process has ended.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
    command = [sys.executable, "-P", "-m", "serving.batch.worker", str(descriptor)]
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, pass_fds=[descriptor])


class Pool:
    """Hands tasks to workers and puts new workers in the place of dead ones."""

    def __init__(self, settings: UnitSettings, count: int) -> None:
        """Start `count` workers, each a process that loads the model."""
        self._settings = settings
        self._waiting: deque[ShardTask] = deque()
        self._missing = 0
        self._shard_deaths: Counter[int] = Counter()
        self._row_deaths: Counter[int] = Counter()
        self._in_vain = 0
        self._workers = [_Worker(settings) for _ in range(count)]

    def run(self, tasks: Sequence[ShardTask], stopped: Callable[[], bool]) -> Iterator[ShardRecord | Begun]:
        """Events until all `tasks` are done, see `score_locally`; a pool that raised is of no more use."""
        self._waiting.extend(tasks)
        self._missing += len(tasks)
        while self._missing:
            if stopped():
                raise Stopped("stopped; the same command goes on where this one ended")
            for worker in self._workers:
                if worker.task is None and self._waiting:
                    worker.give(self._waiting.popleft())
            pipes = {worker.pipe: worker for worker in self._workers}
            for ready in connection.wait(list(pipes), POLL):
                yield from self._listen(pipes[ready])  # type: ignore[index]

    def _listen(self, worker: _Worker) -> Iterator[ShardRecord | Begun]:
        try:
            kind, _, body = worker.pipe.recv_bytes().decode().partition(" ")
        except (EOFError, OSError):
            self._bury(worker)
            return
        if kind == "error":
            raise OutputError(body)
        if kind == "begun":
            position, _, rows = body.partition(" ")
            worker.position = int(position)
            if worker.task is not None:
                yield Begun(worker.task.shard.index, int(rows))
            return
        worker.task = None
        self._in_vain = 0
        self._missing -= 1
        yield ShardRecord.model_validate_json(body)

    def _bury(self, worker: _Worker) -> None:
        """Replace a dead worker; its shard goes to the front of the line."""
        worker.close()
        self._in_vain += 1
        code = worker.process.returncode
        if self._in_vain >= PATIENCE:
            hint = "; is there enough memory? try fewer --workers" if code == -signal.SIGKILL else ""
            raise EngineError(f"{PATIENCE} workers died one after the other, the last with code {code}{hint}")
        logger.warning("a worker died with code %s; its shard is scored again", code)
        if worker.task is not None:
            self._waiting.appendleft(self._again(worker.task, worker.position))
        self._workers[self._workers.index(worker)] = _Worker(self._settings)

    def _again(self, task: ShardTask, position: int | None) -> ShardTask:
        """The task for the next attempt: careful when it killed before, without a row that killed before."""
        self._shard_deaths[task.shard.index] += 1
        if task.careful and position is not None:
            self._row_deaths[position] += 1
            if self._row_deaths[position] >= DEATHS:
                self._in_vain = 0
                return task.model_copy(update={"poison": (*task.poison, position)})
        careful = self._shard_deaths[task.shard.index] >= DEATHS
        return task.model_copy(update={"careful": careful})

    def close(self) -> None:
        """End every worker."""
        for worker in self._workers:
            worker.close()
