"""Kept corrections as labelled data: what one text was corrected in, whatever ids it and its actors had."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, insert

from serving.feedback.store import corrections_table
from training.data.errors import DataError
from training.data.readers.feedback import read_feedback

TEXT = "Orsan blamed Talvia."
SPANS = {"Orsan": (0, 5), "Talvia": (13, 19)}


def row(sender: str, label: str, model: str = "a", document: str = "n1", target: str = "talvia", **changes: Any) -> Any:
    names = {"Orsan": "orsan", "Talvia": target}
    return {
        "received": datetime(2026, 11, 28, tzinfo=UTC),
        "sender": sender,
        "model": model,
        "document": document,
        "text": TEXT,
        "actors": [{"id": id, "name": name} for name, id in names.items()],
        "mentions": [{"actor": id, "start": SPANS[name][0], "end": SPANS[name][1]} for name, id in names.items()],
        "sentence_start": 0,
        "sentence_end": 20,
        "target": target,
        "label": label,
        "predicted": "neutral",
        "confidence": 0.5,
        **changes,
    }


def kept(folder: Path, *rows: Any) -> str:
    url = f"sqlite:///{folder / 'feedback.db'}"
    engine = create_engine(url)
    corrections_table.create(engine)
    with engine.begin() as connection:
        for one in rows:
            connection.execute(insert(corrections_table), one)
    engine.dispose()
    return url


def test_a_senders_last_correction_counts_over_models_and_documents(tmp_path: Path) -> None:
    rows = row("ada", "negative"), row("ben", "positive", document="n2"), row("ada", "positive", "b", target="t9")
    (document,) = read_feedback(kept(tmp_path, *rows))
    assert [(label.actor, label.label) for label in document.sentiment] == [("talvia", "positive")]
    assert [actor.id for actor in document.actors] == ["orsan", "talvia"]
    assert len(document.mentions) == 2


@pytest.mark.parametrize("changes", [{"document": "n2"}, {"model": "b"}, {"model": "b", "target": "t9"}])
@pytest.mark.parametrize("holder", [None, "orsan", "author"])
def test_senders_who_disagree_on_a_text_are_named(holder: str | None, changes: dict[str, str], tmp_path: Path) -> None:
    labels = ("negative", "positive") if holder is None else ("against", "favor")
    url = kept(tmp_path, row("ada", labels[0], holder=holder), row("ben", labels[1], holder=holder, **changes))
    with pytest.raises(DataError, match=rf"ada '{labels[0]}' \(row 1\), ben '{labels[1]}' \(row 2\)") as error:
        list(read_feedback(url))
    assert [(problem.line, problem.field) for problem in error.value.problems] == [(2, "label")]


def test_actors_without_a_shared_span_are_told_apart_by_name(tmp_path: Path) -> None:
    same = row("ben", "positive", "b", target="t9", mentions=[])
    other = row("eve", "neutral", "c", actors=[{"id": "talvia", "name": "Brel"}], mentions=[])
    reader = read_feedback(kept(tmp_path, row("ada", "negative"), same, other))
    assert [(label.actor, label.label) for label in next(reader).sentiment] == [("talvia_2", "neutral")]
    with pytest.raises(DataError, match="ada 'negative'"):
        next(reader)


def test_a_row_that_does_not_fit_costs_no_other_its_label(tmp_path: Path) -> None:
    reader = read_feedback(kept(tmp_path, row("ada", "negative", sentence_end=99), row("ben", "positive")))
    assert [label.label for label in next(reader).sentiment] == ["positive"]
    with pytest.raises(DataError, match=r":1: .*outside the text of 20"):
        next(reader)


@pytest.mark.parametrize("prefix", ["", "file:"])
def test_a_missing_database_is_refused_and_not_made(prefix: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no feedback can be read"):
        list(read_feedback(f"sqlite:///{prefix}{tmp_path / 'nofile.db'}{'?uri=true' if prefix else ''}"))
    assert list(tmp_path.iterdir()) == []
