"""What the shadow model was asked and where it answered otherwise, in the database that feedback uses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    Delete,
    Float,
    Integer,
    String,
    Table,
    Text,
    and_,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from serving.aside.compare import Comparison, Disagreement
from serving.config import ShadowConfig
from serving.database import Database, metadata

#: Disagreements that stay where no configuration says otherwise.
KEPT = ShadowConfig().kept

agreement_table = Table(
    "shadow_agreement",
    metadata,
    Column("model", String(200), primary_key=True),
    Column("shadow", String(200), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("compared", BigInteger, nullable=False),
    Column("agreed", BigInteger, nullable=False),
)
#: One answer a row, with the sentence that it is of; a label is null where that model gave no answer.
disagreement_table = Table(
    "shadow_disagreement",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("received", DateTime(timezone=True), nullable=False),
    Column("model", String(200), nullable=False),
    Column("shadow", String(200), nullable=False),
    Column("document", Text, nullable=False),
    Column("sentence_start", Integer, nullable=False),
    Column("sentence_end", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("holder", Text),
    Column("target", Text, nullable=False),
    Column("label", String(20)),
    Column("confidence", Float),
    Column("shadow_label", String(20)),
    Column("shadow_confidence", Float),
)


@dataclass(frozen=True)
class Agreement:
    """How many answers of a kind two models have given, and how many of them alike."""

    model: str
    shadow: str
    kind: str
    compared: int
    agreed: int

    @property
    def share(self) -> float:
        """The share of answers given alike."""
        return self.agreed / self.compared


class ShadowStore:
    """Agreement and disagreements of models, durable when a call returns."""

    def __init__(self, url: str, kept: int = KEPT) -> None:
        """Open nothing yet. At most `kept` disagreements stay, of all models together; the oldest go first."""
        self._database = Database(url)
        self._kept = kept

    def add(self, document: str, model: str, shadow: str, found: Comparison) -> None:
        """Keep one document's comparison, all or nothing. Raises SQLAlchemy's errors."""
        models = {"model": model, "shadow": shadow}
        shared = {**models, "received": datetime.now(UTC), "document": document}
        with self._database.opened().begin() as connection:
            # In one order, so that two workers never wait for each other's rows.
            for kind, compared in sorted(found.compared.items()):
                _count(connection, {**models, "kind": kind}, compared, found.agreed[kind])
            if found.disagreements:
                connection.execute(insert(disagreement_table), [{**shared, **_row(one)} for one in found.disagreements])
                connection.execute(_surplus(self._kept))

    def agreement(self) -> list[Agreement]:
        """What was compared so far, by models and kind."""
        columns = agreement_table.columns
        with self._database.opened().connect() as connection:
            rows = connection.execute(select(agreement_table).order_by(columns.model, columns.shadow, columns.kind))
            return [Agreement(**row) for row in rows.mappings()]

    def disagreements(self, limit: int) -> list[dict[str, Any]]:
        """The rows of `disagreement_table`, the latest first."""
        query = select(disagreement_table).order_by(disagreement_table.columns.id.desc()).limit(limit)
        with self._database.opened().connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def close(self) -> None:
        """Give the connections back."""
        self._database.close()


def _surplus(kept: int) -> Delete:
    """The statement that removes all disagreements but the latest `kept`; by number, so that it reads no other row."""
    number = disagreement_table.columns.id
    latest = select(func.max(number)).scalar_subquery()
    return delete(disagreement_table).where(number <= latest - kept)


def _count(connection: Connection, key: dict[str, str], compared: int, agreed: int) -> None:
    """Add to a row, or make it; another worker may make it at the same moment."""
    columns = agreement_table.columns
    more = (
        update(agreement_table)
        .where(and_(*(columns[name] == value for name, value in key.items())))
        .values(compared=columns.compared + compared, agreed=columns.agreed + agreed)
    )
    if connection.execute(more).rowcount:
        return
    try:
        with connection.begin_nested():
            connection.execute(insert(agreement_table).values(**key, compared=compared, agreed=agreed))
    except IntegrityError:
        connection.execute(more)


def _row(one: Disagreement) -> dict[str, Any]:
    key = one.key
    # A stance that was not given is a neutral one, which requests leave out; a sentiment is of an actor not found.
    missing = "neutral" if key.kind == "stance" else None
    return {
        "sentence_start": key.start,
        "sentence_end": key.end,
        "text": one.text,
        "holder": key.holder,
        "target": key.target,
        "label": one.served.label if one.served else missing,
        "confidence": one.served.confidence if one.served else None,
        "shadow_label": one.shadow.label if one.shadow else missing,
        "shadow_confidence": one.shadow.confidence if one.shadow else None,
    }
