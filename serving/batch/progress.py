"""How far a run is: a bar with rate and time left on a terminal, log lines otherwise."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

#: Seconds between two log lines.
LOG_EVERY = 10.0

logger = logging.getLogger("stance.batch")


class State(NamedTuple):
    """How far a run is. `rows` are done of `total` (None while the input is being read)."""

    phase: Literal["reading", "scoring"]
    rows: int
    total: int | None
    failed: int = 0
    sentences: int = 0
    #: Rows that an earlier call had scored already.
    resumed: int = 0


Listener = Callable[[State], None]


@contextmanager
def shown_progress(console: Console | None = None) -> Iterator[Listener]:
    """A listener for the standard error stream: a bar on a terminal, else log lines."""
    console = console or Console(stderr=True)
    if not console.is_terminal:
        yield log_lines()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=console) as bar:
        tasks = {phase: bar.add_task(phase, total=None, rate="", visible=False) for phase in ("reading", "scoring")}
        begun = time.monotonic()

        def listen(state: State) -> None:
            nonlocal begun
            task = bar.tasks[tasks[state.phase]]
            if not task.visible:
                begun = time.monotonic()
            bar.update(
                task.id, completed=state.rows, total=state.total, rate=_rate(state, begun), visible=True, refresh=False
            )

        yield listen


def log_lines(every: float = LOG_EVERY) -> Listener:
    """A listener that logs a line at most every `every` seconds, and at the end."""
    begun = time.monotonic()
    last = -every

    def listen(state: State) -> None:
        nonlocal last, begun
        now = time.monotonic()
        if state.phase == "reading":
            begun = now
        if now - last < every and state.rows != state.total:
            return
        last = now
        of = "" if state.total is None else f" of {state.total}"
        pace = _rate(state, begun, ", ") + _left(state, begun)
        logger.info("%s: %d%s rows, %d failed%s", state.phase, state.rows, of, state.failed, pace)

    return listen


def _rate(state: State, begun: float, before: str = "") -> str:
    """Sentences a second, or rows while reading."""
    seconds = time.monotonic() - begun
    if state.phase == "reading" or seconds < 1:
        return ""
    return f"{before}{state.sentences / seconds:.0f} sentences/s"


def _left(state: State, begun: float) -> str:
    done = state.rows - state.resumed
    if state.total is None or done <= 0 or state.rows >= state.total:
        return ""
    seconds = (time.monotonic() - begun) * (state.total - state.rows) / done
    return f", {seconds / 60:.0f} min left" if seconds >= 90 else f", {seconds:.0f} s left"


def log_to_stderr() -> None:
    """Let log lines of batch runs through to the standard error stream; for programs, not for libraries."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
