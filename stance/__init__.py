"""Stance and sentiment of actors in news text, sentence by sentence.

from stance import Document, StanceClassifier

classifier = StanceClassifier.load()
classifier.classify([Document(id="a1", text="...")])
"""

from typing import TYPE_CHECKING, Any

from stance.schema import Actor, Document, DocumentResult, ItemError, Mention

if TYPE_CHECKING:
    from stance.classifier import StanceClassifier
    from stance.outcome import ClassifyError

__all__ = ["Actor", "ClassifyError", "Document", "DocumentResult", "ItemError", "Mention", "StanceClassifier"]


def __getattr__(name: str) -> Any:
    """Load the classifier, and OpenVINO with it, only for those who ask: `stance --help` answers at once."""
    if name == "StanceClassifier":
        from stance.classifier import StanceClassifier

        return StanceClassifier
    if name == "ClassifyError":
        from stance.outcome import ClassifyError

        return ClassifyError
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
