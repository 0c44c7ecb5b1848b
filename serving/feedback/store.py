"""Where corrections are kept: SQLite by default, any other database by one URL; its tables made by alembic."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    DateTime,
    Engine,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    insert,
    text,
)

from serving.feedback.correction import Correction
from stance.schema import DocumentResult, SentimentResult, StanceResult
from stance.store import pointer_path

#: A database URL, for example postgresql+psycopg://user@host/name; without it `feedback.db` under STANCE_HOME.
URL_VARIABLE = "STANCE_FEEDBACK_URL"
MIGRATIONS = Path(__file__).resolve().parent / "migrations"
#: Any fixed number: workers that start together migrate one after the other.
_MIGRATION_LOCK = 7_114_301

metadata = MetaData()
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


def feedback_url() -> str:
    """The database of corrections, as SQLAlchemy writes it."""
    return os.environ.get(URL_VARIABLE) or f"sqlite:///{pointer_path().with_name('feedback.db')}"


class FeedbackStore:
    """Corrections in a database that is opened, and brought to the newest schema, with the first of them."""

    def __init__(self, url: str) -> None:
        """Open nothing yet."""
        self._url = url
        self._lock = threading.Lock()
        self._engine: Engine | None = None

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
        with self._opened().begin() as connection:
            connection.execute(insert(corrections_table), [{**shared, **_row(*one)} for one in found])
        return len(found)

    def close(self) -> None:
        """Give the connections back."""
        if self._engine is not None:
            self._engine.dispose()

    def _opened(self) -> Engine:
        with self._lock:
            if self._engine is None:
                engine = open_database(self._url)
                migrate(engine)
                self._engine = engine
            return self._engine


def _row(correction: Correction, answer: SentimentResult | StanceResult) -> dict[str, Any]:
    start, end = correction.sentence
    fields = correction.model_dump(include={"holder", "target", "predicted", "label"})
    return {**fields, "sentence_start": start, "sentence_end": end, "confidence": answer.confidence}


def open_database(url: str) -> Engine:
    """An engine whose transactions are durable when they end; SQLite's file and folder are made when missing."""
    engine = create_engine(url, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        if engine.url.database:
            Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _: Any) -> None:
    # The driver would otherwise begin transactions itself, and late: two writers could then refuse each other.
    connection.isolation_level = None
    for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def migrate(engine: Engine) -> None:
    """Bring the tables to the newest schema, in one transaction."""
    # Here, for it logs a page on import, and only a service that keeps something needs it.
    import alembic.command
    import alembic.config

    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "head")
