"""A row as it is read, before it is a document: checked for what any format can get wrong."""

from __future__ import annotations

import datetime
import json
from typing import Any, NamedTuple

from serving.batch.config import ScoreConfig
from stance.faults import DoubledKeyError, kind_of, printable, refuse_doubled

#: What a row may hold beside its text, under these names in every format.
EXTRAS = ("actors", "mentions")
#: Levels of lists and objects in one of these. Rows are set aside as JSON, whose writer and reader recurse: a worker,
#: whose stack is another, must be able to read whatever could be written.
NESTING = 50


class Fault(NamedTuple):
    """Why a row has no result: a stable code and one line that says what to mend."""

    code: str
    message: str


class RawRow(NamedTuple):
    """One row of a file: `number` is its line (text files) or its place from 1 (Parquet), 0 for the file itself."""

    number: int
    values: dict[str, Any]
    fault: Fault | None = None


class Row(NamedTuple):
    """A row with an id, its own or one made of its place; `value` is the document to be, without its id."""

    number: int
    id: str
    value: dict[str, Any]
    date: str | None
    fault: Fault | None


class _Refused(Exception):
    """Carries the fault of one row."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.fault = Fault(code, printable(message))


def check_row(raw: RawRow, label: str, config: ScoreConfig) -> Row:
    """A row of the file `label` with its id, text and date checked; whatever is wrong becomes its fault."""
    name = f"{label}:{raw.number}"
    if raw.fault is not None:
        return Row(raw.number, name, {}, None, raw.fault)
    try:
        if config.id_column is not None:
            name = _id(raw.values.get(config.id_column), config.id_column)
        value = {"text": _text(raw.values.get(config.text_column), config.text_column)}
        for key in EXTRAS:
            if raw.values.get(key) is not None:
                value[key] = _structure(raw.values[key], key)
        return Row(raw.number, name, value, _date(raw.values, config.date_column), None)
    except _Refused as refused:
        return Row(raw.number, name, {}, None, refused.fault)


def _id(value: Any, column: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is None or value == "":
        raise _Refused("missing_id", f"{column}: is missing; give every row its own id")
    if not isinstance(value, str):
        raise _Refused("wrong_type", f"{column}: must be a string or a whole number, not {kind_of(value)}")
    if not value.strip():
        raise _Refused("missing_id", f"{column}: is blank; give every row its own id")
    if printable(value) != value:
        raise _Refused("invalid_utf8", f"{column}: has a lone surrogate; send valid Unicode")
    return value


def _text(value: Any, column: str) -> str:
    if value is None:
        raise _Refused("missing_text", f"{column}: is missing; add the text or leave the row out")
    if not isinstance(value, str):
        raise _Refused("wrong_type", f"{column}: must be a string, not {kind_of(value)}")
    if not value.strip():
        raise _Refused("missing_text", f"{column}: is empty or blank; add the text or leave the row out")
    return value


def _structure(value: Any, column: str) -> Any:
    """A list of objects, which flat formats carry as JSON in a cell; nulls inside objects count as absent."""
    if isinstance(value, str):
        if not value.strip():
            return None
        try:
            value = json.loads(value, object_pairs_hook=refuse_doubled)
        except DoubledKeyError as error:
            raise _Refused("wrong_type", f"{column}: {error}") from None
        except RecursionError:
            raise _too_deep(column) from None
        except ValueError as error:
            raise _Refused("wrong_type", f"{column}: must be JSON in a cell, but {error}") from None
    _check_nested(value, column)
    if not isinstance(value, list):
        return value
    return [{k: v for k, v in item.items() if v is not None} if isinstance(item, dict) else item for item in value]


def _check_nested(value: Any, column: str) -> None:
    """Refuse what cannot be set aside as JSON: deep nesting, and what only Parquet can hold, such as bytes."""
    layer: list[Any] = [[value]]
    for _ in range(NESTING + 1):
        inner = [v for item in layer for v in (item.values() if isinstance(item, dict) else item)]
        for v in inner:
            if not (v is None or isinstance(v, str | int | float | list | dict)):
                raise _Refused("wrong_type", f"{column}: holds {type(v).__name__}; write it as text or a number")
        layer = [v for v in inner if isinstance(v, list | dict)]
        if not layer:
            return
    raise _too_deep(column)


def _too_deep(column: str) -> _Refused:
    return _Refused("malformed_row", f"{column}: is nested deeper than {NESTING} levels; write a list of objects")


def _date(values: dict[str, Any], column: str | None) -> str | None:
    """The row's date as YYYY-MM-DD, None where it has none."""
    value = None if column is None else values.get(column)
    if value is None or value == "":
        return None
    if isinstance(value, datetime.datetime):
        return value.date().isoformat()
    if isinstance(value, datetime.date):
        return value.isoformat()
    if not isinstance(value, str):
        raise _Refused("wrong_type", f"{column}: must be a date or a string, not {kind_of(value)}")
    try:
        return datetime.datetime.fromisoformat(value.strip()).date().isoformat()
    except ValueError:
        message = f"{column}: {value[:40]!r} is not a date; write YYYY-MM-DD, or take another date column or none"
        raise _Refused("invalid_date", message) from None
