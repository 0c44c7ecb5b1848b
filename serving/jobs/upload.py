"""The body of `POST /v1/jobs`: streamed to the disk within a limit, whatever form it has."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect, Request

from serving.batch.sources import kind_of_file
from serving.config import ServingConfig
from serving.errors import ApiError, BodyTooLarge
from serving.intake import parse_json, read_body
from serving.jobs.form import FileWriter, Form, Upload
from stance.faults import DoubledKey

#: Bytes that are gathered before they are written.
_BUFFER = 1 << 20
_KINDS = {
    "application/x-ndjson": ".jsonl",
    "application/ndjson": ".jsonl",
    "application/jsonl": ".jsonl",
    "application/x-jsonlines": ".jsonl",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/vnd.apache.parquet": ".parquet",
    "application/x-parquet": ".parquet",
}
_ENCODINGS = {"": "", "identity": "", "gzip": ".gz", "bzip2": ".bz2", "xz": ".xz", "zstd": ".zst"}
_SPLIT = "split the file into several jobs"
_HOW = (
    "send JSON (application/json), a form (multipart/form-data), or a file as application/x-ndjson, text/csv, "
    "text/tab-separated-values or application/vnd.apache.parquet, text perhaps with Content-Encoding gzip, bzip2, xz "
    "or zstd"
)


class Received(NamedTuple):
    """What was sent: fields as JSON values or, with `texts`, as text; and the file, in the place where it is kept."""

    fields: dict[str, Any]
    texts: bool
    upload: Upload | None


async def receive(request: Request, config: ServingConfig, folder: Path) -> Received:
    """Read a request's body; files go into `folder`.

    Raises `ApiError`: 400, 408, 413 or 415, and `OSError` where nothing can be written.
    """
    media_type, options = parse_options_header(request.headers.get("content-type"))
    kind = media_type.decode("latin-1")
    if kind == "application/json":
        return await _json(request, config, folder)
    chunks = _chunks(request, config.jobs.upload_bytes, config.timeout)
    if kind == "multipart/form-data":
        return await _form(chunks, options.get(b"boundary", b""), folder)
    suffix = _KINDS.get(kind)
    encoding = request.headers.get("content-encoding", "").lower()
    if suffix is None or encoding not in _ENCODINGS or (suffix == ".parquet" and _ENCODINGS[encoding]):
        raise ApiError(415, "unknown_media_type", _HOW)
    upload = await _file(chunks, folder / f"upload{suffix}{_ENCODINGS[encoding]}", kind)
    return Received(dict(request.query_params), True, _not_empty(upload))


async def _chunks(request: Request, limit: int, patience: float) -> AsyncIterator[bytes]:
    """The body in large pieces; a caller may take as long as it likes, but not pause for `patience` seconds."""
    if int(request.headers.get("content-length", 0)) > limit:
        raise BodyTooLarge(limit, _SPLIT)
    stream = request.stream()
    taken, gathered = 0, bytearray()
    while True:
        try:
            async with asyncio.timeout(patience):
                chunk = await anext(stream)
        except StopAsyncIteration:
            break
        except TimeoutError:
            raise ApiError(408, "upload_stalled", f"nothing came for {patience:g} s; send the body again") from None
        except ClientDisconnect:
            raise ApiError(400, "disconnected", "the connection ended before the body did") from None
        taken += len(chunk)
        if taken > limit:
            raise BodyTooLarge(limit, _SPLIT)
        gathered += chunk
        if len(gathered) >= _BUFFER:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)


async def _file(chunks: AsyncIterator[bytes], path: Path, media_type: str) -> Upload:
    writer = FileWriter(path, path.name, media_type)
    try:
        async for chunk in chunks:
            await asyncio.to_thread(writer.write, chunk)
        return writer.close()
    finally:
        writer.abandon()


async def _form(chunks: AsyncIterator[bytes], boundary: bytes, folder: Path) -> Received:
    form = Form(boundary, folder)
    try:
        async for chunk in chunks:
            await asyncio.to_thread(form.write, chunk)
        form.close()
    finally:
        form.abandon()
    strangers = sorted(form.files.keys() - {"file", "actors"})
    if strangers:
        raise ApiError(422, "invalid_request", f"{strangers[0]}: is not a known file; send `file` and perhaps `actors`")
    if "file" not in form.files:
        raise ApiError(422, "invalid_request", "file: is missing; send the rows as a file, curl -F file=@rows.jsonl")
    fields: dict[str, Any] = dict(form.fields)
    if "actors" in form.files:
        fields["actors"] = form.files["actors"]
    return Received(fields, True, _named(_not_empty(form.files["file"])))


def _named(upload: Upload) -> Upload:
    """The file under a name that says what it is; raises `ApiError` (415) where neither name nor type tells."""
    suffix = "".join(Path(upload.name.lower()).suffixes[-2:])
    if kind_of_file(f"upload{suffix}") is None:
        suffix = Path(upload.name.lower()).suffix
    if kind_of_file(f"upload{suffix}") is None:
        suffix = _KINDS.get(upload.media_type, "")
    if not suffix:
        message = f"file: neither the name {upload.name!r} nor the type tells what it is"
        raise ApiError(415, "unknown_media_type", f"{message}; name it .jsonl, .csv, .tsv or .parquet")
    return upload._replace(path=upload.path.rename(upload.path.with_name(f"upload{suffix}")))


async def _json(request: Request, config: ServingConfig, folder: Path) -> Received:
    body = await read_body(request, config.limits.body_bytes)
    fields = await asyncio.to_thread(parse_json, body)
    if not isinstance(fields, dict):
        doubled = isinstance(fields, DoubledKey)
        raise ApiError(
            422, "invalid_request", f"body: {fields if doubled else 'must be an object with `documents` or `path`'}"
        )
    if not isinstance(fields.get("documents"), list):
        return Received(fields, False, None)
    documents = fields.pop("documents")
    if not documents:
        raise ApiError(422, "invalid_request", "documents: is empty; add a document")
    return Received(fields, False, await asyncio.to_thread(_spelled_out, documents, folder / "upload.jsonl"))


def _spelled_out(documents: list[Any], path: Path) -> Upload:
    """Documents as a file, one a line."""
    writer = FileWriter(path, "documents", "application/json")
    try:
        for at, document in enumerate(documents):
            writer.write(json.dumps(document, default=partial(_refuse_doubled, at)).encode() + b"\n")
        return writer.close()
    finally:
        writer.abandon()


def _refuse_doubled(at: int, value: object) -> NoReturn:
    """For the only values of a parsed body that JSON cannot write."""
    raise ApiError(422, "invalid_request", f"documents[{at}]: {value}")


def _not_empty(upload: Upload) -> Upload:
    if upload.bytes == 0:
        raise ApiError(422, "empty_upload", "the file is empty; send one with rows")
    return upload
