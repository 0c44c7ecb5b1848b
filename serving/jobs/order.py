"""An order: what was sent, checked as far as it can be before the job begins, and what is kept of it."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from serving.batch.config import RowLimits, ScoreConfig
from serving.batch.errors import InputError
from serving.batch.readers import check_header, read_source
from serving.batch.sources import Source, kind_of_file
from serving.config import ServingConfig
from serving.intake import unprocessable
from serving.jobs.folder import JobFolder
from serving.jobs.form import Upload
from serving.jobs.job import JobRecord, JobRequest, JobSettings, Key
from serving.jobs.roots import READ_ONCE, named_sources
from serving.jobs.upload import Received
from stance.actors_file import ActorsFileError, load_actors
from stance.faults import Fault, faults
from stance.schema import Actor, id_fault

_KEY: TypeAdapter[str] = TypeAdapter(Key)
_ACTORS: TypeAdapter[list[Actor]] = TypeAdapter(list[Actor])
#: Tables whose columns are looked at before a job is accepted; the job itself looks at all.
HEADERS = 100
#: Columns that may be switched off; in a form or a query by an empty value.
_OPTIONAL_COLUMNS = ("id_column", "date_column")
#: How batch scoring names its settings to a person at a terminal, and this interface to a caller.
_OPTIONS = {"--text-column": "text_column", "--id-column": "id_column", "; run again": "; send the job again"}


def read_order(received: Received, header_key: str | None) -> JobRequest:
    """The request that was sent, `key` from its header where there is one. Raises `ApiError` (422) for wrong fields."""
    fields = _from_texts(received.fields) if received.texts else received.fields
    if header_key is not None:
        fields = {**fields, "key": header_key}
    try:
        order = JobRequest.model_validate(fields)
    except ValidationError as error:
        raise unprocessable(faults(error)) from None
    if (received.upload is None) == (order.path is None):
        problem = "is sent beside a file" if order.path else "send `documents`, a file, or the `path` of one"
        raise unprocessable([Fault("path" if order.path else "body", problem)])
    _check_actors(order.actors)
    return order


def _from_texts(texts: dict[str, Any]) -> dict[str, Any]:
    """Fields of a form or a query as JSON has them."""
    fields = dict(texts)
    for name in _OPTIONAL_COLUMNS:
        if fields.get(name) == "":
            fields[name] = None
    for name in ("include_neutral", "author"):
        if name in fields:
            fields[name] = {"true": True, "false": False}.get(str(fields[name]).lower(), fields[name])
    actors = fields.get("actors")
    if isinstance(actors, Upload):
        fields["actors"] = _actors_of_file(actors)
    elif isinstance(actors, str):
        fields["actors"] = _actors_of_text(actors)
    return fields


def _actors_of_file(upload: Upload) -> list[Actor]:
    path = upload.path.rename(upload.path.with_name("actors.json" if upload.name.endswith(".json") else "actors.yaml"))
    try:
        return load_actors(path)
    except ActorsFileError as error:
        message = str(error).replace(f"{path}: ", "").replace(str(path), upload.name)
        raise unprocessable([Fault("actors", message)]) from None
    finally:
        path.unlink()


def _actors_of_text(text: str) -> Any:
    try:
        return _ACTORS.validate_json(text)
    except ValidationError as error:
        raise unprocessable([fault._replace(field=f"actors{fault.field}") for fault in faults(error)]) from None


def _check_actors(actors: Sequence[Actor] | None) -> None:
    """Refuse the ids that `POST /v1/classify` refuses, in the same words."""
    problem = id_fault(actors or [])
    if problem is not None:
        raise unprocessable([Fault(*problem)])


def record_of(order: JobRequest, upload: Upload | None, model: str | None, config: ServingConfig) -> JobRecord:
    """What is kept of an order. Raises `ApiError` (422) for too many actors."""
    limits = RowLimits(text_characters=config.limits.text_characters, actors=config.limits.actors)
    if len(order.actors or []) > limits.actors:
        count = f"{len(order.actors or [])} are more than the limit of {limits.actors}"
        raise unprocessable([Fault("actors", f"{count}; name fewer")])
    settings = JobSettings(**{name: getattr(order, name) for name in JobSettings.model_fields})
    asked = [settings.model_dump(mode="json"), order.path, upload.digest if upload else None]
    return JobRecord(
        settings=settings,
        name=(upload.name if upload else order.path) or "",
        bytes=upload.bytes if upload else None,
        file=upload.path.name if upload else None,
        path=order.path,
        model=model,
        shard_rows=config.jobs.shard_rows,
        limits=limits,
        fingerprint=hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest(),
    )


def id_of(key: str | None, identity: str) -> str:
    """A job's id: in a folder of this identity the same for the same key, a new one without."""
    return uuid.uuid4().hex if key is None else hashlib.sha256(f"{identity} {key}".encode()).hexdigest()[:32]


def read_key(header: str | None) -> str | None:
    """The key of an Idempotency-Key header. Raises `ApiError` (422)."""
    if header is None:
        return None
    try:
        return _KEY.validate_python(header.strip())
    except ValidationError:
        message = "must be 1 to 200 characters of ASCII without spaces"
        raise unprocessable([Fault("Idempotency-Key", message)]) from None


def score_config(record: JobRecord, folder: JobFolder, threads: int | None) -> ScoreConfig:
    """The batch run that a job is."""
    settings = record.settings
    return ScoreConfig(
        inputs=(record.name or "upload",),
        out=folder.out,
        actors=None if settings.actors is None else tuple(settings.actors),
        text_column=settings.text_column,
        id_column=settings.id_column,
        date_column=settings.date_column,
        model=record.model,
        threads=threads,
        shard_rows=record.shard_rows,
        include_neutral=settings.include_neutral,
        author=settings.author,
        limits=record.limits,
        # What a changed model or version touches is scored again: a job ends with the results of one model.
        redo=True,
    )


def sources_of(record: JobRecord, folder: JobFolder, roots: Sequence[str]) -> tuple[list[Source], list[str]]:
    """The files of a job, named as the caller knows them. Raises `InputError` for a path that names none."""
    if record.path is not None:
        return named_sources(record.path, roots, folder.out)
    path = folder.input / (record.file or "")
    kind = kind_of_file(path.name)
    if kind is None or not path.is_file():
        raise InputError("the upload is gone; send the job again")
    return [Source(record.name, str(path), *kind, READ_ONCE)], []


def check_readable(sources: Sequence[Source], config: ScoreConfig) -> None:
    """Read the beginning of files, so that what cannot be used at all is refused at once. Raises `InputError`.

    That is the headers of the first `HEADERS` tables, and files until one gives a row.
    """
    tables = [source for source in sources if source.kind != "jsonl"]
    for table in tables[:HEADERS]:
        check_header(table, config)
    fault = ""
    for source in sources:
        row = next(read_source(source, config), None)
        if row is not None and (row.fault is None or row.fault.code != "unreadable_file"):
            return
        fault = fault or (row.fault.message if row is not None and row.fault else "")
    raise InputError(fault or f"{sources[0].label}: holds no row; give a file with rows")


def for_callers(error: Exception, folder: Path) -> str:
    """The message of a batch error without what only means something at a terminal or on this machine."""
    message = str(error).replace(f"{folder}/", "").replace(str(folder), "the job")
    for option, field in _OPTIONS.items():
        message = message.replace(option, field)
    return message
