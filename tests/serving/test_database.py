"""The database of feedback and shadow: opened by several at once."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

import serving.database
from serving.database import open_database


def _written_to(path: Path) -> sqlite3.Connection:
    """A new file in the middle of another's transaction."""
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE t (x)")
    other.execute("BEGIN IMMEDIATE")
    return other


def test_a_new_file_that_another_writes_to_is_waited_for(tmp_path: Path) -> None:
    other = _written_to(tmp_path / "a.db")
    threading.Timer(0.5, lambda: other.execute("COMMIT")).start()
    with open_database(f"sqlite:///{tmp_path / 'a.db'}").connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_a_file_that_stays_locked_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving.database, "BUSY_SECONDS", 1)
    other = _written_to(tmp_path / "a.db")
    engine = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    with pytest.raises(Exception, match="database is locked"), engine.connect():
        pass
    other.close()
