"""Corrections that `POST /v1/feedback` kept, as labelled documents for somebody to look at."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from pydantic import ValidationError
from sqlalchemy import MetaData, Table, create_engine, make_url, select
from sqlalchemy.exc import SQLAlchemyError

from stance.labelled import LabelledDocument
from training.data.errors import DataError, RowProblem
from training.data.readers.jsonl import row_problems

SOURCE = "feedback"


def read_feedback(url: str) -> Iterator[LabelledDocument]:
    """Yield one document for each text that was corrected, with the corrected labels only.

    `url` is the database's, as SQLAlchemy writes it. Of several corrections by one sender the last counts; where
    two senders disagree, or a row does not fit its text, it is collected and, after the last good document,
    raised as one `DataError` whose lines are the rows' ids.
    """
    problems: list[RowProblem] = []
    place = _shown(url)
    for rows in _texts(url):
        found = list(_labels(rows, place, problems))
        first = rows[0]
        try:
            yield LabelledDocument.model_validate(
                {
                    "id": f"{SOURCE}-{first['id']}",
                    "text": first["text"],
                    "source": SOURCE,
                    "actors": first["actors"],
                    "mentions": first["mentions"],
                    "sentiment": [label for field, label in found if field == "sentiment"],
                    "stances": [label for field, label in found if field == "stances"],
                }
            )
        except ValidationError as error:
            problems += row_problems(place, first["id"], error)
    if problems:
        raise DataError(problems)


def _labels(
    rows: Sequence[Mapping[str, Any]], place: str, problems: list[RowProblem]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The label of each question that one text was corrected in, unless two senders disagree."""
    answers: dict[tuple[Any, ...], dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        question = (row["sentence_start"], row["sentence_end"], row["holder"], row["target"])
        answers.setdefault(question, {})[row["sender"]] = row
    for (start, end, holder, target), by_sender in answers.items():
        latest = list(by_sender.values())
        if len({row["label"] for row in latest}) > 1:
            said = ", ".join(f"{row['sender']} {row['label']!r} (row {row['id']})" for row in latest)
            message = f"senders disagree on {target!r}: {said}; delete the rows that are wrong"
            problems.append(RowProblem(place, latest[-1]["id"], "label", message))
            continue
        label = {"sentence": [start, end], "label": latest[-1]["label"]}
        if holder is None:
            yield "sentiment", {**label, "actor": target}
        else:
            yield "stances", {**label, "holder": holder, "target": target}


def _texts(url: str) -> Iterator[list[Mapping[str, Any]]]:
    """The rows of each classified text, in the order of their ids."""
    engine = None
    try:
        named = make_url(url)
        if named.drivername == "postgresql":  # as the service opens it
            named = named.set(drivername="postgresql+psycopg")
        engine = create_engine(named)
        with engine.connect() as connection:
            table = Table("feedback", MetaData(), autoload_with=connection)
            rows = connection.execution_options(yield_per=500).execute(
                select(table).order_by(table.c.text, table.c.model, table.c.document, table.c.id)
            )
            for _, group in groupby(rows.mappings(), key=lambda row: (row["text"], row["model"], row["document"])):
                yield [dict(row) for row in group]
    except SQLAlchemyError as error:
        message = f"no feedback can be read ({str(error).splitlines()[0]}); give the URL that the service keeps it at"
        raise DataError([RowProblem(_shown(url), 0, "", message)]) from error
    finally:
        if engine is not None:
            engine.dispose()


def _shown(url: str) -> str:
    """The URL without its password."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except SQLAlchemyError:
        return "the feedback's URL"
