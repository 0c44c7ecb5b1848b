"""Work beside the answers: bounded, counted, and never in anybody's way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from itertools import count

import pytest
from prometheus_client import REGISTRY

from serving.aside.queue import Aside

_numbers = count()


@pytest.fixture
def name() -> str:
    """Metrics are of the process, so each test needs names of its own."""
    return f"test{next(_numbers)}"


@pytest.fixture
def started(name: str) -> Iterator[Callable[..., Aside[int]]]:
    """Makes asides that are closed in the end."""
    made: list[Aside[int]] = []

    def make(work: Callable[[int], None], queued: int, begin: Callable[[], None] | None = None) -> Aside[int]:
        made.append(Aside(name, work, queued, begin))
        made[-1].start()
        return made[-1]

    yield make
    for aside in made:
        aside.close()


def counted(name: str, outcome: str, number: int) -> bool:
    """Whether the metric gets to `number` within some seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if REGISTRY.get_sample_value(f"stance_{name}_documents_total", {"outcome": outcome}) == number:
            return True
        time.sleep(0.01)
    return False


def test_what_has_no_room_is_dropped_and_counted_without_waiting(name: str, started: Callable[..., Aside[int]]) -> None:
    begun, release, done = threading.Event(), threading.Event(), []

    def work(item: int) -> None:
        begun.set()
        release.wait(10)
        done.append(item)

    aside = started(work, 2)
    aside.offer([0])
    assert begun.wait(10)
    before = time.monotonic()
    aside.offer(range(1, 100))
    assert time.monotonic() - before < 5
    assert counted(name, "dropped", 97)
    release.set()
    assert counted(name, "done", 3)
    assert done == [0, 1, 2]


def test_a_failure_costs_its_own_document_only(name: str, started: Callable[..., Aside[int]]) -> None:
    done: list[float] = []
    aside = started(lambda item: done.append(1 / item), 10)
    aside.offer([0, 1])
    assert counted(name, "done", 1)
    assert counted(name, "failed", 1)
    assert done == [1.0]


def test_without_its_beginning_every_document_fails_and_none_waits(
    name: str, started: Callable[..., Aside[int]]
) -> None:
    def begin() -> None:
        raise OSError("no such model")

    aside = started(lambda item: None, 2, begin)
    for _ in range(5):
        aside.offer([1])
        time.sleep(0.02)
    assert counted(name, "failed", 5)


def test_the_end_waits_for_the_item_in_work_only(name: str) -> None:
    begun, done = threading.Event(), []

    def work(item: int) -> None:
        begun.set()
        time.sleep(0.05)
        done.append(item)

    aside = Aside(name, work, 10)
    aside.start()
    aside.offer([1, 2, 3])
    begun.wait(10)
    aside.close()
    assert done == [1]
