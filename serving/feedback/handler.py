"""`POST /v1/feedback`: classifies the text again, compares, and keeps the corrections that fit."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response

from serving.config import Limits
from serving.engine import Engine, classify_items
from serving.errors import ApiError, overloaded
from serving.feedback.correction import FeedbackResponse, check_model, matched, read_feedback
from serving.feedback.store import FeedbackStore
from serving.intake import read_body
from stance.schema import Document, DocumentResult

if TYPE_CHECKING:  # loads OpenVINO, which the supervising process has no use for
    from stance.classifier import StanceClassifier

logger = logging.getLogger("stance.serving")


class FeedbackApi:
    """The route's handler.

    The service keeps no text that it classifies, so whether a sentence was classified, and how, is found by doing it
    again: one model gives one document the same answer every time.
    """

    def __init__(
        self, store: FeedbackStore, engine: Engine, limits: Limits, model: Callable[[], StanceClassifier]
    ) -> None:
        """`model` gives the model that answers now."""
        self._store = store
        self._engine = engine
        self._limits = limits
        self._model = model

    async def post(self, request: Request) -> Response:
        """201 with the number of corrections kept, all of them or (with an error) none."""
        self._engine.check()
        body = await read_body(request, self._limits.body_bytes)
        envelope, document = await asyncio.to_thread(read_feedback, body, self._limits)
        classifier = self._model()
        check_model(envelope.model, classifier.tag)
        result = await self._engine.run(lambda stop: _classified(classifier, document, stop))
        found = matched(envelope.corrections, result)
        try:
            kept = await asyncio.to_thread(self._store.add, envelope.sender, document.text, result, found)
        except SQLAlchemyError:
            logger.exception("corrections could not be kept")
            raise overloaded("feedback_unavailable", "the correction could not be kept; send it again", 5) from None
        return Response(FeedbackResponse(kept=kept).model_dump_json(), 201, media_type="application/json")


def _classified(classifier: StanceClassifier, document: Document, stop: threading.Event) -> DocumentResult:
    """The document's result. Raises `ApiError` (422) where the document is to blame that there is none."""
    (result,) = classify_items(classifier, [document], include_neutral=True, author=True, stop=stop)
    if isinstance(result, DocumentResult):
        return result
    if result.error.code == "internal":
        raise RuntimeError(result.error.message)
    raise ApiError(422, result.error.code, f"document: {result.error.message}")
