"""`/docs.json`: what the routes take and give, made from the types that check it."""

from __future__ import annotations

from typing import Any

import yaml
from pydantic.json_schema import models_json_schema

from serving.app import ClassifyResponse, ModelInfo
from serving.config import Limits
from serving.errors import ErrorBody
from serving.feedback.correction import FeedbackRequest, FeedbackResponse
from serving.intake import ClassifyRequest
from stance.schema import Document

_SCHEMAS = "#/components/schemas/"
_ERRORS = {
    "400": "The body is not JSON.",
    "401": "No key, or a wrong one.",
    "404": "There is no such job.",
    "408": "The body stopped coming.",
    "409": "Another model answers by now, the job has no result, or its key is another job's.",
    "413": "The body or the number of documents exceeds the limit.",
    "415": "The body is not announced as something that the route takes.",
    "422": "The body is JSON, but a field of the envelope is wrong.",
    "500": "Something went wrong in the service.",
    "503": "Too many requests at once, or this one took too long; Retry-After says when to try again.",
}
#: What any route may answer to a JSON body.
_POSTED = ("400", "401", "413", "415", "422", "500", "503")


class Specification(dict[str, Any]):
    """An OpenAPI document in the form that BentoML serves and packs."""

    def asdict(self) -> dict[str, Any]:
        """The document as plain JSON values."""
        return dict(self)


yaml.add_representer(Specification, lambda dumper, value: dumper.represent_dict(value.asdict()))


def specification(limits: Limits, page: bool, feedback: bool = False, jobs: bool = False) -> Specification:
    """The OpenAPI document of a service with these limits."""
    paths = {
        "/v1/classify": {"post": _classify()},
        "/v1/model": {"get": _get("The model that answers", "ModelInfo", errors=("401", "503"))},
        "/livez": {"get": _get("The process answers", None)},
        "/healthz": {"get": _get("The process answers", None)},
        "/readyz": {"get": _get("The model is loaded", None, errors=("503",))},
        "/metrics": {"get": _get("Prometheus metrics", None, errors=("401",))},
        "/docs.json": {"get": _get("This document", None, kind="application/json")},
    }
    if feedback:
        paths["/v1/feedback"] = {"post": _feedback()}
    if jobs:
        from serving.jobs.openapi import paths as job_paths

        paths |= job_paths(_response, _errors)
    if page:
        paths["/"] = {"get": _get("The page", None, kind="text/html")}
    for path in ("/livez", "/healthz", "/readyz", "/docs.json", "/"):
        if path in paths:
            paths[path]["get"]["security"] = []
    return Specification(
        openapi="3.1.0",
        info={"title": "stance", "version": "1", "description": "Who is for and against whom in news text."},
        paths=paths,
        components={
            "schemas": _schemas(limits, jobs),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        security=[{"key": []}, {}],
    )


def _classify() -> dict[str, Any]:
    return {
        "operationId": "classify",
        "summary": "Classify documents",
        "description": "A document that is wrong gets an error in its result's place; the others get results.",
        "requestBody": {"required": True, "content": _json("ClassifyRequest")},
        "responses": {
            "200": _response("One result or error a document", "ClassifyResponse"),
            **_errors(*_POSTED),
        },
    }


def _feedback() -> dict[str, Any]:
    return {
        "operationId": "feedback",
        "summary": "Correct answers",
        "description": "The document as it was classified, and which answers of the model were wrong. "
        "All corrections are kept, or none.",
        "requestBody": {"required": True, "content": _json("FeedbackRequest")},
        "responses": {"201": _response("All corrections were kept", "FeedbackResponse"), **_errors(*_POSTED, "409")},
    }


def _get(summary: str, schema: str | None, errors: tuple[str, ...] = (), kind: str = "text/plain") -> dict[str, Any]:
    response = _response(summary, schema) if schema else {"description": summary, "content": {kind: {}}}
    return {"summary": summary, "responses": {"200": response, **_errors(*errors)}}


def _errors(*statuses: str) -> dict[str, Any]:
    responses = {status: _response(_ERRORS[status], "ErrorBody") for status in statuses}
    if "503" in responses:
        responses["503"]["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds"}}
    return responses


def _response(description: str, schema: str) -> dict[str, Any]:
    return {"description": description, "content": _json(schema)}


def _json(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _SCHEMAS + schema}}}


def _schemas(limits: Limits, jobs: bool) -> dict[str, Any]:
    """The types' JSON schemas, with the limits written into them."""
    types: list[Any] = []
    if jobs:
        from serving.jobs.openapi import SCHEMAS

        types = list(SCHEMAS)
    _, definitions = models_json_schema(
        [
            (ClassifyRequest, "validation"),
            (Document, "validation"),
            (ClassifyResponse, "serialization"),
            (ModelInfo, "serialization"),
            (FeedbackRequest, "validation"),
            (FeedbackResponse, "serialization"),
            (ErrorBody, "serialization"),
            *types,
        ],
        ref_template=_SCHEMAS + "{model}",
    )
    schemas: dict[str, Any] = definitions["$defs"]
    schemas["ClassifyRequest"]["properties"]["documents"]["maxItems"] = limits.documents
    schemas["Document"]["properties"]["text"]["maxLength"] = limits.text_characters
    return schemas
