"""How a long step tells whoever waits for it how far it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Track(Protocol):
    """Hands items on as they are asked for, and may show how many have passed."""

    def __call__(self, items: Iterable[T], what: str, /) -> Iterable[T]:
        """The items, which are called `what`."""


def untracked(items: Iterable[T], what: str, /) -> Iterable[T]:
    """The items, with nothing shown."""
    return items
