"""Corrections that `POST /v1/feedback` kept, as labelled documents for somebody to look at."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import URL, MetaData, Table, create_engine, make_url, select
from sqlalchemy.exc import SQLAlchemyError

from stance.labelled import LabelledDocument
from stance.schema import Actor, Mention
from training.data.errors import DataError, RowProblem
from training.data.readers.jsonl import row_problems

SOURCE = "feedback"

Row = Mapping[str, Any]


def read_feedback(url: str) -> Iterator[LabelledDocument]:
    """Yield one document for each text that was corrected, with the corrected labels only.

    `url` is the database's, as SQLAlchemy writes it. One text may have been sent under several ids and answered by
    several models: its corrections are held against each other all the same. Of several by one sender the last
    counts; where two senders disagree, or a row does not fit its text, it is collected and, after the last good
    document, raised as one `DataError` whose lines are the rows' ids.
    """
    problems: list[RowProblem] = []
    place = _shown(url)
    for rows in _texts(url):
        usable = [(row, one) for row in rows if (one := _alone(row, place, problems)) is not None]
        if usable:
            yield _document(usable, place, problems)
    if problems:
        raise DataError(problems)


def _alone(row: Row, place: str, problems: list[RowProblem]) -> LabelledDocument | None:
    """The document of one row; None where the row does not fit its text, which is then added to `problems`."""
    label = {"sentence": [row["sentence_start"], row["sentence_end"]], "label": row["label"]}
    if row["holder"] is None:
        labels = {"sentiment": [{**label, "actor": row["target"]}]}
    else:
        labels = {"stances": [{**label, "holder": row["holder"], "target": row["target"]}]}
    try:
        shared = {key: row[key] for key in ("text", "actors", "mentions")}
        return LabelledDocument.model_validate({"id": f"{SOURCE}-{row['id']}", "source": SOURCE, **shared, **labels})
    except ValidationError as error:
        problems += row_problems(place, row["id"], error)
        return None


def _document(rows: Sequence[tuple[Row, LabelledDocument]], place: str, problems: list[RowProblem]) -> LabelledDocument:
    """All corrections of one text; what senders disagree on is left out and added to `problems`."""
    actors = _Actors()
    answers: dict[tuple[Any, ...], dict[str, tuple[Row, LabelledDocument]]] = {}
    for row, alone in rows:
        renamed = actors.renamed(alone)
        asked = [(*s.sentence, s.actor) for s in renamed.sentiment]
        asked += [(*s.sentence, s.holder, s.target) for s in renamed.stances]
        by_sender = answers.setdefault(asked[0], {})
        by_sender.pop(row["sender"], None)  # so that the answers stand in the order of their rows
        by_sender[row["sender"]] = row, renamed
    agreed = [one for found in answers.values() if (one := _agreed(list(found.values()), place, problems))]
    return rows[0][1].model_copy(
        update={
            "actors": list(actors.actors.values()),
            "mentions": actors.mentions,
            "sentiment": [label for one in agreed for label in one.sentiment],
            "stances": [label for one in agreed for label in one.stances],
        }
    )


def _agreed(
    latest: Sequence[tuple[Row, LabelledDocument]], place: str, problems: list[RowProblem]
) -> LabelledDocument | None:
    """The answer to one question, of which each sender gave one."""
    row, one = latest[-1]
    if len({row["label"] for row, _ in latest}) == 1:
        return one
    said = ", ".join(f"{row['sender']} {row['label']!r} (row {row['id']})" for row, _ in latest)
    message = f"senders disagree on {row['target']!r}: {said}; delete the rows that are wrong"
    problems.append(RowProblem(place, row["id"], "label", message))
    return None


class _Actors:
    """The actors of one text, each once, whatever id a model or a request gave it."""

    def __init__(self) -> None:
        self.actors: dict[str, Actor] = {}
        self.mentions: list[Mention] = []

    def renamed(self, document: LabelledDocument) -> LabelledDocument:
        """Hold a document's actors, and return it with the ids that they have here."""
        ids = self._same(document)
        for actor in document.actors:
            if actor.id not in ids:
                ids[actor.id] = self._free(actor.id)
                self.actors[ids[actor.id]] = actor.model_copy(update={"id": ids[actor.id]})
        known = {(mention.start, mention.end) for mention in self.mentions}
        self.mentions += [
            mention.model_copy(update={"actor": ids[mention.actor]})
            for mention in document.mentions
            if (mention.start, mention.end) not in known
        ]
        sentiment = [s.model_copy(update={"actor": ids[s.actor]}) for s in document.sentiment]
        stances = [
            # A holder that is no actor is the author.
            s.model_copy(update={"holder": ids.get(s.holder, s.holder), "target": ids[s.target]})
            for s in document.stances
        ]
        return document.model_copy(update={"sentiment": sentiment, "stances": stances})

    def _same(self, document: LabelledDocument) -> dict[str, str]:
        """The id here of each actor that is held already: one with the same spans or, failing that, the same name."""
        owners = {(mention.start, mention.end): mention.actor for mention in self.mentions}
        spans = [(mention.actor, owners.get((mention.start, mention.end))) for mention in document.mentions]
        shared = Counter((actor, owner) for actor, owner in spans if owner is not None)
        named = [
            (actor.id, held.id)
            for actor in document.actors
            for held in self.actors.values()
            if actor.name.casefold() == held.name.casefold()
        ]
        same: dict[str, str] = {}
        for actor, owner in [*(pair for pair, _ in shared.most_common()), *named]:
            if actor not in same and owner not in same.values():
                same[actor] = owner
        return same

    def _free(self, wanted: str) -> str:
        name, number = wanted, 2
        while name in self.actors:
            name, number = f"{wanted}_{number}", number + 1
        return name


def _texts(url: str) -> Iterator[list[Row]]:
    """The rows of each text, in the order of their ids."""
    engine = None
    try:
        named = make_url(url)
        _refuse_missing(named)
        if named.drivername == "postgresql":  # as the service opens it
            named = named.set(drivername="postgresql+psycopg")
        engine = create_engine(named)
        with engine.connect() as connection:
            table = Table("feedback", MetaData(), autoload_with=connection)
            rows = connection.execution_options(yield_per=500).execute(select(table).order_by(table.c.text, table.c.id))
            for _, group in groupby(rows.mappings(), key=lambda row: row["text"]):
                yield [dict(row) for row in group]
    except SQLAlchemyError as error:
        raise _unreadable(url, str(error).splitlines()[0]) from error
    finally:
        if engine is not None:
            engine.dispose()


def _refuse_missing(url: URL) -> None:
    """SQLite would make a file that is not there, empty, and leave it behind."""
    file = (url.database or "").removeprefix("file:")
    if url.get_backend_name() == "sqlite" and file and ":memory:" not in file and not Path(file).is_file():
        raise _unreadable(url.render_as_string(), f"there is no file {file}")


def _unreadable(url: str, reason: str) -> DataError:
    message = f"no feedback can be read ({reason}); give the URL that the service keeps it at"
    return DataError([RowProblem(_shown(url), 0, "", message)])


def _shown(url: str) -> str:
    """The URL without its password."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except SQLAlchemyError:
        return "the feedback's URL"
