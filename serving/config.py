"""The service's configuration: YAML to frozen pydantic, and API keys from the environment."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from stance.faults import faults

#: Where the service's processes find their configuration; `stance serve --config` sets it.
CONFIG_VARIABLE = "STANCE_SERVING_CONFIG"
#: Comma-separated keys. Unset means that everybody may ask.
KEYS_VARIABLE = "STANCE_API_KEYS"
#: The project's own configuration; a wheel does not carry it and falls back on the defaults, which equal it.
SHIPPED_CONFIG = Path(__file__).resolve().parent.parent / "configs" / "serving.yaml"


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names every bad key and what to write instead."""


def _address(value: str) -> str:
    if value == "localhost":
        return "127.0.0.1"
    try:
        ipaddress.ip_address(value)
    except ValueError:
        raise ValueError(f"{value!r} is not an IP address; write 127.0.0.1, or 0.0.0.0 for every interface") from None
    return value


class Frozen(BaseModel):
    """Frozen, strict, and refuses keys that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Limits(Frozen):
    """What one request may ask for; more is refused with an error that names the limit."""

    body_bytes: int = Field(default=4_194_304, ge=1024)
    documents: int = Field(default=256, ge=1)
    text_characters: int = Field(default=200_000, ge=1)
    actors: int = Field(default=100, ge=1)


class ServingConfig(Frozen):
    """Everything about the service that is not a secret.

    `model`: a folder or a tag of the model store; null is the shipped model. `threads`: cores that one
    call uses; null is all of them. `running`: calls that are classified at the same time in one worker.
    `waiting`: calls that may wait for that; further ones are answered 503. `timeout`: seconds after
    which a request is given up. `feedback`: take corrections and keep them, with their texts, in the database that
    STANCE_FEEDBACK_URL names (needs the extra `feedback`).
    """

    model: str | None = None
    host: Annotated[str, AfterValidator(_address)] = "127.0.0.1"
    port: int = Field(default=3000, ge=1, le=65535)
    workers: int = Field(default=1, ge=1)
    threads: int | None = Field(default=None, ge=1)
    running: int = Field(default=2, ge=1)
    waiting: int = Field(default=16, ge=0)
    timeout: float = Field(default=60.0, gt=0, strict=False)
    page: bool = True
    feedback: bool = False
    limits: Limits = Limits()


def load_config(path: Path | None = None, overrides: Mapping[str, Any] | None = None) -> ServingConfig:
    """Read `path`, or the project's configuration; `overrides` replace its top-level keys.

    Raises `ConfigError`, one line that lists every fault.
    """
    source = path or SHIPPED_CONFIG
    raw = _read(source) if path is not None or SHIPPED_CONFIG.is_file() else {}
    try:
        return ServingConfig.model_validate({**raw, **(overrides or {})})
    except ValidationError as error:
        raise ConfigError(f"{source}: " + "; ".join(str(fault) for fault in faults(error))) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; give an existing YAML file") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: not readable as YAML: {error}") from None
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: expected keys and values at the top, found {type(raw).__name__}")
    return raw


def config_of_environment(environment: Mapping[str, str] = os.environ) -> ServingConfig:
    """The configuration that `STANCE_SERVING_CONFIG` names, or the project's own."""
    named = environment.get(CONFIG_VARIABLE)
    return load_config(Path(named) if named else None)


def api_keys(environment: Mapping[str, str] = os.environ) -> tuple[bytes, ...]:
    """The keys that open the service; empty when it is open to everybody.

    Raises `ConfigError` when the variable is set but holds no key, for a service that was meant to be
    closed must not stand open.
    """
    raw = environment.get(KEYS_VARIABLE)
    if raw is None:
        return ()
    keys = tuple(key.strip().encode() for key in raw.split(",") if key.strip())
    if not keys:
        raise ConfigError(f"{KEYS_VARIABLE} is set but holds no key; write comma-separated keys, or unset it")
    return keys
