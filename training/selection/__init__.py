"""What to label next, and which labels to look at again."""

from training.selection.audit import Doubt, audit
from training.selection.suggest import Suggestion, suggest

__all__ = ["Doubt", "Suggestion", "audit", "suggest"]
