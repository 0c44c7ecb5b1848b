"""The routes of `/v1/jobs`. What they need is loaded with the first request for one, not with the service."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from serving.config import ServingConfig
from serving.intake import unprocessable
from serving.jobs.folder import JobsFolder
from serving.jobs.supervisor import Supervisor
from stance.faults import Fault

if TYPE_CHECKING:
    from serving.jobs.handler import JobsHandler

#: Routes whose requests may take as long as they like, so long as something comes or goes.
UNHURRIED = ("/v1/jobs", "/v1/jobs/{id}/result")
#: Jobs in one list.
LISTED, LISTED_AT_MOST = 50, 500


class JobsApi:
    """The routes, and the supervisor of the runner behind them."""

    def __init__(self, config: ServingConfig, tag: Callable[[], str]) -> None:
        """`tag` gives the tag of the model that answers now."""
        self._config = config
        self._tag = tag
        self._jobs = JobsFolder.of(config.jobs)
        self._supervisor = Supervisor(config.jobs)
        self._lock = threading.Lock()
        self._handler: JobsHandler | None = None

    def routes(self) -> list[Route]:
        """The routes, as Starlette takes them."""
        return [
            Route("/v1/jobs", self.jobs, methods=["GET", "POST"]),
            Route("/v1/jobs/{id}", self.job, methods=["GET", "DELETE"]),
            Route("/v1/jobs/{id}/resume", self.resume, methods=["POST"]),
            Route("/v1/jobs/{id}/result", self.result, methods=["GET"]),
        ]

    def start(self) -> None:
        """Let jobs be worked at from now on; what an earlier service left is taken up."""
        self._supervisor.start()

    def close(self) -> None:
        """Stop working; jobs go on with the next start."""
        self._supervisor.close()
        if self._handler is not None:
            self._handler.close()

    async def jobs(self, request: Request) -> Response:
        """`POST /v1/jobs` and `GET /v1/jobs`."""
        if request.method == "POST":
            return await (await self._loaded()).post(request)
        limit = _limit(request.query_params.get("limit"))
        if not self._jobs.path.exists():  # the page asks, whether anybody ever sends a job or not
            return JSONResponse({"jobs": []})
        return await (await self._loaded()).listing(limit)

    async def job(self, request: Request) -> Response:
        """`GET /v1/jobs/{id}` and `DELETE /v1/jobs/{id}`."""
        handler = await self._loaded()
        return await (handler.delete(request) if request.method == "DELETE" else handler.get(request))

    async def resume(self, request: Request) -> Response:
        """`POST /v1/jobs/{id}/resume`."""
        return await (await self._loaded()).resume(request)

    async def result(self, request: Request) -> Response:
        """`GET /v1/jobs/{id}/result`."""
        return await (await self._loaded()).result(request)

    async def _loaded(self) -> JobsHandler:
        return await asyncio.to_thread(self._load) if self._handler is None else self._handler

    def _load(self) -> JobsHandler:
        from serving.jobs.handler import JobsHandler

        with self._lock:
            if self._handler is None:
                self._handler = JobsHandler(self._config, self._jobs, self._tag)
            return self._handler


def _limit(text: str | None) -> int:
    if text is None:
        return LISTED
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= LISTED_AT_MOST:
        raise unprocessable([Fault("limit", f"must be a whole number from 1 to {LISTED_AT_MOST}")])
    return int(text)
