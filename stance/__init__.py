"""Stance and sentiment of actors in news text, sentence by sentence.

from stance import Document, StanceClassifier

classifier = StanceClassifier.load()
classifier.classify([Document(id="a1", text="...")])
"""

from typing import TYPE_CHECKING, Any

from stance.schema import Actor, Document, DocumentResult, ItemError, Mention

if TYPE_CHECKING:
    from stance.classifier import StanceClassifier

__all__ = ["Actor", "Document", "DocumentResult", "ItemError", "Mention", "StanceClassifier"]


def __getattr__(name: str) -> Any:
    """Load the classifier, and OpenVINO with it, only for those who ask: `stance --help` answers at once."""
    if name == "StanceClassifier":
        from stance.classifier import StanceClassifier

        return StanceClassifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
