"""One database for what readers correct and where models disagree: SQLite by default, any other by one URL."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, create_engine, event, make_url, text

from stance.store import pointer_path

#: A URL as SQLAlchemy writes it, for example postgresql://user@host/name.
URL_VARIABLE = "STANCE_FEEDBACK_URL"
MIGRATIONS = Path(__file__).resolve().parent / "feedback" / "migrations"
#: How long a writer waits for another before it fails, in seconds.
BUSY_SECONDS = 10
#: Any fixed number: workers that start together migrate one after the other.
_MIGRATION_LOCK = 7_114_301

metadata = MetaData()


def feedback_url() -> str:
    """The database, as SQLAlchemy writes it."""
    return os.environ.get(URL_VARIABLE) or f"sqlite:///{pointer_path().with_name('feedback.db')}"


class Database:
    """A database that is opened, and brought to the newest schema, when it is first needed."""

    def __init__(self, url: str) -> None:
        """Open nothing yet."""
        self._url = url
        self._lock = threading.Lock()
        self._engine: Engine | None = None

    def opened(self) -> Engine:
        """The engine. Raises SQLAlchemy's errors."""
        with self._lock:
            if self._engine is None:
                engine = open_database(self._url)
                migrate(engine)
                self._engine = engine
            return self._engine

    def close(self) -> None:
        """Give the connections back."""
        if self._engine is not None:
            self._engine.dispose()


def open_database(url: str) -> Engine:
    """An engine whose transactions are durable when they end; SQLite's file and folder are made when missing."""
    named = make_url(url)
    if named.drivername == "postgresql":  # SQLAlchemy would look for a driver that nobody was told to install
        named = named.set(drivername="postgresql+psycopg")
    engine = create_engine(named, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        if engine.url.database:
            Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: sqlite3.Connection, _: Any) -> None:
    # The driver would otherwise begin transactions itself, and late: two writers could then refuse each other.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={1000 * BUSY_SECONDS}")
    _use_wal(connection, time.monotonic() + BUSY_SECONDS)
    connection.execute("PRAGMA synchronous=FULL")


def _use_wal(connection: sqlite3.Connection, deadline: float) -> None:
    # A file changes its journal under an exclusive lock that SQLite asks for once, whatever its busy timeout is:
    # of several workers that open a new file together, all but one would be told that it is locked.
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


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
