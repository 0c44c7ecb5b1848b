"""A second model that answers a share of the traffic for nobody, and what it says otherwise."""

from __future__ import annotations

import logging
import os
import random
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from serving.aside.compare import compare
from serving.aside.queue import Aside
from serving.config import ShadowConfig
from stance.schema import Document, DocumentResult, ItemError

if TYPE_CHECKING:  # loads OpenVINO, which the supervising process has no use for
    from serving.aside.store import ShadowStore
    from stance.classifier import StanceClassifier

#: How far the shadow's thread stands back behind those that answer, of 19.
NICE = 15
logger = logging.getLogger("stance.serving")


class Answered(NamedTuple):
    """A document and what it was answered."""

    document: Document
    result: DocumentResult
    author: bool


class Shadow:
    """Asks the shadow model what was asked of the one in service, later and on a thread of its own."""

    def __init__(self, config: ShadowConfig, store: ShadowStore) -> None:
        """Load nothing yet; `config.model` is not None."""
        self._config = config
        self._store = store
        self._classifier: StanceClassifier | None = None
        self._aside: Aside[Answered] = Aside("shadow", self._ask, config.queued, self._load)

    def start(self) -> None:
        """Load the model, while answers are given already, and begin."""
        self._aside.start()

    def close(self) -> None:
        """End after the document in work."""
        self._aside.close()
        self._store.close()

    def see(
        self, items: Sequence[Document | ItemError], results: Sequence[DocumentResult | ItemError], author: bool
    ) -> None:
        """Take a share of what was answered, as much as there is room for; neither waits nor raises."""
        answered = [
            Answered(item, result, author)
            for item, result in zip(items, results, strict=True)
            if isinstance(item, Document) and isinstance(result, DocumentResult)
        ]
        self._aside.offer([one for one in answered if random.random() < self._config.share])

    def _load(self) -> None:
        from stance.classifier import StanceClassifier

        if sys.platform == "linux":  # elsewhere it would slow the whole process
            # Before the model's own threads are made, which inherit it.
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
        self._classifier = StanceClassifier.load(self._config.model, self._config.threads)
        logger.info("%s answers %.0f%% of the traffic in the shadow", self._classifier.tag, 100 * self._config.share)

    def _ask(self, one: Answered) -> None:
        if self._classifier is None:
            raise RuntimeError("the shadow model was not loaded")
        if one.result.model == self._classifier.tag:  # it was promoted: nothing is left to compare
            return
        (shadow,) = self._classifier.classify([one.document], author=one.author, on_error="raise")
        self._store.add(one.document.id, one.result.model, shadow.model, compare(one.result, shadow))
