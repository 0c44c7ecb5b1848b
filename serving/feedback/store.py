"""Where corrections are kept: one table, in the form of labelled data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, Column, DateTime, Float, Integer, String, Table, Text, insert

from serving.database import Database, metadata
from serving.feedback.correction import Correction
from stance.schema import DocumentResult, SentimentResult, StanceResult

#: One correction a row; `actors` and `mentions` are the result's, in the form of labelled data.
corrections_table = Table(
    "feedback",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("received", DateTime(timezone=True), nullable=False),
    Column("sender", String(200), nullable=False),
    Column("model", String(200), nullable=False),
    Column("document", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("actors", JSON, nullable=False),
    Column("mentions", JSON, nullable=False),
    Column("sentence_start", Integer, nullable=False),
    Column("sentence_end", Integer, nullable=False),
    Column("holder", Text),
    Column("target", Text, nullable=False),
    Column("predicted", String(20), nullable=False),
    Column("confidence", Float, nullable=False),
    Column("label", String(20), nullable=False),
)


class FeedbackStore:
    """Corrections in a database that is opened with the first of them."""

    def __init__(self, url: str) -> None:
        """Open nothing yet."""
        self._database = Database(url)

    def add(
        self,
        sender: str,
        document_text: str,
        result: DocumentResult,
        found: Sequence[tuple[Correction, SentimentResult | StanceResult]],
    ) -> int:
        """Keep corrections, all or none; they are on the disk when this returns. Raises SQLAlchemy's errors."""
        shared = {
            "received": datetime.now(UTC),
            "sender": sender,
            "model": result.model,
            "document": result.id,
            "text": document_text,
            "actors": [{"id": a.id, "name": a.name, "type": a.type} for a in result.actors],
            "mentions": [
                {"actor": m.actor, "start": m.start, "end": m.end, "kind": m.kind}
                for sentence in result.sentences
                for m in sentence.mentions
            ],
        }
        with self._database.opened().begin() as connection:
            connection.execute(insert(corrections_table), [{**shared, **_row(*one)} for one in found])
        return len(found)


def _row(correction: Correction, answer: SentimentResult | StanceResult) -> dict[str, Any]:
    start, end = correction.sentence
    fields = correction.model_dump(include={"holder", "target", "predicted", "label"})
    return {**fields, "sentence_start": start, "sentence_end": end, "confidence": answer.confidence}
