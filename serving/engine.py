"""Runs classification on a few threads, so that the event loop stays free, and refuses what cannot wait."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from serving.errors import overloaded
from stance.schema import Document, DocumentResult, ItemError

#: Documents, and characters of text, that are classified between two looks at whether anybody still waits:
#: about two seconds' work on two cores, and enough to fill the model's batches.
CHUNK_DOCUMENTS = 64
CHUNK_CHARACTERS = 50_000
#: The longest that a caller is told to wait, in seconds.
LONGEST_WAIT = 60

if TYPE_CHECKING:  # loads OpenVINO, which the supervising process has no use for
    from stance.classifier import StanceClassifier

T = TypeVar("T")


class Abandoned(Exception):
    """Nobody waits for the answer any more."""


class Engine:
    """`running` calls at a time on threads of their own, and `waiting` more in line."""

    def __init__(self, running: int, waiting: int) -> None:
        """Start no thread yet; the pool does so when first needed."""
        self._pool = ThreadPoolExecutor(running, thread_name_prefix="classify")
        self._running = running
        self._places = running + waiting
        self._taken = 0
        self._seconds = 1.0
        self._stops: set[threading.Event] = set()

    def check(self) -> None:
        """Raise `ApiError` (503) when no place is free."""
        if self._taken >= self._places:
            wait = min(LONGEST_WAIT, max(1, math.ceil(self._seconds * self._taken / self._running)))
            raise overloaded("overloaded", f"too many requests at once; try again in {wait} s", wait)

    async def run(self, call: Callable[[threading.Event], T]) -> T:
        """What `call` returns. The event it is given is set once nobody waits for it any more.

        A place stays taken until the call has really ended. Raises `ApiError` (503) when none is free.
        """
        self.check()
        self._taken += 1
        stop = threading.Event()
        self._stops.add(stop)
        started = time.monotonic()
        loop = asyncio.get_running_loop()
        future = self._pool.submit(call, stop)
        future.add_done_callback(lambda done: loop.call_soon_threadsafe(self._release, done, started))
        try:
            return await asyncio.wrap_future(future)
        finally:
            stop.set()
            self._stops.discard(stop)

    def _release(self, done: Future[T], started: float) -> None:
        self._taken -= 1
        if not done.cancelled() and done.exception() is None:
            self._seconds += 0.2 * (time.monotonic() - started - self._seconds)

    def close(self) -> None:
        """Stop the running calls at their next look, and take no more."""
        for stop in list(self._stops):
            stop.set()
        self._pool.shutdown(cancel_futures=True)


def classify_items(
    classifier: StanceClassifier,
    items: Sequence[Document | ItemError],
    include_neutral: bool,
    author: bool,
    stop: threading.Event,
) -> list[DocumentResult | ItemError]:
    """The results of the documents among `items`, in their places; what is an error already stays.

    Raises `Abandoned` when `stop` is set before the end.
    """

    def results() -> Iterator[DocumentResult | ItemError]:
        for chunk in _chunks([item for item in items if isinstance(item, Document)]):
            if stop.is_set():
                raise Abandoned
            yield from classifier.classify(chunk, include_neutral, author)

    found = results()
    return [next(found) if isinstance(item, Document) else item for item in items]


def _chunks(documents: Sequence[Document]) -> Iterator[list[Document]]:
    chunk: list[Document] = []
    characters = 0
    for document in documents:
        if chunk and (len(chunk) == CHUNK_DOCUMENTS or characters + len(document.text) > CHUNK_CHARACTERS):
            yield chunk
            chunk, characters = [], 0
        chunk.append(document)
        characters += len(document.text)
    if chunk:
        yield chunk
