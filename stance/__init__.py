"""Stance and sentiment of actors in news text, sentence by sentence.

from stance import Document, StanceClassifier

classifier = StanceClassifier.load()
classifier.classify([Document(id="a1", text="...")])
"""

from stance.classifier import StanceClassifier
from stance.schema import Actor, Document, DocumentResult, ItemError, Mention

__all__ = ["Actor", "Document", "DocumentResult", "ItemError", "Mention", "StanceClassifier"]
