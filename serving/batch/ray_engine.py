"""The Ray engine: the same unit of work on many machines, by Ray Data.

A worker is a Ray actor with a model. Workers read the rows that were set aside and write their parts themselves,
so the output folder must be one that every node sees; the driver hands out shard numbers only. Ray gives the
shards of a worker or a node that died to others.
"""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from serving.batch.errors import BatchError, EngineError, InputError, Stopped
from serving.batch.files import disk_errors
from serving.batch.local import DEATHS, PATIENCE, Begun
from serving.batch.unit import WORK, ShardRecord, ShardScorer, ShardTask, UnitSettings, settle_memory

#: How long an address may take to answer.
CONNECT_SECONDS = 5.0


def score_on_ray(
    settings: UnitSettings,
    tasks: Sequence[ShardTask],
    workers: int | None,
    address: str | None,
    stopped: Callable[[], bool],
) -> Iterator[ShardRecord | Begun]:
    """Score `tasks` on a Ray cluster: the one at `address`, or one of this machine's cores.

    `workers` bounds the actors; by default there are as many as the cluster's cores hold. Raises `InputError`
    without Ray or without an answer at `address`, `EngineError` when the job fails for good, and `Stopped`.
    """
    if not tasks:
        return
    ray = _connect(address)
    try:
        for row in _pipeline(ray, settings, tasks, workers).iter_rows():
            if stopped():
                raise Stopped("stopped; the same command goes on where this one ended")
            if row["error"]:
                raise EngineError(row["error"])
            yield ShardRecord.model_validate_json(row["record"])
    except ray.exceptions.RayError as error:
        raise EngineError(f"Ray gave up: {' '.join(str(error).split())[:300]}; run again to go on") from error
    finally:
        ray.shutdown()


def check_cluster(address: str | None) -> None:
    """Refuse to begin without Ray, or without a cluster at `address`. Raises `InputError`.

    For before the input is read, which may take hours. Without an address the cluster comes with the work.
    """
    if address is None:
        _ray()
    else:
        _connect(address).shutdown()


def _ray() -> Any:
    """The package. Raises `InputError` where it is missing or in use."""
    if find_spec("ray") is None:
        raise InputError("the engine ray needs Ray; install the extra: pip install 'stance[ray]'")
    # Usage is reported to the vendor unless told not to; workers inherit this.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    if ray.is_initialized():
        raise InputError("Ray is in use in this process already; call ray.shutdown() first")
    return ray


def _connect(address: str | None) -> Any:
    ray = _ray()
    if address is not None:
        _knock(address)
    try:
        ray.init(address=address, log_to_driver=False, include_dashboard=False if address is None else None)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise InputError(f"{address or 'local Ray'}: no cluster: {' '.join(str(error).split())[:200]}") from None
    return ray


def _knock(address: str) -> None:
    """Refuse an address where nobody listens, which Ray itself would go on trying for many minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdecimal():  # "auto": Ray looks for a cluster on this machine, and says so when there is none
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
    except OSError as error:
        raise InputError(f"{address}: no cluster: {error}; give the address of a Ray head that runs") from None


def _pipeline(ray: Any, settings: UnitSettings, tasks: Sequence[ShardTask], workers: int | None) -> Any:
    """A dataset of one row a shard: its record, or the reason why the run cannot go on.

    Ray Data restarts dead actors and repeats their tasks without limit unless told otherwise, but the first
    one whose start raises would end the run, hence the setting. For those that are killed see `_loading`.
    """
    threads = settings.threads or 1
    nodes = int(ray.cluster_resources().get("CPU", 1))
    most = min(len(tasks), workers or max(1, nodes // threads))
    settings = settings.model_copy(update={"threads": threads})
    rows = [{"task": task.model_dump_json()} for task in tasks]
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.max_consecutive_actor_init_deaths = PATIENCE - 1
    return ray.data.from_items(rows, override_num_blocks=len(rows)).map_batches(
        _RayWorker,
        fn_constructor_args=(settings.model_dump_json(),),
        batch_size=1,
        batch_format="numpy",
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=most, max_tasks_in_flight_per_actor=2),
        num_cpus=threads,
    )


@contextmanager
def _loading(mark: Path) -> Iterator[None]:
    """Count in the file `mark` how often a worker began to load and did not live to end it.

    Ray starts a killed worker again without end and tells it nothing of its earlier lives; the output folder is what
    all of them see. Raises `EngineError` when there were too many in a row.
    """
    if mark.exists() and mark.stat().st_size >= PATIENCE:
        raise EngineError(
            f"a worker died {PATIENCE} times in a row while it loaded the model; is there enough memory? "
            "try fewer --workers"
        )
    with mark.open("ab") as file:
        file.write(b".")
    yield
    mark.unlink(missing_ok=True)


def _attempt(journal: Path, task: ShardTask) -> ShardTask:
    """The task as it is tried after the attempts in `journal`, none of which a worker lived to end; as `local` does.

    Each attempt begins a line of the journal; a careful one adds the position of every row that it begins. Raises
    `EngineError` when workers die whatever they are given.
    """
    attempts = journal.read_text(encoding="ascii").split("\n")[1:] if journal.exists() else []
    died_at = Counter(int(rows[-1]) for rows in map(str.split, attempts) if rows)
    poison = tuple(sorted(position for position, deaths in died_at.items() if deaths >= DEATHS))
    if len(attempts) >= PATIENCE + DEATHS * len(poison):
        raise EngineError(
            f"{len(attempts)} workers died one after the other on shard {task.shard.index}; is there enough memory? "
            "try fewer --workers"
        )
    return task.model_copy(update={"careful": len(attempts) >= DEATHS, "poison": poison})


def _score(scorer: ShardScorer, task: ShardTask) -> ShardRecord:
    """Score a shard, and keep account of how far this attempt comes until it has ended."""
    out = Path(scorer.settings.out)
    journal = out / WORK / f"attempts-{task.shard.name}"
    task = _attempt(journal, task)
    with disk_errors(out), journal.open("ab", buffering=0) as file:
        file.write(b"\n")

        def begin(position: int, rows: int) -> None:
            if task.careful:
                file.write(b"%d " % position)

        record = scorer.score(task, begin)
    journal.unlink(missing_ok=True)
    return record


class _RayWorker:
    """Holds the model; Ray calls it with one shard at a time."""

    def __init__(self, settings: str) -> None:
        self._scorer: ShardScorer | None = None
        self._refusal = ""
        try:
            self._scorer = self._load(UnitSettings.model_validate_json(settings))
        except (BatchError, ValueError) as error:
            # An exception here would make Ray start the worker again and again.
            self._refusal = str(error)

    def _load(self, settings: UnitSettings) -> ShardScorer:
        import ray

        with _loading(Path(settings.out) / WORK / f"loading-{ray.get_runtime_context().get_actor_id()}"):
            scorer = ShardScorer(settings)
        settle_memory()
        return scorer

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        """Score the batch's shard."""
        if self._scorer is None:
            return {"record": [""], "error": [self._refusal]}
        task = ShardTask.model_validate_json(str(batch["task"][0]))
        try:
            return {"record": [_score(self._scorer, task).model_dump_json()], "error": [""]}
        except BatchError as error:
            return {"record": [""], "error": [str(error)]}
