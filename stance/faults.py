"""What pydantic found wrong, in words that name the field and the mend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import ValidationError

_NAMES = {
    "NoneType": "null",
    "bool": "true or false",
    "int": "a number",
    "float": "a number",
    "str": "a string",
    "list": "a list",
    "dict": "an object",
}
_EXPECTED = {
    "string_type": "a string",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "dict_type": "an object",
}


#: Faults of one item that are told one by one.
MOST = 100
#: Characters of a field's path and of a message; both may quote what the caller wrote.
LONGEST = 300


class Fault(NamedTuple):
    """One fault; `field` is a path such as `actors[0].id`, empty where the message names it."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


@dataclass(frozen=True)
class DoubledKey:
    """Stands where a JSON object has one key twice, of which a reader would silently take the second."""

    key: str

    def __str__(self) -> str:
        return f"has the key {_short(self.key)!r} twice; write it once"


def unique_object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | DoubledKey:
    """What `json.loads` makes of an object with this as its `object_pairs_hook`."""
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    seen: set[str] = set()
    return DoubledKey(next(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]


class DoubledKeyError(ValueError):
    """An object or a mapping has a key twice, of which a reader would silently take the second."""


def refuse_doubled(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """`unique_object` where a doubled key spoils the whole text. Raises `DoubledKeyError` with what it is to say."""
    found = unique_object(pairs)
    if isinstance(found, DoubledKey):
        raise DoubledKeyError(str(found))
    return found


def faults(error: ValidationError, most: int = MOST) -> list[Fault]:
    """The faults of a failed validation in the order of the fields, at most `most`; the last then counts the rest.

    An answer must not be many times as large as the request that it refuses.
    """
    details = error.errors(include_url=False)
    found = [
        Fault(_short(field_path(detail["loc"])), _short(_message(detail["type"], detail["input"], detail)))
        for detail in details[:most]
    ]
    if len(details) > most:
        found.append(Fault("", f"and {len(details) - most} more faults"))
    return found


def _short(text: str) -> str:
    return printable(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")


def field_path(location: Sequence[int | str]) -> str:
    """("actors", 0, "id") as `actors[0].id`."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def kind_of(value: object) -> str:
    """What a JSON or YAML value is, in words."""
    return _NAMES.get(type(value).__name__, type(value).__name__)


def printable(text: str) -> str:
    """`text` with lone surrogates written out, since they cannot be sent."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _message(kind: str, value: object, detail: Any) -> str:
    if kind == "int_from_float" or (kind == "int_type" and isinstance(value, float)):
        return f"must be a whole number, not {value}"
    if kind in _EXPECTED and isinstance(value, DoubledKey):
        return str(value)
    if kind in _EXPECTED:
        return f"must be {_EXPECTED[kind]}, not {kind_of(value)}"
    match kind:
        case "missing":
            return "is missing; add it"
        case "extra_forbidden":
            return "is not a known field; remove it or check its spelling"
        case "literal_error":
            return f"must be {detail['ctx']['expected']}"
        case "greater_than_equal":
            return f"must be {detail['ctx']['ge']} or more, not {value}"
        case "string_unicode":
            return "has text that is not valid Unicode; send no lone surrogates"
        case "value_error":
            return str(detail["ctx"]["error"])
        case _:
            return str(detail["msg"])
