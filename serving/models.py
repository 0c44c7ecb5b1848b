"""Follows the model in service: loads its successor beside it and hands it over, without stopping."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from stance.artifact import ArtifactError
from stance.schema import Document
from stance.store import read_pointer, stored_model

if TYPE_CHECKING:  # loads OpenVINO, which the supervising process has no use for
    from stance.classifier import StanceClassifier

#: Seconds between two looks at the pointer.
INTERVAL = 2.0
_WARM_UP = Document(id="warm-up", text="The minister praised the council. It rejected the offer.")
logger = logging.getLogger("stance.serving")


class CurrentModel:
    """Watches which model is in service and gives each new one to `take`, loaded and warm.

    Whoever holds the old one goes on with it: a request that began on a model ends on it. A model that cannot be
    loaded changes nothing but the log. Each worker process watches for itself, so for the seconds of a switch two
    workers may answer with two models; every answer names its own.
    """

    def __init__(
        self,
        served: str,
        take: Callable[[StanceClassifier], None],
        threads: int | None = None,
        interval: float = INTERVAL,
    ) -> None:
        """`served` is the tag that answers now; `threads` are the cores that a call of the new one uses."""
        self._served = served
        self._failed: str | None = None
        self._take = take
        self._threads = threads
        self._interval = interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="current-model", daemon=True)

    def start(self) -> None:
        """Begin to watch, on a thread of its own."""
        self._thread.start()

    def close(self) -> None:
        """Stop watching; a model that is being loaded is still handed over or dropped first."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> bool:
        """Hand over the model in service if it is another one than before; returns whether it was."""
        try:
            pointer = read_pointer()
            if pointer is None or pointer.current in (self._served, self._failed):
                return False
            self._failed = pointer.current
            classifier = self._load(pointer.current)
        except (ArtifactError, OSError, RuntimeError):
            logger.exception("the model now in service cannot be loaded; %s goes on answering", self._served)
            return False
        self._take(classifier)
        logger.info("%s answers from now on, in the place of %s", pointer.current, self._served)
        self._served, self._failed = pointer.current, None
        return True

    def _load(self, tag: str) -> StanceClassifier:
        """Load and ask once, so that the first request does not pay for what is built at first use."""
        from stance.classifier import StanceClassifier

        classifier = StanceClassifier.load(stored_model(tag), self._threads)
        classifier.classify([_WARM_UP])
        return classifier

    def _watch(self) -> None:
        while not self._stop.wait(self._interval):
            self.look()
