"""What a caller sends: the body within its limit, the envelope, and the documents one by one.

Only a bad envelope refuses a request. A bad document becomes an `ItemError` in its place.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError, WithJsonSchema
from starlette.requests import ClientDisconnect, Request

from serving.config import Limits
from serving.errors import ApiError, BodyTooLarge
from stance.faults import DoubledKey, Fault, faults, kind_of, printable, unique_object
from stance.schema import Actor, Document, ErrorInfo, ItemError, NonBlank, Strict, id_fault

_ID: TypeAdapter[str] = TypeAdapter(NonBlank)
#: Described as a document and checked as one later, by `read_document`.
RawDocument = Annotated[Any, WithJsonSchema({"allOf": [{"$ref": "#/components/schemas/Document"}]})]


class ClassifyRequest(Strict):
    """The envelope of `POST /v1/classify`; its documents are checked one by one, later.

    `actors` apply to documents that bring none. With `author` the text's own voice is a holder too.
    """

    documents: list[RawDocument]
    actors: list[Actor] | None = None
    include_neutral: bool = False
    author: bool = False


async def read_body(request: Request, limit: int) -> bytes:
    """The body of a JSON request, given up as soon as it is known to exceed `limit` bytes.

    Raises `ApiError`: 413, or 415 for what is not announced as JSON.
    """
    _check_media_type(request)
    if int(request.headers.get("content-length", 0)) > limit:
        raise BodyTooLarge(limit)
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise BodyTooLarge(limit)
    except ClientDisconnect:
        raise ApiError(400, "disconnected", "the connection ended before the body did") from None
    return bytes(body)


def _check_media_type(request: Request) -> None:
    media_type, *parameters = (part.strip().lower() for part in request.headers.get("content-type", "").split(";"))
    charsets = {value.strip('"') for name, _, value in (p.partition("=") for p in parameters) if name == "charset"}
    if media_type != "application/json" or charsets - {"utf-8", "utf8"}:
        raise ApiError(415, "not_json", "send JSON in UTF-8 with the header Content-Type: application/json")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ApiError(415, "encoded_body", "send the body as it is, without a Content-Encoding")


def read_request(body: bytes, limits: Limits) -> tuple[ClassifyRequest, list[Document | ItemError]]:
    """The envelope of a classify request and each of its documents, or in its place what is wrong with it.

    Raises `ApiError`: 400 for what is not JSON, 422 for a wrong envelope, 413 for too many documents.
    """
    envelope = read_envelope(parse_json(body), limits)
    items = [read_document(value, at, envelope.actors, limits) for at, value in enumerate(envelope.documents)]
    return envelope, items


def parse_json(body: bytes) -> Any:
    """The value of a JSON text; objects that have a key twice are `DoubledKey`s, which no schema takes.

    Raises `ApiError` (400) for anything that is not JSON in UTF-8.
    """
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=unique_object)
    except UnicodeDecodeError as error:
        message = f"the body is not UTF-8 at byte {error.start}"
    except json.JSONDecodeError as error:
        message = f"the body is not JSON: {error}"
    except RecursionError:
        message = "the body is nested too deeply"
    except ValueError as error:
        message = f"the body has a number that JSON does not allow here: {str(error).split(';')[0]}"
    raise ApiError(400, "malformed_json", message)


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def read_envelope(value: Any, limits: Limits) -> ClassifyRequest:
    """The envelope of a classify request.

    Raises `ApiError`: 422 where a field is wrong, 413 for too many documents.
    """
    listed = value.get("actors") if isinstance(value, dict) else None
    crowd = _too_many(len(listed), limits) if isinstance(listed, list) else None
    crowd = crowd or _too_many_aliases(listed, limits)
    if crowd is not None:
        raise unprocessable([crowd])
    try:
        envelope = ClassifyRequest.model_validate(value)
    except ValidationError as error:
        raise unprocessable(faults(error)) from None
    if len(envelope.documents) > limits.documents:
        count = f"documents: {len(envelope.documents)} are more than the limit of {limits.documents}"
        raise ApiError(413, "too_many_documents", f"{count}; send several requests")
    actors = envelope.actors or []
    problem = id_fault(actors)
    if problem is not None:
        raise unprocessable([Fault(*problem)])
    return envelope


def unprocessable(found: Sequence[Fault]) -> ApiError:
    """422 that names every fault."""
    named = [Fault(fault.field or "body", fault.message) for fault in found]
    return ApiError(422, "invalid_request", "; ".join(map(str, named)), [fault._asdict() for fault in named])


def _too_many(actors: int, limits: Limits) -> Fault | None:
    if actors <= limits.actors:
        return None
    return Fault("actors", f"{actors} are more than the limit of {limits.actors}; name fewer")


def _too_many_aliases(actors: Any, limits: Limits) -> Fault | None:
    """Every alias is prepared for the search before the first text is read."""
    rows = [row for row in actors if isinstance(row, dict)] if isinstance(actors, list) else []
    count = sum(len(aliases) for row in rows if isinstance(aliases := row.get("aliases"), list))
    if count <= limits.aliases:
        return None
    message = f"{count} aliases are more than the limit of {limits.aliases}; list fewer, or use `stance score --actors`"
    return Fault("actors", message)


def read_document(value: Any, position: int, actors: Sequence[Actor] | None, limits: Limits) -> Document | ItemError:
    """One document, with `actors` where it brings none; an `ItemError` names the field and the mend."""
    if not isinstance(value, dict):
        doubled = isinstance(value, DoubledKey)
        message = str(value) if doubled else f"must be an object with id and text, not {kind_of(value)}"
        fault = Fault(f"documents[{position}]", message)
        return item_error(str(position), "invalid_document", [fault])
    name = _name(value.get("id"), position)
    beyond = (
        ("text_too_long", _too_long(value, limits)),
        ("too_many_actors", _crowded(value, limits)),
        ("too_many_aliases", _too_many_aliases(value.get("actors"), limits)),
        ("mentions_too_long", _overlong(value, limits)),
    )
    for code, problem in beyond:
        if problem is not None:
            return item_error(name, code, [problem])
    if actors is not None and value.get("actors") is None:
        value = {**value, "actors": list(actors)}
    try:
        return Document.model_validate(value)
    except ValidationError as error:
        return item_error(name, "invalid_document", faults(error))


def item_error(name: str, code: str, found: Sequence[Fault]) -> ItemError:
    """What stands in a result's place."""
    return ItemError(id=name, error=ErrorInfo(code=code, message=printable("; ".join(map(str, found)))))


