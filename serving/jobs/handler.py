"""What `/v1/jobs` does: takes orders, tells how far they are, cancels, hands out results."""

from __future__ import annotations

import asyncio
import errno
import logging
import shutil
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from serving.batch.errors import InputError
from serving.batch.files import remove
from serving.config import ServingConfig
from serving.errors import ApiError, overloaded
from serving.intake import unprocessable
from serving.jobs.folder import JobFolder, JobsFolder
from serving.jobs.form import Upload
from serving.jobs.job import ENDED, JobInput, JobList, JobRecord, JobRequest, JobView, told_error
from serving.jobs.order import (
    check_readable,
    for_callers,
    id_of,
    read_key,
    read_order,
    record_of,
    score_config,
    sources_of,
)
from serving.jobs.result import FORMATS, MEDIA_TYPES, TABLE_NAMES, stream
from serving.jobs.store import Entry, JobStore, StoreError
from serving.jobs.upload import receive
from stance.faults import Fault
from stance.store import CURRENT

#: Bytes of the disk that uploads leave free.
RESERVE = 268_435_456

T = TypeVar("T")
logger = logging.getLogger("stance.jobs")


class JobsHandler:
    """The handlers. They write down and read; a runner behind them does the work, see `supervisor`."""

    def __init__(self, config: ServingConfig, jobs: JobsFolder, tag: Callable[[], str]) -> None:
        """`tag` gives the tag of the model that answers now."""
        self._config = config
        self._tag = tag
        self._jobs = jobs
        self._store = JobStore(jobs)
        self._keep = timedelta(hours=config.jobs.keep_hours)

    def close(self) -> None:
        """Give the connections to the queue back."""
        self._store.close()

    async def post(self, request: Request) -> Response:
        """201 with the job; 200 where the key's job is there already."""
        key = read_key(request.headers.get("idempotency-key"))
        self._check_room(min(int(request.headers.get("content-length", 0)), self._config.jobs.upload_bytes))
        received = await self._stored(self._receive)
        try:
            body = await receive(request, self._config, received.input)
            order = await asyncio.to_thread(read_order, body, key)
            view, fresh = await self._stored(lambda: self._accept(received, order, body.upload))
        except OSError as error:
            raise _disk_error(error) from error
        finally:
            await asyncio.to_thread(remove, received.path)
        headers = {"Location": f"/v1/jobs/{view.id}"}
        return _json(view, 201 if fresh else 200, headers)

    async def listing(self, limit: int) -> Response:
        """The newest jobs."""
        return _json(await self._stored(lambda: self._listed(limit)))

    async def get(self, request: Request) -> Response:
        """How far a job is, or what became of it."""
        return _json(await self._stored(lambda: self._told(request.path_params["id"])))

    async def delete(self, request: Request) -> Response:
        """Stop a job that has not ended; remove one that has, with its result. The job as it is now, or was."""
        return _json(await self._stored(lambda: self._delete(request.path_params["id"])))

    async def resume(self, request: Request) -> Response:
        """Go on with a job that failed. The job as it is now; unchanged where it is being worked at already."""
        return _json(await self._stored(lambda: self._resume(request.path_params["id"])))

    async def result(self, request: Request) -> Response:
        """A table of a finished job."""
        table = _choice(request, "table", TABLE_NAMES, TABLE_NAMES[0])
        output = _choice(request, "format", FORMATS, FORMATS[0])
        view = await self._stored(lambda: self._told(request.path_params["id"]))
        if view.state != "done":
            why = view.error.message if view.error else "see GET /v1/jobs/" + view.id
            raise ApiError(409, "not_done", f"the job is {view.state} and has no result: {why}")
        folder = self._jobs.job(view.id)
        assert folder is not None
        headers = {"Content-Disposition": f'attachment; filename="{view.id}-{table}.{output}"'}
        return StreamingResponse(
            stream(folder.out, table, output),  # type: ignore[arg-type]
            media_type=MEDIA_TYPES[output],  # type: ignore[index]
            headers=headers,
        )

    def _check_room(self, wanted: int) -> None:
        place = next(path for path in (self._jobs.path, *self._jobs.path.parents) if path.exists())
        if shutil.disk_usage(place).free < RESERVE + wanted:
            raise _disk_error(OSError(errno.ENOSPC, "reserve"))

    def _receive(self) -> JobFolder:
        self._jobs.make()
        return self._jobs.receive()

    def _accept(self, received: JobFolder, order: JobRequest, upload: Upload | None) -> tuple[JobView, bool]:
        """Make a job of what was received, or find the one that its key has. The job, and whether it is new."""
        job = id_of(order.key, self._jobs.identity)
        record = record_of(order, upload, self._model(), self._config)
        folder = self._jobs.job(job)
        assert folder is not None
        fresh = not folder.path.exists()
        if fresh:
            self._check_queue()
            self._check_input(record, received)
            received.keep(record)
            fresh = self._jobs.accept(received, job) is not None
        kept = folder.record()
        if not fresh and kept is not None and kept.fingerprint != record.fingerprint:
            message = "Idempotency-Key: another job has this key; use a new key for another file or other settings"
            raise ApiError(409, "key_reused", message)
        # Again for a job that was there: a crash may have come between its files and the queue.
        self._store.submit(job)
        self._jobs.wake()
        return self._told(job), fresh

    def _model(self) -> str | None:
        """The model of a new job: a tag that may move is replaced by what it stands for now."""
        model = self._config.model
        return self._tag() if model == CURRENT or (model or "").endswith(":latest") else model

    def _check_queue(self) -> None:
        if self._store.unfinished() >= self._config.jobs.queued:
            message = f"{self._config.jobs.queued} jobs have not ended; try again when one has"
            raise overloaded("too_many_jobs", message, 60)

    def _check_input(self, record: JobRecord, received: JobFolder) -> None:
        try:
            sources, _ = sources_of(record, received, self._config.jobs.roots)
            check_readable(sources, score_config(record, received, None))
        except InputError as error:
            raise ApiError(422, "unusable_input", for_callers(error, received.path)) from None

    def _listed(self, limit: int) -> JobList:
        views = [self._view(entry) for entry in self._store.newest(limit)]
        return JobList(jobs=[view for view in views if view is not None])

    def _told(self, job: str) -> JobView:
        entry = self._store.get(job) if self._jobs.job(job) and self._jobs.path.exists() else None
        view = None if entry is None else self._view(entry)
        if view is None:
            raise ApiError(404, "no_such_job", "there is no such job; it never was, was removed, or has expired")
        return view

    def _view(self, entry: Entry) -> JobView | None:
        folder = self._jobs.job(entry.id)
        record = folder.record() if folder is not None else None
        if folder is None or record is None:
            return None
        told = folder.told()
        return JobView.model_validate(
            {
                "id": entry.id,
                "state": entry.state,
                "input": JobInput(name=record.name, bytes=record.bytes),
                "created": entry.created,
                "started": entry.started,
                "ended": entry.ended if entry.state in ENDED else None,
                "expires": entry.ended + self._keep if entry.ended and entry.state in ENDED else None,
                "model": told.get("model"),
                "restarts": told.get("restarts") or None,
                "progress": told.get("progress") if entry.state == "running" else None,
                "summary": entry.summary if entry.state == "done" else None,
                "error": told_error(*entry.failure) if entry.failure else None,
            }
        )

    def _delete(self, job: str) -> JobView:
        view = self._told(job)
        folder = self._jobs.job(job)
        assert folder is not None
        if view.state in ENDED:
            self._jobs.forget(folder)
            self._store.forget(job)
            return view
        self._store.cancel(job)
        folder.cancel()
        self._jobs.wake()
        return self._told(job)

    def _resume(self, job: str) -> JobView:
        view = self._told(job)
        if view.state not in ENDED:
            return view
        if view.state != "failed":
            raise ApiError(409, "not_failed", f"the job is {view.state}; only a failed job can be resumed")
        self._check_queue()
        folder = self._jobs.job(job)
        assert folder is not None
        folder.uncancel()  # somebody may have cancelled the job just when it failed
        self._store.again(job)
        self._jobs.wake()
        return self._told(job)

    async def _stored(self, call: Callable[[], T]) -> T:
        """What `call` returns, run on a thread; raises `ApiError` (503) where the database does not answer."""
        try:
            return await asyncio.to_thread(call)
        except StoreError as error:
            logger.exception("the queue of jobs does not answer")
            if error.full:
                raise _disk_error(OSError(errno.ENOSPC, "database")) from None
            raise overloaded("jobs_unavailable", "the queue of jobs does not answer; try again", 10) from None
        except OSError as error:
            raise _disk_error(error) from error


def _json(body: JobView | JobList, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(body.model_dump_json(exclude_none=True), status, headers, media_type="application/json")


def _disk_error(error: OSError) -> ApiError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return overloaded("no_room", "there is no room for the upload; try again later", 60)
    logger.error("jobs cannot be written: %s", error)
    return overloaded("jobs_unavailable", "the folder of jobs cannot be written; try again", 10)


def _choice(request: Request, name: str, choices: tuple[str, ...], default: str) -> str:
    value = request.query_params.get(name, default)
    if value not in choices:
        raise unprocessable([Fault(name, f"must be one of {', '.join(choices)}")])
    return value
