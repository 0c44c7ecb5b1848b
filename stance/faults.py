"""What pydantic found wrong, in words that name the field and the mend."""

from __future__ import annotations

from collections.abc import Sequence
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
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "dict_type": "an object",
}


class Fault(NamedTuple):
    """One fault; `field` is a path such as `actors[0].id`, empty where the message names it."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


def faults(error: ValidationError) -> list[Fault]:
    """Every fault of a failed validation, in the order of the fields."""
    return [
        Fault(printable(field_path(detail["loc"])), printable(_message(detail["type"], detail["input"], detail)))
        for detail in error.errors(include_url=False)
    ]


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
