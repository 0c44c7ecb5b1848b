"""An output folder while a run has it: what is asked, what is done, what is missing.

run.json                    identity of the run: model, settings, code
manifest/part-000000.json   one entry a finished shard, the last thing that a shard writes
results/, sentiment/, stances/, relations/, errors/   one part a shard
summary.json                there once everything is
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from serving.batch.config import ScoreConfig, ScoreSummary
from serving.batch.errors import InputError, OutputError
from serving.batch.files import disk_errors, locked, read_json, remove, write_json
from serving.batch.identity import Identity, identify, resolve_actors
from serving.batch.plan import PLAN, Plan, Shard, make_plan, reading_of, spool_path, stamps_of, stored_plan
from serving.batch.sources import Source, find_sources
from serving.batch.tables import TABLES
from serving.batch.unit import RECORDS, WORK, ShardRecord, ShardTask, UnitSettings

RUN = "run.json"
SUMMARY = "summary.json"
#: Failures that the summary shows; the table `errors` has them all.
SHOWN_FAILURES = 20
_OWN = {RUN, SUMMARY, RECORDS, WORK, PLAN, ".plan.new", ".lock", "report", "report.html", *TABLES}

logger = logging.getLogger("stance.batch")


@dataclass(frozen=True)
class Run:
    """A run that holds its output folder. `done` are the records of finished shards by index."""

    config: ScoreConfig
    identity: Identity
    plan: Plan
    settings: UnitSettings
    ignored: list[str]
    done: dict[int, ShardRecord]

    @property
    def out(self) -> Path:
        """The output folder."""
        return self.config.out

    def task(self, shard: Shard) -> ShardTask:
        """The work that a shard is."""
        return ShardTask(shard=shard, key=self.identity.key(shard))

    def pending(self) -> list[ShardTask]:
        """What is missing, in order."""
        return [self.task(shard) for shard in self.plan.shards if shard.index not in self.done]


@contextmanager
def open_run(
    config: ScoreConfig,
    tell: Callable[[int], None] = lambda rows: None,
    find: Callable[[], tuple[list[Source], list[str]]] | None = None,
) -> Iterator[Run]:
    """Hold the output folder, read the input where that is needed, and find out what is missing.

    `tell` is told how many rows were read so far; `find` gives the files in the place of those that
    `config.inputs` names, and the names of those passed over. Raises `InputError` for inputs, actors or a model
    that cannot be used; `OutputError` for a folder that is held by another run, belongs to other data or
    settings, or cannot be written.
    """
    folder = _model_folder(config.model)
    actors = resolve_actors(config)
    identity = identify(config, folder, actors)
    sources, ignored = find() if find is not None else find_sources(config.inputs, config.out)
    _make_folders(config.out)
    with locked(config.out):
        _check_identity(config, identity)
        before = stored_plan(config.out)
        plan = before if before is not None and _usable(config, identity, before, stamps_of(sources)) else None
        plan = plan or make_plan(sources, config, tell, lambda new: _check_input(config, before, new))
        with disk_errors(config.out):
            write_json(config.out / RUN, identity.model_dump(mode="json"))
            remove(config.out / WORK)
            (config.out / WORK).mkdir()
            done = finished(config.out, identity, plan)
            _drop_stale(config, {shard.name for shard in plan.shards if shard.index in done})
        settings = UnitSettings(
            out=str(config.out.resolve()),
            model=str(folder.resolve()),
            model_digest=identity.model_digest,
            code=identity.code,
            threads=config.threads,
            format=config.format,
            include_neutral=config.include_neutral,
            author=config.author,
            actors=None if actors is None else list(actors),
            limits=config.limits,
        )
        yield Run(config, identity, plan, settings, ignored, done)


def _model_folder(model: str | None) -> Path:
    from stance.classifier import resolve_model

    try:
        return resolve_model(model)
    except ValueError as error:
        raise InputError(str(error)) from None


def _make_folders(out: Path) -> None:
    with disk_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        strangers = sorted(p.name for p in out.iterdir() if p.name not in _OWN)
        if strangers and not (out / RUN).exists():
            raise OutputError(f"{out}: holds other files ({', '.join(strangers[:3])}); give a new or empty --out")
        for name in (*TABLES, RECORDS, WORK):
            (out / name).mkdir(exist_ok=True)


def _check_identity(config: ScoreConfig, identity: Identity) -> None:
    """Refuse to mix two runs in one folder, unless `redo` asks for the new one."""
    raw = read_json(config.out / RUN)
    if raw is None or config.redo:
        return
    try:
        before = Identity.model_validate_json(json.dumps(raw))
    except ValidationError:
        raise OutputError(f"{config.out / RUN}: damaged; use --redo, or give another --out") from None
    changes = identity.changes(before)
    if changes:
        raise OutputError(f"{config.out}: {'; '.join(changes)}; use --redo to replace the results, or another --out")


def _check_input(config: ScoreConfig, before: Plan | None, now: Plan) -> None:
    if before is not None and before.digest != now.digest and not config.redo:
        raise OutputError(
            f"{config.out}: the input changed since the run began (it had {before.rows} rows, now {now.rows}); "
            "use --redo to replace what is affected, or another --out"
        )


def _usable(config: ScoreConfig, identity: Identity, plan: Plan, stamps: list[tuple[str, str | None]]) -> bool:
    """Whether the plan is of these very files, and the rows of all missing shards are still set aside."""
    unchanged = plan.stamps == stamps and all(stamp is not None for _, stamp in stamps)
    if not unchanged or plan.reading != reading_of(config):
        return False
    done = finished(config.out, identity, plan)
    return all(shard.index in done or spool_path(config.out, shard).exists() for shard in plan.shards)


def finished(out: Path, identity: Identity, plan: Plan) -> dict[int, ShardRecord]:
    """Records of the shards whose result is there: of this key, with every file at its full length."""
    found = {}
    suffix = identity.settings["format"]
    for shard in plan.shards:
        raw = read_json(out / RECORDS / f"{shard.name}.json")
        if raw is None or raw.get("key") != identity.key(shard):
            continue
        record = ShardRecord.model_validate_json(json.dumps(raw))
        paths = {name: out / name / f"{shard.name}.{suffix}" for name in TABLES}
        if all(path.exists() and path.stat().st_size == record.files[name] for name, path in paths.items()):
            found[shard.index] = record
    return found


def _drop_stale(config: ScoreConfig, finished_names: set[str]) -> None:
    """Remove all parts and records that are not of a finished shard, and the summary."""
    for table in TABLES:
        for path in (config.out / table).iterdir():
            if path.stem not in finished_names or path.suffix != f".{config.format}":
                path.unlink()
    for path in (config.out / RECORDS).iterdir():
        if path.stem not in finished_names:
            path.unlink()
    (config.out / SUMMARY).unlink(missing_ok=True)


def finish(run: Run, resumed: set[int], seconds: float) -> ScoreSummary:
    """Write `summary.json`, drop the rows that were set aside, and say what came out."""
    records = [run.done[shard.index] for shard in run.plan.shards]
    errors: Counter[str] = Counter()
    for record in records:
        errors.update(record.errors)
    fresh = sum(record.sentences for record in records if record.index not in resumed)
    summary = ScoreSummary(
        out=str(run.out),
        model=run.identity.model,
        files=len(run.plan.stamps),
        shards=len(records),
        resumed=len(resumed),
        seconds=round(seconds, 1),
        rate=round(fresh / seconds, 1) if seconds > 0 else 0.0,
        errors=dict(sorted(errors.items())),
        failures=first_failures(run.out, run.config.format, records),
        ignored=run.ignored,
        **{f: sum(getattr(r, f) for r in records) for f in _SUMS},
    )
    with disk_errors(run.out):
        write_json(run.out / SUMMARY, summary.model_dump(mode="json"))
        for shard in run.plan.shards:
            spool_path(run.out, shard).unlink(missing_ok=True)
        remove(run.out / WORK)
    return summary


_SUMS = ("rows", "failed", "sentences", "sentiment", "stances", "relations", "abstained")


def first_failures(out: Path, output: str, records: list[ShardRecord]) -> list[str]:
    """The first failed rows, one line each."""
    import pyarrow.parquet as pq

    lines: list[str] = []
    for record in records:
        if record.failed and len(lines) < SHOWN_FAILURES:
            path = out / "errors" / f"part-{record.index:06d}.{output}"
            if output == "parquet":
                rows = pq.read_table(path).to_pylist()
            else:
                # Not `splitlines`: an id may hold a character, such as U+2028, that ends a line for it alone.
                with path.open(encoding="utf-8") as file:
                    rows = list(map(json.loads, file))
            lines += [f"{r['id']} ({r['file']}, row {r['row']}): {r['code']}: {r['message']}" for r in rows]
    return lines[:SHOWN_FAILURES]