def _name(value: Any, position: int) -> str:
    try:
        return _ID.validate_python(value, strict=True)
    except ValidationError:
        return str(position)


def _too_long(value: dict[str, Any], limits: Limits) -> Fault | None:
    text = value.get("text")
    if not isinstance(text, str) or len(text) <= limits.text_characters:
        return None
    count = f"{len(text)} characters are more than the limit of {limits.text_characters}"
    return Fault("text", f"{count}; split the text into several documents")


def _crowded(value: dict[str, Any], limits: Limits) -> Fault | None:
    """Pairs grow with the square of the actors, however these are named."""
    actors, mentions = value.get("actors"), value.get("mentions")
    listed = len(actors) if isinstance(actors, list) else 0
    rows = mentions if isinstance(mentions, list) else []
    mentioned = {row["actor"] for row in rows if isinstance(row, dict) and isinstance(row.get("actor"), str)}
    return _too_many(max(listed, len(mentioned)), limits)


def _overlong(value: dict[str, Any], limits: Limits) -> Fault | None:
    """The answer repeats the text of each mention: thousands that are as long as the text would fill the memory."""
    mentions = value.get("mentions")
    spans = (
        [(row.get("start"), row.get("end")) for row in mentions if isinstance(row, dict)]
        if isinstance(mentions, list)
        else []
    )
    held = sum(end - start for start, end in spans if isinstance(start, int) and isinstance(end, int))
    if held <= limits.text_characters:
        return None
    count = f"together hold {held} characters, more than the limit of {limits.text_characters}"
    return Fault("mentions", f"{count}; give the names and phrases only")
