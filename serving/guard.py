"""What stands around the application: metric labels, keys, time, and one shape for every error.

BentoML labels its metrics, traces and access log by the raw path, so anybody could make them grow without
end. `RouteLabels` is outermost and puts the route's template (`/v1/jobs/{id}`) in the path's place;
`Guard`, innermost of the middleware, puts the path back.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Mapping, Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.errors import ApiError, framework_error, overloaded

#: The label of every path that no route has.
UNKNOWN = "unknown"
_PATH = "stance.path"
#: A message that no server knows, so that none must see it: it tells BentoML that an answer is on its way.
_ALIVE = "stance.alive"
logger = logging.getLogger("stance.serving")


class RouteLabels:
    """Replaces the path by its route's template before anything counts it, and refuses websockets."""

    def __init__(self, app: ASGIApp, templates: Sequence[str]) -> None:
        """`templates` are all routes that exist, as Starlette writes them."""
        self.app = app
        self._routes = [(compile_path(template)[0], template) for template in templates]

    def label(self, path: str) -> str:
        """The template of the route that `path` belongs to."""
        return next((template for pattern, template in self._routes if pattern.match(path)), UNKNOWN)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on under its label."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        elif scope["type"] == "http":
            path = scope["path"]

            async def known(message: Message) -> None:
                if message["type"] != _ALIVE:
                    await send(message)

            await self.app({**scope, "path": self.label(path), _PATH: path}, receive, known)
        else:
            await self.app(scope, receive, send)


class Guard:
    """Lets a request in if its route exists, it has a key and it takes no longer than it may.

    Nothing raised further in gets out: BentoML would leave such a request hanging.
    """

    def __init__(
        self,
        app: ASGIApp,
        keys: Sequence[bytes],
        open_paths: Sequence[str],
        timeout: float,
        unhurried: Sequence[str] = (),
    ) -> None:
        """`open_paths` (templates) need no key, and nothing does where `keys` is empty; `timeout` is in seconds.

        Requests to the `unhurried` (templates) carry what may take long: each piece of their answer is bounded by
        `timeout` instead of the whole, and the handler bounds the pieces of the body.
        """
        self.app = app
        self.keys = keys
        self.open_paths = frozenset(open_paths)
        self.timeout = timeout
        self.unhurried = frozenset(unhurried)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the application answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        unhurried = scope["path"] in self.unhurried
        reply = _Reply(send, self.timeout if unhurried else None)
        try:
            self._admit(scope)
            if unhurried:
                await send({"type": _ALIVE})
            async with asyncio.timeout(None if unhurried else self.timeout):
                await self.app({**scope, "path": scope[_PATH]}, receive, reply.send)
        except ApiError as error:
            await reply.fail(error, scope, receive)
        except TimeoutError:
            message = f"not done within {self.timeout:g} s; send fewer or shorter documents, or score them in batch"
            await reply.fail(overloaded("timeout", message, 1), scope, receive)
        except Exception:
            logger.exception("a request failed")
            await reply.fail(framework_error(500), scope, receive)
        else:
            await reply.finish(scope, receive)

    def _admit(self, scope: Scope) -> None:
        label = scope["path"]
        if self.keys and label not in self.open_paths and not self._has_key(Headers(scope=scope)):
            message = "no valid key; send the header Authorization: Bearer KEY"
            raise ApiError(401, "unauthorized", message, headers={"WWW-Authenticate": "Bearer"})
        if label == UNKNOWN:
            raise framework_error(404)

    def _has_key(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        matches = [hmac.compare_digest(given.strip().encode(), key) for key in self.keys]
        return scheme.lower() == "bearer" and any(matches)


class _Reply:
    """One response on its way out; an error in a framework's own words is held back and replaced."""

    def __init__(self, send: Send, patience: float | None) -> None:
        self._send = send
        self._patience = patience
        self._started = False
        self._held: tuple[int, Mapping[str, str]] | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message["headers"])
            if message["status"] >= 400 and headers.get("content-type") != "application/json":
                kept = {
                    name: value for name, value in headers.items() if name in ("allow", "retry-after", "content-range")
                }
                self._held = (message["status"], kept)
                return
            headers["X-Content-Type-Options"] = "nosniff"
            self._started = True
        if self._held is None:
            async with asyncio.timeout(self._patience):
                await self._send(message)

    async def fail(self, error: ApiError, scope: Scope, receive: Receive) -> None:
        """Answer with `error`, unless an answer is under way."""
        if not self._started:
            await error.response()(scope, receive, self._send)

    async def finish(self, scope: Scope, receive: Receive) -> None:
        """Send the error that was held back, if any."""
        if self._held is not None:
            await self.fail(framework_error(*self._held), scope, receive)
