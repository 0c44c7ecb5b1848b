"""Tidies up behind jobs: uploads that are read, what a cancelled job left, results that have expired."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from serving.batch.files import remove
from serving.jobs.folder import STALE_UPLOAD, JobFolder, JobsFolder, newest
from serving.jobs.job import ENDED
from serving.jobs.store import Entry, JobStore


class Sweeper:
    """Looks over all jobs; only the runner does so, hence two sweeps never meet."""

    def __init__(self, jobs: JobsFolder, store: JobStore, keep: timedelta) -> None:
        """Ended jobs stay for `keep`."""
        self._jobs = jobs
        self._store = store
        self._keep = keep

    def sweep(self, at_work: frozenset[str] = frozenset()) -> int:
        """Tidy up everything but jobs `at_work`; how many jobs have not ended."""
        entries = {entry.id: entry for entry in self._store.all()}
        for folder in self._jobs.jobs():
            entry = entries.get(folder.id)
            if entry is None:
                # Its order never reached the queue; or another queue has it, so that there is no hurry.
                drop_older(folder.path, self._keep.total_seconds())
            elif entry.state in ENDED and folder.id not in at_work and not folder.settled(entry.ended):
                settle(folder, entry)
        for entry in entries.values():
            if entry.ended is not None and entry.ended + self._keep < datetime.now(UTC) and entry.id not in at_work:
                self.expire(entry.id)
        for path in self._jobs.incoming.iterdir() if self._jobs.incoming.exists() else ():
            drop_older(path, STALE_UPLOAD)
        return sum(entry.state not in ENDED for entry in entries.values())

    def expire(self, job: str) -> None:
        """Forget a job and its result."""
        folder = self._jobs.job(job)
        if folder is not None:
            self._jobs.forget(folder)
        self._store.forget(job)


def settle(folder: JobFolder, entry: Entry) -> None:
    """Keep of an ended job what its result needs, of a failed one what it needs to go on; note when it ended."""
    if entry.state != "failed":
        remove(folder.input)
    if entry.state == "cancelled":
        remove(folder.out)
    if folder.path.exists():
        folder.ended.touch()
        when = (entry.ended or datetime.now(UTC)).timestamp()
        os.utime(folder.ended, (when, when))


def drop_older(path: Path, seconds: float) -> None:
    """Remove a folder in which nothing has changed for that long."""
    if time.time() - newest(path) > seconds:
        remove(path)
