"""Follows the model in service: loads its successor beside it and hands it over, without stopping."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stance.artifact import ArtifactError
from stance.schema import Document
from stance.store import pointer_path, read_pointer, stored_model

if TYPE_CHECKING:  # loads OpenVINO, which the supervising process has no use for
    from stance.classifier import StanceClassifier

#: Seconds between two looks at the pointer.
INTERVAL = 2.0
#: Seconds after which a model that could not be loaded is tried again, whether anything was mended or not.
RETRY = 60.0
_WARM_UP = Document(id="warm-up", text="The minister praised the council. It rejected the offer.")
logger = logging.getLogger("stance.serving")


def warm_up(classifier: StanceClassifier) -> None:
    """Ask once, so that the first request does not pay for what is built at first use, and drop what is then spent."""
    from stance.runtime import release_weights

    classifier.classify([_WARM_UP], on_error="raise")
    release_weights()


#: What a mend would change: modification times (ns) and sizes of the pointer and of the model's files.
_State = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class _Failure:
    """A model that could not be loaded: its tag, what lay on the disk before the attempt, and when (monotonic, s)."""

    tag: str
    state: _State
    at: float


class CurrentModel:
    """Watches which model is in service and gives each new one to `take`, loaded and warm.

    Whoever holds the old one goes on with it: a request that began on a model ends on it. A model that cannot be
    loaded changes nothing but the log, and is tried again when the pointer or its folder has changed and lies still,
    or after `RETRY` seconds. Each worker process watches for itself, so for the seconds of a switch two
    workers may answer with two models; every answer names its own.
    """

    def __init__(
        self,
        served: str,
        take: Callable[[StanceClassifier], None],
        threads: int | None = None,
        interval: float = INTERVAL,
        retry: float = RETRY,
    ) -> None:
        """`served` is the tag that answers now; `threads` are the cores that a call of the new one uses."""
        self._served = served
        self._failed: _Failure | None = None
        self._seen: _State = ()
        self._retry = retry
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
        tag: str | None = None
        state: _State = ()
        try:
            pointer = read_pointer()
            if pointer is None or pointer.current == self._served:
                return False
            tag = pointer.current
            state = _state(tag)
            if not self._due(tag, state):
                return False
            classifier = self._load(tag)
        except Exception:  # whatever is wrong with a folder, the watch goes on
            logger.exception("the model now in service cannot be loaded; %s goes on answering", self._served)
            self._failed = _Failure(tag, state, time.monotonic()) if tag is not None else self._failed
            return False
        self._take(classifier)
        logger.info("%s answers from now on, in the place of %s", tag, self._served)
        self._served, self._failed = tag, None
        return True

    def _due(self, tag: str, state: _State) -> bool:
        """Whether the model was not tried yet, or is worth another attempt."""
        # A folder that somebody is copying into changes from look to look, and cannot be loaded before that ends.
        still, self._seen = state == self._seen, state
        failed = self._failed
        if failed is None or failed.tag != tag:
            return True
        return (still and state != failed.state) or time.monotonic() - failed.at >= self._retry

    def _load(self, tag: str) -> StanceClassifier:
        from stance.classifier import StanceClassifier

        classifier = StanceClassifier.load(stored_model(tag), self._threads)
        warm_up(classifier)
        return classifier

    def _watch(self) -> None:
        while not self._stop.wait(self._interval):
            self.look()


def _state(tag: str) -> _State:
    try:
        files = [pointer_path(), *sorted(stored_model(tag).iterdir())]
    except (ArtifactError, OSError):  # not in the store (yet)
        files = [pointer_path()]
    found = [(path.name, path.stat()) for path in files if path.exists()]
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in found)
