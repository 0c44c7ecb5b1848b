"""`score`: from inputs to tables, with whichever engine was asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from serving.batch.config import ScoreConfig, ScoreSummary
from serving.batch.local import Begun, score_locally
from serving.batch.progress import Listener, State
from serving.batch.run import Run, finish, open_run
from serving.batch.unit import ShardRecord


def score(
    config: ScoreConfig,
    listener: Listener = lambda state: None,
    stopped: Callable[[], bool] = lambda: False,
) -> ScoreSummary:
    """Score the inputs into the output folder; called again, do only what is missing.

    `listener` is told how far the run is; once `stopped` says so the run ends with `Stopped`. Raises
    `InputError` for what cannot be used, before any work; `OutputError` for a folder that another run holds or
    that belongs to other data or settings, or a full disk; `EngineError` when workers keep dying. All are
    `BatchError`, with a message of one line.
    """
    started = time.monotonic()
    if config.engine == "ray":
        from serving.batch.ray_engine import check_cluster

        check_cluster(config.address)
    with open_run(config, lambda rows: listener(State("reading", rows, None))) as run:
        resumed = set(run.done)
        tracker = _Tracker(run, listener)
        for event in _events(run, stopped):
            tracker.take(event)
        return finish(run, resumed, time.monotonic() - started)


def _events(run: Run, stopped: Callable[[], bool]) -> Iterator[ShardRecord | Begun]:
    if run.config.engine == "ray":
        from serving.batch.ray_engine import score_on_ray

        return score_on_ray(run.settings, run.pending(), run.config.workers, run.config.address, stopped)
    return score_locally(run.settings, run.pending(), run.config.workers, stopped)


class _Tracker:
    """Adds up what the engines tell."""

    def __init__(self, run: Run, listener: Listener) -> None:
        self._run = run
        self._listener = listener
        self._begun: dict[int, int] = {}
        self._resumed = self._rows = sum(record.rows for record in run.done.values())
        self._failed = sum(record.failed for record in run.done.values())
        self._sentences = 0
        self._tell()

    def take(self, event: ShardRecord | Begun) -> None:
        """Take in one event and tell the listener."""
        if isinstance(event, Begun):
            self._begun[event.shard] = event.rows
        else:
            self._begun.pop(event.index, None)
            self._run.done[event.index] = event
            self._rows += event.rows
            self._failed += event.failed
            self._sentences += event.sentences
        self._tell()

    def _tell(self) -> None:
        rows = self._rows + sum(self._begun.values())
        self._listener(State("scoring", rows, self._run.plan.rows, self._failed, self._sentences, self._resumed))
