"""What becomes of a document that cannot be answered: an error in its place, or an exception that names it.

Python callers, the service and batch scoring all take it from here.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

from stance.queries import TooManyPairs
from stance.schema import Document, DocumentResult, ErrorInfo, ItemError

#: Documents that the message of a `ClassifyError` names; `ClassifyError.errors` has them all.
NAMED = 5

logger = logging.getLogger("stance.classifier")


class ClassifyError(ValueError):
    """Some documents have no result; the message names each with the field and the mend.

    `results` holds one entry a document, in order: a `DocumentResult`, or the `ItemError` of one that failed.
    """

    def __init__(self, results: Sequence[DocumentResult | ItemError]) -> None:
        """`results` has at least one `ItemError`."""
        self.results = list(results)
        self.errors = [one for one in results if isinstance(one, ItemError)]
        named = [f"document {one.id!r}: {one.error.message}" for one in self.errors[:NAMED]]
        more = len(self.errors) - len(named)
        super().__init__("; ".join([*named, *([f"and {more} more documents"] if more else [])]))


class Failed(NamedTuple):
    """A document without an answer, and why."""

    document: Document
    cause: Exception

    @property
    def foreseen(self) -> bool:
        """Whether the document itself is to blame, and the message tells how to mend it."""
        return isinstance(self.cause, TooManyPairs)

    def as_item(self) -> ItemError:
        """What stands in the result's place; internals go to the log alone."""
        if self.foreseen:
            info = ErrorInfo(code="too_many_actors", message=f"text: {self.cause}")
        else:
            logger.error("a document of %d characters failed", len(self.document.text), exc_info=self.cause)
            info = ErrorInfo(code="internal", message="the document could not be classified; the log has the details")
        return ItemError(id=self.document.id, error=info)


def as_items(outcomes: Sequence[DocumentResult | Failed]) -> list[DocumentResult | ItemError]:
    """Results, with an error in the place of each document that failed."""
    return [one.as_item() if isinstance(one, Failed) else one for one in outcomes]


def all_or_raise(outcomes: Sequence[DocumentResult | Failed]) -> list[DocumentResult]:
    """Results of documents none of which failed.

    Raises what stopped a document where that is no fault of the document, else `ClassifyError`.
    """
    failed = [one for one in outcomes if isinstance(one, Failed)]
    for one in failed:
        if not one.foreseen:
            raise one.cause
    if failed:
        raise ClassifyError(as_items(outcomes))
    return [one for one in outcomes if isinstance(one, DocumentResult)]
