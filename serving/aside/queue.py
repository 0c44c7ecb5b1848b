"""Work that is done after an answer has gone out, on a thread of its own, or dropped and counted."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

if TYPE_CHECKING:
    from prometheus_client import Counter

Outcome = Literal["done", "dropped", "failed"]
T = TypeVar("T")
logger = logging.getLogger("stance.serving")


class Aside(Generic[T]):
    """A bounded queue and the thread that empties it. `offer` neither waits nor raises."""

    def __init__(
        self, name: str, work: Callable[[T], None], queued: int, begin: Callable[[], None] | None = None
    ) -> None:
        """`work` does one item, after `begin` (once, on the same thread); `queued` items may wait.

        The metric `stance_NAME_documents_total` counts the items by what became of them.
        """
        self._name = name
        self._work = work
        self._begin = begin
        self._items: queue.Queue[T | None] = queue.Queue(queued)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._counter: Counter | None = None

    def start(self) -> None:
        """Begin to work. Only a worker process may call this: its metrics' folder is known by then."""
        from prometheus_client import Counter

        self._counter = Counter(f"stance_{self._name}_documents", f"Documents of {self._name}", ["outcome"])
        self._thread.start()

    def offer(self, items: Sequence[T]) -> None:
        """Take what there is room for; the rest is dropped and counted."""
        for at, item in enumerate(items):
            try:
                self._items.put_nowait(item)
            except queue.Full:
                self._count("dropped", len(items) - at)
                return

    def close(self) -> None:
        """Do the item in work, drop those that wait, and end."""
        self._closing.set()
        if self._thread.is_alive():
            with suppress(queue.Full):
                self._items.put_nowait(None)  # wakes the thread where nothing waits
            self._thread.join()

    def _run(self) -> None:
        try:
            if self._begin is not None:
                self._begin()
        except Exception:
            logger.exception("%s cannot begin; answers go on without it", self._name)
            self._work = _refuse
        while (item := self._items.get()) is not None and not self._closing.is_set():
            try:
                self._work(item)
            except _Unusable:
                self._count("failed")
            except Exception:
                logger.exception("%s failed on a document; answers go on", self._name)
                self._count("failed")
            else:
                self._count("done")

    def _count(self, outcome: Outcome, number: int = 1) -> None:
        if self._counter is not None:
            self._counter.labels(outcome).inc(number)


class _Unusable(Exception):
    """What had to be there before the first item is not; that was logged once."""


def _refuse(_: object) -> None:
    raise _Unusable
