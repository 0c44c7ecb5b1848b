"""The durable queue: DBOS in SQLite beside the jobs, or in the Postgres database that STANCE_JOBS_URL names.

A job is one workflow with the job's id. DBOS keeps which jobs there are, whose turn it is, which steps are done and
how each ended; nothing of it leaves the machine: no conductor, no telemetry, JSON and not pickles in the database.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from serving.jobs.folder import JobsFolder
from serving.jobs.job import JobState

if TYPE_CHECKING:
    from dbos import DBOSClient, WorkflowStatus

#: A Postgres URL, for example postgresql://user@host/name; without it `jobs.sqlite` in the folder of jobs.
URL_VARIABLE = "STANCE_JOBS_URL"
WORKFLOW = "score_job"
#: DBOS hands a workflow only to programs of the version that it was enqueued for. A job looks after changes of code
#: itself, so this changes only when a workflow's steps do.
_VERSION = "1"
#: Its tables have a schema of their own in Postgres.
SCHEMA = "stance_jobs"
#: A runner that starts again takes up what the one before it left: both have this name.
EXECUTOR = "runner"
_STATES: dict[str, JobState] = {
    "DELAYED": "queued",
    "ENQUEUED": "queued",
    "PENDING": "running",
    "SUCCESS": "done",
    "ERROR": "failed",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "failed",
    "CANCELLED": "cancelled",
}
_UNFINISHED = ["ENQUEUED", "PENDING", "DELAYED"]
_GAVE_UP = ("gave_up", "the job was begun again and again and never ended; the service's log may say why")


T = TypeVar("T")


class Names(NamedTuple):
    """What DBOS calls the application, its version and its queue: several folders of jobs may share a database."""

    application: str
    version: str
    queue: str

    @classmethod
    def of(cls, jobs: JobsFolder) -> Names:
        """The names for a folder."""
        return cls(f"stance-{jobs.identity}", f"{_VERSION}-{jobs.identity}", f"jobs-{jobs.identity}")


class Entry(NamedTuple):
    """What the queue knows of a job. `failure` is a code and a message."""

    id: str
    state: JobState
    created: datetime
    started: datetime | None
    ended: datetime | None
    summary: dict[str, Any] | None
    failure: tuple[Any, str] | None


def database_url(jobs: JobsFolder) -> str:
    """The database of the queue."""
    return os.environ.get(URL_VARIABLE) or f"sqlite:///{jobs.path / 'jobs.sqlite'}"


class StoreError(Exception):
    """The database does not answer, or cannot be written; `full` where its disk is."""

    @property
    def full(self) -> bool:
        """Whether the disk is full, as SQLite says it."""
        return "disk is full" in str(self)


class JobStore:
    """Reads and writes the queue; runs nothing. Every method raises `StoreError`."""

    def __init__(self, jobs: JobsFolder) -> None:
        """Connect to nothing yet: a service that is asked for no job does not even load DBOS."""
        self._jobs = jobs
        self._lock = threading.Lock()
        self._opened: DBOSClient | None = None

    def submit(self, job: str) -> None:
        """Enqueue a job; one that was enqueued before stays as it is."""
        names = Names.of(self._jobs)
        options: Any = {
            "queue_name": names.queue,
            "workflow_name": WORKFLOW,
            "workflow_id": job,
            "app_version": names.version,
        }
        self._ask(lambda client: client.enqueue(options))

    def get(self, job: str) -> Entry | None:
        """What became of a job; None where there is none."""
        return next(iter(self._list(workflow_ids=[job])), None)

    def newest(self, limit: int) -> list[Entry]:
        """The newest jobs, at most `limit`."""
        return self._list(limit=limit, sort_desc=True)

    def all(self) -> list[Entry]:
        """All jobs, without what they gave."""
        return self._list(load_output=False)

    def unfinished(self) -> int:
        """How many jobs wait or are being scored."""
        return len(self._list(status=_UNFINISHED, load_output=False))

    def again(self, job: str) -> None:
        """Enqueue a job that failed once more; one that is gone, or has not ended, stays as it is."""
        from dbos import error

        names = Names.of(self._jobs)
        # Its journal of steps goes; which shards are done, the manifest of the run says.
        with suppress(error.DBOSException):
            self._ask(
                lambda client: client.rewind_workflow(job, application_version=names.version, queue_name=names.queue)
            )

    def cancel(self, job: str) -> None:
        """Stop a job; one that has ended stays as it is."""
        self._ask(lambda client: client.cancel_workflow(job))

    def forget(self, job: str) -> None:
        """Remove a job from the queue."""
        self._ask(lambda client: client.delete_workflow(job))

    def close(self) -> None:
        """Give the connections back."""
        with self._lock:
            if self._opened is not None:
                self._opened.destroy()
                self._opened = None

    def _list(self, **filters: Any) -> list[Entry]:
        # Not by the queue: a workflow that was cancelled has none.
        found = self._ask(lambda client: client.list_workflows(name=WORKFLOW, load_input=False, **filters))
        return [_entry(status) for status in found]

    def _ask(self, call: Callable[[DBOSClient], T]) -> T:
        from sqlalchemy.exc import SQLAlchemyError

        try:
            with self._lock:
                if self._opened is None:
                    self._opened = self._open()
            return call(self._opened)
        except SQLAlchemyError as error:
            raise StoreError(str(error)) from error

    def _open(self) -> DBOSClient:
        from dbos import DBOS, DBOSClient

        logging.getLogger("dbos").setLevel(logging.WARNING)
        url = database_url(self._jobs)
        DBOS.migrate(url, schema=SCHEMA)
        return DBOSClient(
            system_database_url=url,
            dbos_system_schema=SCHEMA,
            serializer=serializer(),
            application_name=Names.of(self._jobs).application,
            retry_connection_errors=False,
        )


def serializer() -> Any:
    """How values stand in the database: as JSON, for DBOS would pickle them."""
    from dbos import DBOSPortableJSONSerializer

    return DBOSPortableJSONSerializer()


def _entry(status: WorkflowStatus) -> Entry:
    state = _STATES[status.status]
    failure = None
    if state == "failed":
        failure = _GAVE_UP if status.error is None else (getattr(status.error, "code", None), str(status.error))
    return Entry(
        id=status.workflow_id,
        state=state,
        created=_time(status.created_at) or datetime.now(UTC),
        started=_time(status.dequeued_at),
        ended=_time(status.completed_at) or (_time(status.updated_at) if state in ("failed", "cancelled") else None),
        summary=status.output if isinstance(status.output, dict) else None,
        failure=failure,
    )


def _time(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)
