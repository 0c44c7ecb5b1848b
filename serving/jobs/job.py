"""A job: what is asked, what is kept of it, and what is told of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from serving.batch.config import Column, RowLimits
from serving.intake import RawDocument
from stance.schema import Actor, Strict

JobState = Literal["queued", "running", "done", "failed", "cancelled"]
#: States that a job does not leave.
ENDED: tuple[JobState, ...] = ("done", "failed", "cancelled")
#: Why a job failed, as `JobFailed` says.
FAILURES = ("unusable_input", "no_room", "output_failed", "workers_died", "gave_up", "internal")

Key = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]


class JobSettings(Strict):
    """How the rows are read and scored; `id_column` null names rows by their place, `date_column` null has no dates.

    `actors` apply to rows that bring none. With `author` the text's own voice is a holder too.
    """

    actors: list[Actor] | None = None
    include_neutral: bool = False
    author: bool = False
    text_column: Column = "text"
    id_column: Column | None = "id"
    date_column: Column | None = "date"


class JobRequest(JobSettings):
    """The JSON body of `POST /v1/jobs`: `documents`, or the `path` of a file, folder or glob that the service may read.

    `key` makes the request idempotent, as the header Idempotency-Key does.
    """

    documents: list[RawDocument] | None = None
    path: str | None = None
    key: Key | None = None


class JobRecord(Strict):
    """What is kept of a job, in `job.json`; all that its result depends on stays as it was when it was accepted.

    `path` is null for an upload, which lies in the job's own folder as `file`. `model`: as in the configuration,
    with a tag that may move replaced by the one that it stood for.
    """

    settings: JobSettings
    name: str
    bytes: int | None
    file: str | None
    path: str | None
    model: str | None
    shard_rows: int
    limits: RowLimits
    fingerprint: str


class JobInput(Strict):
    """What is scored: the upload's name, or the path that was named; bytes of an upload."""

    name: str
    bytes: int | None = None


class JobProgress(Strict):
    """How far a job is. Totals are null while the input is being read; `rate` is in sentences a second."""

    phase: Literal["reading", "scoring"]
    rows: int
    rows_total: int | None = None
    rows_failed: int = 0
    shards: int = 0
    shards_total: int | None = None
    sentences: int = 0
    rate: float | None = None
    seconds_left: float | None = None


class JobSummary(Strict):
    """What a finished job gave; `failed` rows stand in the table `errors`, counted by code, with the first few here."""

    model: str
    files: int
    rows: int
    failed: int
    sentences: int
    sentiment: int
    stances: int
    relations: int
    abstained: int
    errors: dict[str, int] = Field(default_factory=dict)
    failures: list[str] = Field(default_factory=list)


class JobError(Strict):
    """Why a job failed."""

    code: str
    message: str


class JobView(Strict):
    """A job as it is told; what does not apply to its state is absent. Times are ISO 8601, UTC.

    `restarts` says what made the job begin again, such as a model that is not the one it began with.
    """

    id: str
    state: JobState
    input: JobInput
    created: datetime
    started: datetime | None = None
    ended: datetime | None = None
    expires: datetime | None = None
    model: str | None = None
    progress: JobProgress | None = None
    restarts: list[str] | None = None
    summary: JobSummary | None = None
    error: JobError | None = None


class JobList(Strict):
    """`GET /v1/jobs`: the newest first."""

    jobs: list[JobView]


class JobFailed(Exception):
    """A job that cannot go on; DBOS keeps `code` and the message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def told_error(code: Any, message: str) -> JobError:
    """What a caller is told of a failure; one that nobody foresaw is not shown."""
    if code in FAILURES:
        return JobError(code=code, message=message)
    return JobError(code="internal", message="the job failed; the service's log has the details")
