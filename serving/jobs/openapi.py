"""What `/docs.json` says of `/v1/jobs`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from serving.jobs.job import JobList, JobRequest, JobView
from serving.jobs.result import FORMATS, MEDIA_TYPES, TABLE_NAMES

#: Types whose schemas the description needs, and how they are used.
SCHEMAS: list[tuple[type[BaseModel], str]] = [
    (JobRequest, "validation"),
    (JobView, "serialization"),
    (JobList, "serialization"),
]
_SETTINGS = ("text_column", "id_column", "date_column", "include_neutral", "author")
_UPLOADS = ("application/x-ndjson", "text/csv", "text/tab-separated-values", "application/vnd.apache.parquet")
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
_BINARY = {"schema": {"type": "string", "format": "binary"}}


def paths(response: Callable[..., dict[str, Any]], errors: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """The routes; `response` and `errors` describe answers as the other routes' description does."""
    one = {"200": response("The job", "JobView"), **errors("401", "404", "503")}
    return {
        "/v1/jobs": {
            "get": {
                "operationId": "listJobs",
                "summary": "The newest jobs",
                "parameters": [_query("limit", {"type": "integer", "minimum": 1, "maximum": 500, "default": 50})],
                "responses": {"200": response("The newest first", "JobList"), **errors("401", "422", "503")},
            },
            "post": _post(response, errors),
        },
        "/v1/jobs/{id}": {
            "get": {"operationId": "getJob", "summary": "How far a job is", "parameters": [_ID], "responses": one},
            "delete": {
                "operationId": "deleteJob",
                "summary": "Cancel a job that has not ended; remove one that has, with its result",
                "parameters": [_ID],
                "responses": one,
            },
        },
        "/v1/jobs/{id}/resume": {
            "post": {
                "operationId": "resumeJob",
                "summary": "Go on with a job that failed; what it had done stays",
                "parameters": [_ID],
                "responses": {"200": one["200"], **errors("401", "404", "409", "503")},
            }
        },
        "/v1/jobs/{id}/result": {"get": _result(errors)},
    }


def _post(response: Callable[..., dict[str, Any]], errors: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    form = {
        "type": "object",
        "required": ["file"],
        "properties": {
            "file": {"type": "string", "format": "binary", "description": ".jsonl, .csv, .tsv or .parquet"},
            "actors": {"type": "string", "description": "an actors file, or JSON"},
            **{name: {"type": "string"} for name in (*_SETTINGS, "key")},
        },
    }
    content: dict[str, Any] = {
        "application/json": {"schema": {"$ref": "#/components/schemas/JobRequest"}},
        "multipart/form-data": {"schema": form},
        **dict.fromkeys(_UPLOADS, _BINARY),
    }
    key = {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 200}}
    return {
        "operationId": "createJob",
        "summary": "Score a file in the background",
        "description": "Documents in JSON, the path of a file that the service may read, a form, or the file itself "
        "with its settings in the query. The same Idempotency-Key again gives the same job.",
        "parameters": [key, *(_query(name, {"type": "string"}) for name in _SETTINGS)],
        "requestBody": {"required": True, "content": content},
        "responses": {
            "201": response("A new job", "JobView"),
            "200": response("The job that has this key", "JobView"),
            **errors("400", "401", "408", "409", "413", "415", "422", "500", "503"),
        },
    }


def _result(errors: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    content = dict.fromkeys(MEDIA_TYPES.values(), _BINARY)
    return {
        "operationId": "jobResult",
        "summary": "A table of a finished job",
        "parameters": [
            _ID,
            _query("table", {"type": "string", "enum": list(TABLE_NAMES), "default": TABLE_NAMES[0]}),
            _query("format", {"type": "string", "enum": list(FORMATS), "default": FORMATS[0]}),
        ],
        "responses": {
            "200": {"description": "The rows, in the order of the input", "content": content},
            **errors("401", "404", "409", "422", "503"),
        },
    }


def _query(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema}
