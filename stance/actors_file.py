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

from stance.faults import Fault, faults, kind_of
from stance.schema import Actor, Strict, check_references

#: Faults that the message spells out; the first ones mended, the next show.
SHOWN = 5


class ActorsFileError(ValueError):
    """An actors file that cannot be used; the message is one line that names file, item, field and mend."""


class _ActorsFile(Strict):
    actors: list[Actor]


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
        raise ActorsFileError(f"{path}: {_listed(faults(error))}") from None
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
        return json.loads(text) if path.suffix.lower() == ".json" else yaml.safe_load(text)
    except json.JSONDecodeError as error:
        raise ActorsFileError(f"{path}: line {error.lineno}: not JSON ({error.msg})") from None
    except yaml.YAMLError as error:
        raise ActorsFileError(f"{path}: {_place(error)}not YAML ({_reason(error)})") from None
    except RecursionError:
        raise ActorsFileError(f"{path}: nested too deeply; write `actors:` and a plain list") from None


def _place(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}: " if mark else ""


def _reason(error: yaml.YAMLError) -> str:
    return getattr(error, "problem", None) or str(error).splitlines()[0]


def _listed(found: list[Fault]) -> str:
    shown = [str(fault) + _quoting(fault) for fault in found[:SHOWN]]
    if len(found) > SHOWN:
        shown.append(f"and {len(found) - SHOWN} more")
    return "; ".join(shown)


def _quoting(fault: Fault) -> str:
    """YAML reads a bare `no` or `1` as no string."""
    return " (put it in quotes)" if fault.message.endswith(("not true or false", "not a number")) else ""
