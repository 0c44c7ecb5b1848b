"""The unit of work: one shard in, one part of every table out, whole or not at all.

Every engine, and every job, calls `ShardScorer.score`. It may be called twice for one shard, in two processes
at once, or be killed anywhere: the parts appear by renaming, and the record that says so is the last to appear.
"""

from __future__ import annotations

import gc
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from serving.batch.config import OutputFormat, RowLimits
from serving.batch.errors import OutputError, Stopped
from serving.batch.files import disk_errors, remove, sync_file, sync_folder, write_json
from serving.batch.identity import code_version
from serving.batch.plan import Shard, read_spool
from serving.batch.tables import TABLES, Scored, TableSet
from serving.config import Limits
from serving.intake import read_document
from stance.artifact import MANIFEST, digest
from stance.schema import Actor, Document, ErrorInfo, ItemError, Strict

if TYPE_CHECKING:  # loads OpenVINO, which the process that only hands out shards has no use for
    from stance.classifier import Call, StanceClassifier

#: Rows that are classified together, each with its document or with what is wrong with it.
Chunk = list[tuple[dict[str, Any], Document | ItemError]]

WORK = ".work"
RECORDS = "manifest"
#: Documents in one call of the classifier, and characters: enough to fill batches of every length.
CHUNK_DOCUMENTS = 256
CHUNK_CHARACTERS = 100_000


class UnitSettings(Strict):
    """What every shard of a run has in common; goes to each worker once, as JSON.

    `model` is a folder, checked against `model_digest`; `threads` is the cores of one worker.
    """

    out: str
    model: str
    model_digest: str
    code: str
    threads: int | None
    format: OutputFormat
    include_neutral: bool
    author: bool
    actors: list[Actor] | None
    limits: RowLimits


class ShardTask(Strict):
    """One shard to score. `careful` goes row by row and tells which; `poison` are rows that kill a worker."""

    shard: Shard
    key: str
    careful: bool = False
    poison: tuple[int, ...] = ()


class ShardRecord(Strict):
    """The manifest's entry of a finished shard: which result it is, what is in it, and how long each file is."""

    index: int
    key: str
    rows: int
    failed: int
    sentences: int
    sentiment: int
    stances: int
    relations: int
    abstained: int
    errors: dict[str, int]
    seconds: float
    files: dict[str, int]


