"""Requests that carry much may take long, so long as something comes or goes; the others may not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from bentoml._internal.server.http.traffic import TimeoutMiddleware
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.guard import Guard, RouteLabels

pytestmark = pytest.mark.alone

#: Seconds; the answers below keep half of it clear, for a busy machine.
TIMEOUT = 1.0


def guarded(app: ASGIApp) -> ASGIApp:
    """An application as BentoML runs it, with a slow route and a hurried one."""
    guard = Guard(app, keys=(), open_paths=(), timeout=TIMEOUT, unhurried=("/slow/{id}",))
    return RouteLabels(TimeoutMiddleware(guard, 2 * TIMEOUT), ("/slow/{id}", "/quick"))


async def slow_answer(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.sleep(4 * TIMEOUT)
    await PlainTextResponse("late")(scope, receive, send)


async def long_answer(scope: Scope, receive: Receive, send: Send) -> None:
    async def pieces() -> Any:
        for _ in range(6):
            await asyncio.sleep(TIMEOUT / 2)
            yield b"x"

    await StreamingResponse(pieces())(scope, receive, send)


def ask(app: ASGIApp, path: str, taken: Callable[[Message], Any] = lambda message: None) -> tuple[int, bytes]:
    """Status and body of an answer; `taken` may hold a message up, as a caller does that stops reading."""
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if wait := taken(message):
            await asyncio.sleep(wait)
        sent.append(message)

    async def run() -> None:
        async with asyncio.timeout(30):
            await app({"type": "http", "method": "GET", "path": path, "headers": []}, receive, send)

    asyncio.run(run())
    assert {message["type"] for message in sent} <= {"http.response.start", "http.response.body"}
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


@pytest.mark.parametrize(("app", "body"), [(slow_answer, b"late"), (long_answer, b"xxxxxx")])
def test_what_may_take_long_is_answered(app: ASGIApp, body: bytes) -> None:
    assert ask(guarded(app), "/slow/1") == (200, body)


def test_the_rest_is_given_up_in_time() -> None:
    status, body = ask(guarded(slow_answer), "/quick")
    assert status == 503
    assert b'"timeout"' in body


def test_a_caller_that_stops_reading_is_left() -> None:
    status, body = ask(guarded(long_answer), "/slow/1", lambda message: message.get("body") and 10 * TIMEOUT)
    assert (status, body) == (200, b"")
