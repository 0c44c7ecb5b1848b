"""A browser, and the services whose page it shows: an open one, one that asks for a key, one that is too busy."""

from __future__ import annotations

import asyncio
import shutil
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from serving.app import page_routes
from tests.integrations.browser import Page, running_browser
from tests.serving.conftest import KEY, Service, free_port, run_service
from tests.serving.jobs.helpers import START, JobService, until

#: Characters that the open service takes of a text.
LONGEST_TEXT = 1000


@dataclass(frozen=True)
class Open:
    """The open service, the model folder that it reads, and the database of what readers correct."""

    running: JobService
    model: Path
    corrections: str

    @property
    def address(self) -> str:
        """Where its page is."""
        return str(self.running.client.base_url)


@dataclass
class Busy:
    """A service, or a proxy before it, that has the page and `answer`, once it is `free`, for everything else."""

    address: str
    answer: Response = field(default_factory=lambda: JSONResponse({}, 503))
    free: threading.Event = field(default_factory=threading.Event)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """One browser for all tests; services ask for it first, for without one they need not start."""
    with running_browser(tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture
def page(browser: Page) -> Iterator[Page]:
    """The browser; afterwards the page's script must not have complained. (Answers that are errors are noted too.)"""
    browser.driver.get("about:blank")
    browser.logged()
    yield browser
    assert [entry for entry in browser.logged() if entry["source"] != "network"] == []


@pytest.fixture(scope="session")
def open_service(browser: Page, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    """A service for everybody that takes corrections, short texts, and one job at a time."""
    folder = tmp_path_factory.mktemp("open")
    model = shutil.copytree(tiny_model, tmp_path_factory.mktemp("model") / "model")
    corrections = f"sqlite:///{folder / 'feedback.db'}"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("STANCE_FEEDBACK_URL", corrections)
        limits = {"text_characters": LONGEST_TEXT}
        jobs = {"queued": 1, "threads": 1}
        service = JobService(folder, model, jobs, feedback=True, threads=1, limits=limits)
    yield Open(service, model, corrections)
    service.stop()


@pytest.fixture(scope="session")
def keyed_service(browser: Page, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that asks for a key, and reads one text at a time and lets no other wait."""

    def command(config: Path, port: int) -> list[str]:
        return [sys.executable, "-c", START, str(config)]

    keys = {"STANCE_API_KEYS": KEY}
    yield from run_service(tmp_path_factory.mktemp("keyed"), tiny_model, command, keys, running=1, waiting=0, threads=1)


@pytest.fixture
def busy_service(browser: Page) -> Iterator[Busy]:
    """What gives the answer that a test wants; the project's own service never says 429."""
    port = free_port()
    busy = Busy(f"http://127.0.0.1:{port}")

    async def refuse(request: Request) -> Response:
        await asyncio.to_thread(busy.free.wait)
        return busy.answer

    app = Starlette(routes=[*page_routes(), Route("/{path:path}", refuse, methods=["GET", "POST"])])
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started, "the server")
        yield busy
    finally:
        busy.free.set()
        server.should_exit = True
        thread.join()
