"""The actors file: whom to look for, as YAML or JSON.

actors:
  - {id: russia, name: Russia, type: state, aliases: [Moscow, Russian]}
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from stance.faults import DoubledKeyError, Fault, faults, kind_of, printable, refuse_doubled
from stance.schema import Actor, Strict, check_references

#: Faults that the message spells out; the first ones mended, the next show.
SHOWN = 5


class ActorsFileError(ValueError):
    """An actors file that cannot be used; the message is one line that names file, item, field and mend."""


class _ActorsFile(Strict):
    actors: list[Actor]


class _UniqueKeys(yaml.SafeLoader):
    """`yaml.safe_load`, but a doubled key is an error."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise DoubledKeyError(
                    f"line {key.start_mark.line + 1}: {printable(key.value)}: is written twice; join the two"
                )
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else None)
        return node


def load_actors(path: Path) -> list[Actor]:
    """Read an actors file: JSON if it is named `.json`, YAML otherwise.

    Raises `ActorsFileError` for a file that is not readable or whose actors are not the contract's.
    """
    raw = _parse(path)
    if not isinstance(raw, dict):
        raise ActorsFileError(f"{path}: must hold the key `actors` with a list of actors, not {kind_of(raw)}")
    try:
        actors = _ActorsFile.model_validate(raw).actors
        if not actors:
            raise ValueError("actors: is empty; add an actor, or give no file to have all actors found")
        check_references("", actors, [])
    except ValidationError as error:
        raise ActorsFileError(f"{path}: {_listed(faults(error, SHOWN))}") from None
    except ValueError as error:
        raise ActorsFileError(f"{path}: {error}") from None
    return actors


def _parse(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ActorsFileError(f"{path}: cannot be read ({error.strerror}); give a YAML or JSON file") from None
    except UnicodeDecodeError as error:
        raise ActorsFileError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from None
    try:
        if path.suffix.lower() == ".json":
            return json.loads(text, object_pairs_hook=refuse_doubled)
        return _UniqueKeys(text).get_single_data()
    except json.JSONDecodeError as error:
        raise ActorsFileError(f"{path}: line {error.lineno}: not JSON ({error.msg})") from None
    except yaml.YAMLError as error:
        raise ActorsFileError(f"{path}: {_place(error)}not YAML ({_reason(error)})") from None
    except DoubledKeyError as error:
        raise ActorsFileError(f"{path}: {error}") from None
    except ValueError as error:  # a date or a number of the file that is none
        raise ActorsFileError(f"{path}: a value cannot be read ({_reason(error)}); put it in quotes") from None
    except (LookupError, AttributeError):  # what PyYAML's constructors make of `!!bool x` and its like
        mend = "put it in quotes, without the tag"
        raise ActorsFileError(f"{path}: a value is not what its tag (such as !!int) says; {mend}") from None
    except RecursionError:
        raise ActorsFileError(f"{path}: nested too deeply; write `actors:` and a plain list") from None


def _place(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}: " if mark else ""


def _reason(error: yaml.YAMLError | ValueError) -> str:
    return getattr(error, "problem", None) or str(error).splitlines()[0].partition(";")[0]


def _listed(found: list[Fault]) -> str:
    return "; ".join(str(fault) + _quoting(fault) for fault in found)


def _quoting(fault: Fault) -> str:
    """YAML reads a bare `no` or `1` as no string."""
    return " (put it in quotes)" if fault.message.endswith(("not true or false", "not a number")) else ""
