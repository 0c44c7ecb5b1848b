"""Cuts the input into shards: reads it once, checks every row, and sets the rows aside for the workers.

    .plan/plan.json              the shards, each with a hash of its rows
    .plan/part-000000.jsonl.zst  a shard's rows, whatever format they came in

Workers thus never open an input: a compressed or remote file is read once, an input that changes while a
run goes on cannot mix two versions, and a node needs nothing but the output folder.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import ValidationError

from serving.batch.config import ScoreConfig
from serving.batch.doubles import IdLedger
from serving.batch.errors import InputError, OutputError
from serving.batch.files import disk_errors, read_json, remove, sync_file, sync_folder, write_json
from serving.batch.readers import check_header, read_source
from serving.batch.rows import Row, check_row
from serving.batch.sources import Source
from stance.schema import Strict

PLAN = ".plan"
_NEW = ".plan.new"
#: A shard also ends at this many characters, so that long articles make no longer unit of work than sentences.
SHARD_CHARACTERS = 1_000_000
#: Rows between two calls that tell how far the reading is.
_TELL_ROWS = 5_000


class Doubled(Strict):
    """The row at `position` repeats the id of an earlier one, which stands in `file` as `row`."""

    position: int
    file: str
    row: int


class Shard(Strict):
    """One unit of work. `digest` is over its rows, `doubled` are those that repeat an id."""

    index: int
    rows: int
    digest: str
    doubled: list[Doubled]

    @property
    def name(self) -> str:
        """The stem of all files that belong to the shard."""
        return f"part-{self.index:06d}"


class Plan(Strict):
    """An input cut into shards. `stamps` hold each file's label and what changes when the file does.

    `reading` are the settings that decide how the input is read and cut.
    """

    digest: str
    reading: str
    rows: int
    stamps: list[tuple[str, str | None]]
    shards: list[Shard]


def spool_path(out: Path, shard: Shard) -> Path:
    """Where a shard's rows lie."""
    return out / PLAN / f"{shard.name}.jsonl.zst"


def stamps_of(sources: Sequence[Source]) -> list[tuple[str, str | None]]:
    """Each file's label and stamp."""
    return [(source.label, source.stamp) for source in sources]


def reading_of(config: ScoreConfig) -> str:
    """The settings that decide how the input is read and cut, as one comparable value."""
    columns = (config.text_column, config.id_column, config.date_column)
    return json.dumps([*columns, config.shard_rows, config.limits.row_bytes])


def stored_plan(out: Path) -> Plan | None:
    """The plan of an output folder, None where there is none or it is damaged."""
    raw = read_json(out / PLAN / "plan.json")
    try:
        return None if raw is None else Plan.model_validate_json(json.dumps(raw))
    except ValidationError:
        return None


def make_plan(
    sources: Sequence[Source], config: ScoreConfig, tell: Callable[[int], None], check: Callable[[Plan], None]
) -> Plan:
    """Read all rows and set them aside; `tell` is told how many were read so far.

    `check` may refuse the new plan by raising; the old one then stays as it was. Raises `InputError` when no
    file gives a single row, `OutputError` when the rows cannot be written.
    """
    for source in sources:
        check_header(source, config)
    folder = config.out / _NEW
    remove(folder)
    try:
        with disk_errors(config.out):
            folder.mkdir()
        with closing(_Cutter(folder, config, tell)) as cutter:
            plan = cutter.cut(sources)
        check(plan)
        with disk_errors(config.out):
            write_json(folder / "plan.json", plan.model_dump(mode="json"))
            remove(config.out / PLAN)
            folder.replace(config.out / PLAN)
            sync_folder(config.out)
    finally:
        remove(folder)
    return plan


