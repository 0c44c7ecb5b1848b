"""Sees to it that while there is work, one runner does it: however many processes the service has."""

from __future__ import annotations

import fcntl
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from serving.config import JobsConfig
from serving.jobs.folder import JobsFolder

#: Seconds between two looks for work, and for expired results.
POLL = 0.5
LOOK = 60.0
#: Seconds before a runner that died is started again; they double up to the longest wait.
FIRST_WAIT = 0.5
LONGEST_WAIT = 60.0
#: A runner that lived this long did not die of its start.
HEALTHY = 30.0

logger = logging.getLogger("stance.jobs")


class Supervisor:
    """A thread that watches for work and, where no other process of the service does so, keeps a runner alive."""

    def __init__(self, config: JobsConfig) -> None:
        """Start nothing yet."""
        self._config = config
        self._jobs = JobsFolder.of(config)
        self._keep = timedelta(hours=config.keep_hours)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="jobs", daemon=True)
        self._looked: float | None = None

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def close(self) -> None:
        """Stop watching and end the runner; what it had in work, the next one takes up."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                if self._work_waits():
                    with self._alone() as alone:
                        if alone is not None:
                            self._keep_alive(alone)
            except Exception:  # whatever it is, jobs must not wait for good
                logger.exception("jobs cannot be looked after; trying again")
                self._stop.wait(LONGEST_WAIT)
            self._stop.wait(POLL)

    def _work_waits(self) -> bool:
        if self._looked is None or time.monotonic() - self._looked >= LOOK:
            if self._looked is None and any(self._jobs.jobs()):
                self._jobs.wake()  # an earlier service may have left some unfinished
            self._looked = time.monotonic()
            if self._jobs.anything_due(self._keep):
                self._jobs.wake()
        return self._jobs.awake

    @contextmanager
    def _alone(self) -> Iterator[int | None]:
        """The descriptor of the lock if nobody else has it. The kernel lets go of it when all who hold it have died."""
        descriptor = os.open(self._jobs.lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield descriptor
        finally:
            os.close(descriptor)

    def _keep_alive(self, lock: int) -> None:
        """Run the runner until it ends by itself, again where it died."""
        wait = FIRST_WAIT
        while not self._stop.is_set():
            began = time.monotonic()
            code = self._run(lock)
            if code == 0 or self._stop.is_set():
                return
            wait = FIRST_WAIT if time.monotonic() - began > HEALTHY else min(2 * wait, LONGEST_WAIT)
            logger.warning("the runner of jobs died with code %s; starting it again in %.1f s", code, wait)
            self._stop.wait(wait)

    def _run(self, lock: int) -> int:
        """One life of the runner. It inherits the lock, so that no other starts while it lives."""
        # Settings of DBOS in the environment are not for us: they could connect it to a service of its vendor.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DBOS")}
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        command = [sys.executable, "-m", "serving.jobs", self._config.model_dump_json()]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment, pass_fds=(lock,))
        try:
            while process.poll() is None and not self._stop.wait(POLL):
                pass
            return process.poll() or 0
        finally:
            process.kill()
            process.wait()
            if process.stdin is not None:
                process.stdin.close()
