"""One job while the runner has it: its batch run, its workers, and what it tells of itself."""

from __future__ import annotations

import errno
import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from serving.batch.errors import BatchError, EngineError, InputError, Stopped
from serving.batch.files import read_json
from serving.batch.identity import Identity
from serving.batch.local import Begun, Pool
from serving.batch.plan import spool_path, stored_plan
from serving.batch.run import RUN, Run, finish, open_run
from serving.batch.sources import Source
from serving.batch.unit import ShardRecord
from serving.jobs.folder import JobFolder
from serving.jobs.job import JobFailed, JobProgress, JobRecord
from serving.jobs.order import for_callers, score_config, sources_of
from serving.jobs.roots import READ_ONCE

#: Seconds between two signs of life.
TELL_EVERY = 1.0
_UNTOLD = {"out", "ignored", "resumed", "shards", "seconds", "rate"}
logger = logging.getLogger("stance.jobs")


class Progress:
    """What a job tells of itself while it is worked at; kept over restarts."""

    def __init__(self, folder: JobFolder) -> None:
        """Begin where the job was when it last told."""
        self._folder = folder
        told = folder.told()
        self.model: str | None = told.get("model")
        self.restarts: list[str] = told.get("restarts") or []
        self._last = -TELL_EVERY

    def tell(self, progress: JobProgress, at_once: bool = False) -> None:
        """Say how far the job is, not more often than every second unless `at_once`."""
        now = time.monotonic()
        if not at_once and now - self._last < TELL_EVERY:
            return
        self._last = now
        shown = progress.model_dump(mode="json", exclude_none=True)
        self._folder.tell({"model": self.model, "restarts": self.restarts, "progress": shown})

    def reading(self, rows: int) -> None:
        """Say how many rows were read; raises `Stopped` where the job was cancelled."""
        self.tell(JobProgress(phase="reading", rows=rows))
        if self._folder.cancelled:
            raise Stopped("cancelled")


class Work:
    """A run that is open, and the workers that it needs; a shard that the manifest has is done."""

    def __init__(self, run: Run, folder: JobFolder, progress: Progress) -> None:
        """Start no worker yet: a job that only has to end needs none."""
        self._run = run
        self._folder = folder
        self._progress = progress
        self._pool: Pool | None = None
        self._resumed = set(run.done)
        self._rows = self._rows_before = sum(record.rows for record in run.done.values())
        self._failed = sum(record.failed for record in run.done.values())
        self._sentences = sum(record.sentences for record in run.done.values())
        self._sentences_before = self._sentences
        self._begun = time.monotonic()
        self._tell(at_once=True)

    @property
    def shards(self) -> int:
        """How many shards there are."""
        return len(self._run.plan.shards)

    def missing(self) -> list[int]:
        """The shards without a result of this model, these settings and this code."""
        return [task.shard.index for task in self._run.pending()]

    def score(self, index: int) -> int:
        """See to it that a shard has its result. Raises `JobFailed`, or `Stopped` for a job that was cancelled."""
        if index not in self._run.done:
            with failing(self._folder):
                self._score(index)
        return index

    def _score(self, index: int) -> None:
        if self._pool is None:
            self._pool = Pool(self._run.settings, 1)
        for event in self._pool.run([self._run.task(self._run.plan.shards[index])], lambda: self._folder.cancelled):
            if isinstance(event, ShardRecord):
                self._take(event)
            self._tell(event.rows if isinstance(event, Begun) else 0)

    def _take(self, record: ShardRecord) -> None:
        self._run.done[record.index] = record
        self._rows += record.rows
        self._failed += record.failed
        self._sentences += record.sentences

    def _tell(self, in_work: int = 0, at_once: bool = False) -> None:
        seconds = time.monotonic() - self._begun
        rows, total = self._rows + in_work, self._run.plan.rows
        fresh = rows - self._rows_before
        sentences = self._sentences - self._sentences_before
        progress = JobProgress(
            phase="scoring",
            rows=rows,
            rows_total=total,
            rows_failed=self._failed,
            shards=len(self._run.done),
            shards_total=self.shards,
            sentences=self._sentences,
            rate=round(sentences / seconds, 1) if sentences else None,
            seconds_left=round(seconds * (total - rows) / fresh, 1) if fresh else None,
        )
        self._progress.tell(progress, at_once)

    def finish(self) -> dict[str, Any]:
        """End the run; what it gave."""
        with failing(self._folder):
            summary = finish(self._run, self._resumed, time.monotonic() - self._begun)
        self._tell(at_once=True)
        return summary.model_dump(mode="json", exclude=_UNTOLD)

    def close(self) -> None:
        """End the workers."""
        if self._pool is not None:
            self._pool.close()


@contextmanager
def opened(folder: JobFolder, roots: Sequence[str], threads: int | None) -> Iterator[Work]:
    """Take up a job, reading its input where that was not done before.

    Raises `JobFailed` for a job that cannot be begun or resumed, `Stopped` for one that was cancelled.
    """
    record = folder.record()
    if record is None:
        raise JobFailed("output_failed", "the job's files are gone or damaged; send the job again")
    progress = Progress(folder)
    progress.tell(JobProgress(phase="reading", rows=0), at_once=True)
    before = _identity(folder.out)
    config = score_config(record, folder, threads)
    with failing(folder), open_run(config, progress.reading, _finder(record, folder, roots)) as run:
        progress.model = run.identity.model
        changes = [] if before is None else run.identity.changes(before)
        if changes:
            progress.restarts += ["; ".join(changes)]
            logger.warning("job %s begins again: %s", folder.id, "; ".join(changes))
        work = Work(run, folder, progress)
        try:
            yield work
        finally:
            work.close()


def _identity(out: Path) -> Identity | None:
    raw = read_json(out / RUN)
    try:
        return None if raw is None else Identity.model_validate_json(json.dumps(raw))
    except ValidationError:
        return None


def _finder(record: JobRecord, folder: JobFolder, roots: Sequence[str]) -> Callable[[], tuple[list[Source], list[str]]]:
    """What finds the job's files; once they were read, they are those that were read, whatever became of them."""

    def find() -> tuple[list[Source], list[str]]:
        plan = stored_plan(folder.out)
        if plan is None:
            return sources_of(record, folder, roots)
        if not all(spool_path(folder.out, shard).exists() for shard in plan.shards):
            # Killed at its very end. If the model has changed since, all has to be read again.
            with suppress(InputError):
                return sources_of(record, folder, roots)
        return [Source(label, "", "jsonl", None, READ_ONCE) for label, _ in plan.stamps], []

    return find


@contextmanager
def failing(folder: JobFolder) -> Iterator[None]:
    """Turn what a batch run says into what a job says."""
    try:
        yield
    except Stopped:
        raise
    except BatchError as error:
        raise JobFailed(_code(error), for_callers(error, folder.out)) from error


def _code(error: BatchError) -> str:
    if isinstance(error, InputError):
        return "unusable_input"
    if isinstance(error, EngineError):
        return "workers_died"
    cause = error.__cause__
    full = isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)
    return "no_room" if full or "no room left" in str(error) else "output_failed"
