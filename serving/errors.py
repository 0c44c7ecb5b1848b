"""Errors of the HTTP service: one exception, one body for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from stance.schema import ErrorInfo, Strict

#: How long, and how much, a caller may go on sending a body that has been refused.
LINGER_SECONDS = 5.0
LINGER_BYTES = 33_554_432


class ErrorBody(Strict):
    """The body of every answer with a status of 400 or more."""

    error: ErrorInfo


class ApiError(Exception):
    """An answer that is an error; `message` says what to mend and is shown to the caller."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.info = ErrorInfo(code=code, message=message, details=details)
        self.headers = dict(headers or {})

    @property
    def body(self) -> dict[str, Any]:
        """The contract's body."""
        return ErrorBody(error=self.info).model_dump(exclude_none=True)

    def response(self) -> JSONResponse:
        """The answer to send."""
        return JSONResponse(self.body, self.status, self.headers)


class BodyTooLarge(ApiError):
    """413 for a body that has not been read to its end."""

    def __init__(self, limit: int, mend: str = "send fewer documents at once") -> None:
        message = f"the body is larger than {limit} bytes; {mend}"
        super().__init__(413, "body_too_large", message, headers={"Connection": "close"})

    def response(self) -> JSONResponse:
        """The answer to send; it keeps the connection for a moment."""
        return _Lingering(self.body, self.status, self.headers)


class _Lingering(JSONResponse):
    """Answers at once, then throws away what still comes before the connection is closed.

    Closed with unread data, it would be reset, and many a caller would never see the answer.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                await _discard(receive)
        except TimeoutError:
            pass
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _discard(receive: Receive) -> None:
    left, more = LINGER_BYTES, True
    while more and left > 0:
        message = await receive()
        left -= len(message.get("body", b""))
        more = message.get("more_body", False)


async def answer(request: Request, error: Exception) -> JSONResponse:
    """The answer to an `ApiError`, as Starlette's handlers give it."""
    assert isinstance(error, ApiError)
    return error.response()


def overloaded(code: str, message: str, seconds: int) -> ApiError:
    """503 with `Retry-After`."""
    return ApiError(503, code, message, headers={"Retry-After": str(seconds)})


#: Code and message for the statuses that BentoML and Starlette give in words of their own.
_FRAMEWORK = {
    400: ("bad_request", "the request cannot be read; check its headers, or leave out those that it does not need"),
    404: ("not_found", "there is nothing at this path; GET /docs.json lists the routes"),
    405: ("method_not_allowed", "this path does not take this method; the Allow header lists those it takes"),
    416: ("range_not_satisfiable", "there is nothing in this range; ask without the Range header"),
    429: ("overloaded", "too many requests at once; try again shortly"),
    500: ("internal", "something went wrong in the service; its log has the details"),
    503: ("not_ready", "the service is not ready; try again shortly"),
}
#: The same for every other mistake of a caller.
_REFUSED = ("refused", "the service does not take this request as it is; GET /docs.json lists what it takes")


def framework_error(status: int, headers: Mapping[str, str] | None = None) -> ApiError:
    """The contract's error for a status that BentoML or Starlette gave.

    A caller's mistake keeps its status, known or not; of the others an unknown one becomes 500.
    """
    known = status if status in _FRAMEWORK or 400 <= status < 500 else 500
    code, message = _FRAMEWORK.get(known, _REFUSED)
    retry = {"Retry-After": "1"} if known in (429, 503) else {}
    return ApiError(known, code, message, headers={**retry, **(headers or {})})