def settle_memory() -> None:
    """Spare the garbage collector what lives as long as the worker; for processes that do nothing but score.

    A chunk's results are many small objects that die by themselves: without this, looking through the model, the
    word lists and them again and again takes two hundredths of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


class ShardScorer:
    """A worker's model with the settings of the run."""

    def __init__(self, settings: UnitSettings) -> None:
        """Load the model. Raises `OutputError` when model or code are not those of the run."""
        from stance.classifier import StanceClassifier

        self.settings = settings
        self._out = Path(settings.out)
        if code_version() != settings.code:
            raise OutputError(f"this worker runs code {code_version()}, the run {settings.code}; install one version")
        if digest(Path(settings.model) / MANIFEST) != settings.model_digest:
            raise OutputError(f"{settings.model}: the model changed while the run went on; run again")
        self._classifier: StanceClassifier = StanceClassifier.load(settings.model, settings.threads)
        limits = settings.limits
        # The bytes of a row bound its aliases.
        self._limits = Limits(
            text_characters=limits.text_characters, actors=limits.actors, aliases=max(1, limits.row_bytes)
        )
        self._used = False

    def score(
        self,
        task: ShardTask,
        begin: Callable[[int, int], None] = lambda position, rows: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> ShardRecord:
        """Score one shard and enter it in the manifest.

        `begin` is told, before each chunk, the position of its first row and how many rows of the shard are done;
        a careful task's chunks are single rows. Raises `Stopped` soon after
        `stopped` says so, `OutputError` when nothing can be written or the shard's rows are not as planned.
        """
        started = time.monotonic()
        folder = self._out / WORK / f"{task.shard.name}-{uuid.uuid4().hex}"
        try:
            with disk_errors(self._out):
                tables = TableSet(folder, self.settings.format)
                try:
                    tally = self._fill(tables, task, begin, stopped)
                    tables.close()
                    record = tally.record(task, time.monotonic() - started, tables)
                    commit(self._out, task.shard, tables, record)
                finally:
                    tables.abandon()
        finally:
            remove(folder)
        self._give_back()
        return record

    def _give_back(self) -> None:
        """Keep the worker's memory what it was, however many shards it scores."""
        from stance.runtime import release_weights, trim_memory

        if not self._used:
            # What the model's first use has packed anew is read no more.
            release_weights()
            self._used = True
        trim_memory()

    def _fill(
        self, tables: TableSet, task: ShardTask, begin: Callable[[int, int], None], stopped: Callable[[], bool]
    ) -> _Tally:
        """Write everything that the shard's rows give."""
        tally = _Tally()
        for chunk, call in self._ahead(task):
            if stopped():
                raise Stopped(f"stopped in shard {task.shard.index}")
            begin(chunk[0][0]["position"], tally.rows)
            scored = self._classify(chunk, call)
            tally.add(scored)
            tables.write(scored)
        return tally

    def _ahead(self, task: ShardTask) -> Iterator[tuple[Chunk, Callable[[], Call]]]:
        """The shard's chunks with their calls, prepared in a thread while the encoder reads the chunk before.

        A careful task's rows are prepared when asked for, so that a row that kills the worker is the one begun.
        """
        chunks = _chunks(self._rows(task), 1 if task.careful else CHUNK_DOCUMENTS)
        if task.careful:
            yield from ((chunk, partial(self._classifier.prepare, _documents(chunk))) for chunk in chunks)
            return
        before: tuple[Chunk, Callable[[], Call]] | None = None
        with ThreadPoolExecutor(1, "prepare") as pool:
            for chunk in chunks:
                prepared = pool.submit(self._classifier.prepare, _documents(chunk))
                if before is not None:
                    yield before
                before = (chunk, prepared.result)
            if before is not None:
                yield before

    def _rows(self, task: ShardTask) -> Iterator[tuple[dict[str, Any], Document | ItemError]]:
        """The shard's rows, each with its document or with what is wrong with it."""
        doubled = {d.position: f"the id was used before in {d.file}, row {d.row}" for d in task.shard.doubled}
        for row in read_spool(self._out, task.shard):
            if row["fault"] is not None:
                yield row, _error(row["id"], *row["fault"])
            elif row["position"] in doubled:
                yield row, _error(row["id"], "doubled_id", f"{doubled[row['position']]}; give every row its own")
            elif row["position"] in task.poison:
                yield row, _error(row["id"], "worker_died", "every worker died on this row; look at its text")
            else:
                value = {"id": row["id"], **row["value"]}
                yield row, read_document(value, row["position"], self.settings.actors, self._limits)

    def _classify(self, chunk: Chunk, call: Callable[[], Call]) -> list[Scored]:
        results = iter(self._classifier.answer(call(), self.settings.include_neutral, self.settings.author))
        return [
            Scored(
                position=row["position"],
                file=row["file"],
                row=row["row"],
                date=row["date"],
                result=next(results) if isinstance(item, Document) else item,
            )
            for row, item in chunk
        ]


def _error(name: str, code: str, message: str) -> ItemError:
    return ItemError(id=name, error=ErrorInfo(code=code, message=message))


def _documents(chunk: Chunk) -> list[Document]:
    return [item for _, item in chunk if isinstance(item, Document)]


def _chunks(rows: Iterable[tuple[dict[str, Any], Document | ItemError]], size: int) -> Iterator[Chunk]:
    """Rows in groups of at most `size`, cut short where the texts grow long."""
    chunk: Chunk = []
    characters = 0
    for row, item in rows:
        chunk.append((row, item))
        characters += len(item.text) if isinstance(item, Document) else 0
        if len(chunk) >= size or characters >= CHUNK_CHARACTERS:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk


class _Tally:
    """Counts what a shard gave."""

    def __init__(self) -> None:
        self.rows = self.sentences = self.abstained = 0
        self.errors: Counter[str] = Counter()

    def add(self, scored: Iterable[Scored]) -> None:
        """Count some rows."""
        for item in scored:
            self.rows += 1
            if isinstance(item.result, ItemError):
                self.errors[item.result.error.code] += 1
                continue
            self.sentences += len(item.result.sentences)
            for sentence in item.result.sentences:
                self.abstained += sum(answer.abstained for answer in sentence.sentiment)
                self.abstained += sum(answer.abstained for answer in sentence.stances)

    def record(self, task: ShardTask, seconds: float, tables: TableSet) -> ShardRecord:
        """The manifest's entry."""
        return ShardRecord(
            index=task.shard.index,
            key=task.key,
            rows=self.rows,
            failed=self.errors.total(),
            sentences=self.sentences,
            sentiment=tables.rows["sentiment"],
            stances=tables.rows["stances"],
            relations=tables.rows["relations"],
            abstained=self.abstained,
            errors=dict(sorted(self.errors.items())),
            seconds=round(seconds, 3),
            files={name: path.stat().st_size for name, path in tables.paths.items()},
        )


def commit(out: Path, shard: Shard, tables: TableSet, record: ShardRecord) -> None:
    """Bring a shard's parts to their places, then enter the shard in the manifest."""
    for path in tables.paths.values():
        sync_file(path)
    for name in TABLES:
        path = tables.paths[name]
        path.replace(out / name / f"{shard.name}{path.suffix}")
        sync_folder(out / name)
    write_json(out / RECORDS / f"{shard.name}.json", record.model_dump(mode="json"))
