"""Our routes, as the Starlette application that BentoML mounts: classify, the model, the page."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import Field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from serving.config import ServingConfig
from serving.engine import Engine, classify_items
from serving.errors import ApiError, answer, overloaded
from serving.intake import read_body, read_request
from stance.artifact import HeadSettings, Manifest
from stance.encoding import EncodingSettings
from stance.schema import SENTIMENTS, STANCES, Document, DocumentResult, ItemError, Strict

if TYPE_CHECKING:  # loads OpenVINO, which the supervising process has no use for
    from serving.jobs.routes import JobsApi
    from stance.classifier import StanceClassifier

PAGE = Path(__file__).resolve().parent / "page"
#: Nothing from elsewhere, nothing inline, no frame around it.
PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
#: BentoML's own routes.
INFRASTRUCTURE = ("/livez", "/readyz", "/healthz", "/metrics", "/docs.json")

T = TypeVar("T")
#: Is shown every request's documents and results, and whether the author counted; neither waits nor raises.
Onlooker = Callable[[Sequence[Document | ItemError], Sequence[DocumentResult | ItemError], bool], None]


class ClassifyResponse(Strict):
    """The answer of `POST /v1/classify`: one result or error a document, in the order of the request."""

    model: str
    results: list[DocumentResult | ItemError]


class ModelInfo(Strict):
    """What is known of the model that answers; `data` maps each file that it learned from to its SHA-256."""

    tag: str
    created: str
    language: str
    license: str
    labels: dict[str, tuple[str, ...]]
    heads: dict[str, HeadSettings]
    metrics: dict[str, Any] = Field(default_factory=dict)
    data: dict[str, str] = Field(default_factory=dict)
    encoding: EncodingSettings

    @classmethod
    def of(cls, manifest: Manifest) -> ModelInfo:
        """The public part of a manifest."""
        shared = {name: getattr(manifest, name) for name in cls.model_fields if name not in ("labels",)}
        return cls(labels={"sentiment": SENTIMENTS, "stance": STANCES}, **shared)


class Api:
    """The routes' handlers. `load` gives them a model before the first request."""

    def __init__(self, config: ServingConfig) -> None:
        """Keep the configuration; no model yet."""
        self.config = config
        self.engine = Engine(config.running, config.waiting)
        self.classifier: StanceClassifier | None = None
        self.onlookers: list[Onlooker] = []

    def load(self, classifier: StanceClassifier) -> None:
        """Answer with this model from now on."""
        self.classifier = classifier

    async def classify(self, request: Request) -> Response:
        """`POST /v1/classify`."""
        self.engine.check()
        body = await read_body(request, self.config.limits.body_bytes)
        return await _while_connected(request, self._classify(body))

    async def _classify(self, body: bytes) -> Response:
        classifier, limits = self.model_now(), self.config.limits
        envelope, items = await asyncio.to_thread(read_request, body, limits)

        def answer(stop: threading.Event) -> str:
            results = classify_items(classifier, items, envelope.include_neutral, envelope.author, stop)
            for onlooker in self.onlookers:
                onlooker(items, results, envelope.author)
            return ClassifyResponse(model=classifier.tag, results=results).model_dump_json(exclude_none=True)

        return Response(await self.engine.run(answer), media_type="application/json")

    async def model(self, request: Request) -> Response:
        """`GET /v1/model`."""
        info = ModelInfo.of(self.model_now().manifest)
        return Response(info.model_dump_json(), media_type="application/json")

    def model_now(self) -> StanceClassifier:
        """The model that answers. Raises `ApiError` (503) while the first one is being loaded."""
        if self.classifier is None:
            raise overloaded("not_ready", "the model is still being loaded; try again shortly", 1)
        return self.classifier


async def _while_connected(request: Request, work: Awaitable[T]) -> T:
    """Await `work`, and cancel it when the caller hangs up."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_hung_up(request))
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise overloaded("disconnected", "the caller hung up", 1)
        return task.result()
    finally:
        task.cancel()
        gone.cancel()


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _file(path: Path) -> Route:
    def endpoint(request: Request) -> Response:
        return FileResponse(path, headers=PAGE_HEADERS)

    return Route("/" if path.name == "index.html" else f"/page/{path.name}", endpoint)


def page_routes() -> list[Route]:
    """The page and what it needs, one route a file."""
    return [_file(path) for path in sorted(PAGE.iterdir())]


def _feedback(api: Api) -> Route:
    # Here, since only a service that takes feedback needs the packages of the extra `feedback`.
    from serving.database import feedback_url
    from serving.feedback.handler import FeedbackApi
    from serving.feedback.store import FeedbackStore

    handler = FeedbackApi(FeedbackStore(feedback_url()), api.engine, api.config.limits, api.model_now)
    return Route("/v1/feedback", handler.post, methods=["POST"])


def create_app(api: Api, jobs: JobsApi | None = None) -> Starlette:
    """The application with the handlers of `api`, and those of jobs where they are offered."""
    routes = [Route("/v1/classify", api.classify, methods=["POST"]), Route("/v1/model", api.model)]
    if api.config.feedback:
        routes.append(_feedback(api))
    if jobs is not None:
        routes += jobs.routes()
    page = page_routes() if api.config.page else []
    return Starlette(routes=[*routes, *page], exception_handlers={ApiError: answer})


def templates(app: Starlette) -> Sequence[str]:
    """Every route of the service, ours and BentoML's."""
    return [*(route.path for route in app.routes if isinstance(route, Route)), *INFRASTRUCTURE]


def open_paths(app: Starlette) -> Sequence[str]:
    """The routes that need no key: health, the page, and the description of the rest."""
    page = [route.path for route in app.routes if isinstance(route, Route) and not route.path.startswith("/v1/")]
    return [*page, "/livez", "/readyz", "/healthz", "/docs.json"]