class _Cutter:
    """Streams rows into shard files."""

    def __init__(self, folder: Path, config: ScoreConfig, tell: Callable[[int], None]) -> None:
        self._folder = folder
        self._config = config
        self._tell = tell
        self._whole = hashlib.sha256()
        self._part = hashlib.sha256()
        self._shards: list[Shard] = []
        self._stream: Any = None
        self._rows = self._characters = self._position = 0
        self._good = False
        self._fault = ""

    def cut(self, sources: Sequence[Source]) -> Plan:
        """The plan of all rows of `sources`."""
        ids = self._folder / "ids"
        with IdLedger(ids) as ledger:
            for at, source in enumerate(sources):
                for raw in read_source(source, self._config):
                    row = check_row(raw, source.label, self._config)
                    self._note(row)
                    with disk_errors(self._config.out):
                        if row.fault is None:
                            ledger.add(row.id, self._position, at, row.number)
                        self._add(row, source.label)
            self._end_shard()
            self._refuse_nothing(sources)
            with disk_errors(self._config.out):
                doubles = ledger.doubles()
        remove(ids)
        self._enter([Doubled(position=d.position, file=sources[d.file].label, row=d.number) for d in doubles])
        return Plan(
            digest=self._whole.hexdigest(),
            reading=reading_of(self._config),
            rows=self._position,
            stamps=stamps_of(sources),
            shards=self._shards,
        )

    def _note(self, row: Row) -> None:
        """Remember whether anything could be read at all, and if not, why."""
        if row.fault is None or row.fault.code != "unreadable_file":
            self._good = True
        self._fault = self._fault or (row.fault.message if row.fault else "")

    def _refuse_nothing(self, sources: Sequence[Source]) -> None:
        if not self._good:
            raise InputError(self._fault or f"{sources[0].label}: holds no row; give a file with rows")

    def _add(self, row: Row, label: str) -> None:
        line = spool_line(row, self._position, label)
        if self._stream is None:
            name = f"part-{len(self._shards):06d}.jsonl.zst"
            self._stream = pa.CompressedOutputStream(str(self._folder / name), "zstd")
        self._stream.write(line)
        self._whole.update(line)
        self._part.update(line)
        self._position += 1
        self._rows += 1
        self._characters += len(row.value.get("text", ""))
        if self._position % _TELL_ROWS == 0:
            self._tell(self._position)
        if self._rows >= self._config.shard_rows or self._characters >= SHARD_CHARACTERS:
            self._end_shard()

    def close(self) -> None:
        """Let go of the file that is open, where something went wrong."""
        if self._stream is not None:
            with suppress(OSError):
                self._stream.close()

    def _end_shard(self) -> None:
        """End the shard that is being written, if there is one."""
        if self._stream is None:
            return
        shard = Shard(index=len(self._shards), rows=self._rows, digest=self._part.hexdigest(), doubled=[])
        with disk_errors(self._config.out):
            self._stream.close()
            sync_file(self._folder / f"{shard.name}.jsonl.zst")
        self._shards.append(shard)
        self._stream, self._part = None, hashlib.sha256()
        self._rows = self._characters = 0

    def _enter(self, doubled: Sequence[Doubled]) -> None:
        """Give each shard the doubled rows that lie in it; both are in order of position."""
        at = end = 0
        for index, shard in enumerate(self._shards):
            end += shard.rows
            first = at
            while at < len(doubled) and doubled[at].position < end:
                at += 1
            if at > first:
                self._shards[index] = shard.model_copy(update={"doubled": list(doubled[first:at])})


_ENCODER = json.JSONEncoder(separators=(",", ":"))


def spool_line(row: Row, position: int, label: str) -> bytes:
    """A row as it is set aside: one line of JSON."""
    value = {
        "position": position,
        "file": label,
        "row": row.number,
        "id": row.id,
        "date": row.date,
        "value": row.value,
        "fault": row.fault,
    }
    return _ENCODER.encode(value).encode() + b"\n"


def read_spool(out: Path, shard: Shard) -> Iterator[dict[str, Any]]:
    """The rows that were set aside for a shard, see `spool_line`.

    Raises `OutputError` behind the last row when they are not those that were planned.
    """
    digest = hashlib.sha256()
    path = spool_path(out, shard)
    try:
        with pa.CompressedInputStream(str(path), "zstd") as compressed, io.BufferedReader(compressed, 1 << 20) as lines:
            for line in lines:
                digest.update(line)
                yield json.loads(line)
    except (OSError, ValueError) as error:
        raise OutputError(f"{path}: {error}; remove {path.parent} and run the same command again") from None
    if digest.hexdigest() != shard.digest:
        raise OutputError(f"{path}: altered; remove {path.parent} and run the same command again")
