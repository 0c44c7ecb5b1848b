"""What reads texts for `suggest` and `audit`: an exported model, or another encoder (`encoders`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from stance.classifier import LENGTH_STEP, StanceClassifier
from stance.encoding import Window, WindowEncoder
from stance.queries import TokenBatch, pad
from stance.schema import Mention

Floats = NDArray[np.float32]

#: Windows in one encoder call.
BATCH = 16


class Reader(Protocol):
    """Cuts documents into windows and gives each of their tokens a vector of `width` values."""

    windows: WindowEncoder
    width: int

    def masked(self, mentions: Sequence[Mention]) -> list[Mention]:
        """The mentions as the encoder should be shown them."""

    def read(self, windows: Sequence[Window]) -> list[Floats]:
        """The vectors [L, width] of each window's tokens, at least as many as it has."""


class ModelReader:
    """Reads with an exported model's encoder, names hidden as in service."""

    def __init__(self, classifier: StanceClassifier) -> None:
        """Use the classifier's encoder."""
        self.windows = classifier.encoder
        self.width = classifier.manifest.hidden
        self._classifier = classifier

    def masked(self, mentions: Sequence[Mention]) -> list[Mention]:
        """The mentions as they are: names are hidden."""
        return list(mentions)

    def read(self, windows: Sequence[Window]) -> list[Floats]:
        """See `Reader`."""
        found: dict[int, Floats] = {}
        for places, tokens in batches(windows, self._classifier.manifest.pad_id, LENGTH_STEP):
            hidden, _ = self._classifier.runtime.encoder(
                input_ids=tokens.input_ids, attention_mask=tokens.attention_mask
            )
            found.update(zip(places, np.asarray(hidden, dtype=np.float32), strict=True))
        return [found[place] for place in range(len(windows))]


def batches(windows: Sequence[Window], pad_id: int, multiple: int) -> Iterator[tuple[list[int], TokenBatch]]:
    """Windows of like length together: their places and their tokens."""
    order = sorted(range(len(windows)), key=lambda place: len(windows[place].ids))
    for at in range(0, len(order), BATCH):
        places = order[at : at + BATCH]
        yield places, pad([windows[place] for place in places], pad_id, multiple)
