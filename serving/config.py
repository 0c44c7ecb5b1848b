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
    """What one request may ask for; more is refused with an error that names the limit.

    `aliases`: of all actors together, of the request or of one document.
    """

    body_bytes: int = Field(default=4_194_304, ge=1024)
    documents: int = Field(default=256, ge=1)
    text_characters: int = Field(default=200_000, ge=1)
    actors: int = Field(default=100, ge=1)
    aliases: int = Field(default=10_000, ge=1)


class JobsConfig(Frozen):
    """Batch scoring over HTTP, `/v1/jobs`.

    `folder`: where jobs, uploads and results lie; null is `jobs` under STANCE_HOME. `roots`: folders whose files a
    job may name instead of sending them. `upload_bytes`: of one upload. `queued`: jobs that may be unfinished at the
    same time. `running`: jobs that are scored at the same time, each by a process with a model of its own. `threads`:
    cores that one of these uses; null shares them all out. `nice`: how far they stand back behind requests, 0 to 19.
    `shard_rows`: rows in one step, which a kill may cost. `keep_hours`: after that long an ended job is forgotten.
    """

    enabled: bool = True
    folder: str | None = None
    roots: Annotated[tuple[str, ...], Field(strict=False)] = ()
    upload_bytes: int = Field(default=1_073_741_824, ge=1024)
    queued: int = Field(default=100, ge=1)
    running: int = Field(default=1, ge=1)
    threads: int | None = Field(default=None, ge=1)
    nice: int = Field(default=15, ge=0, le=19)
    shard_rows: int = Field(default=500, ge=1)
    keep_hours: float = Field(default=168.0, gt=0, strict=False)


class ShadowConfig(Frozen):
    """A second model that answers a share of the traffic for nobody; its disagreements are kept with their sentences.

    `model`: a folder or a tag of the model store; null is no shadow. `share`: of the documents, from 0 to 1.
    `queued`: documents that may wait for it; further ones are dropped and counted. `threads`: cores that it uses.
    `kept`: disagreements that stay, of all models together; the oldest go first.
    Needs the extra `feedback`: disagreements lie in the database that STANCE_FEEDBACK_URL names.
    """

    model: str | None = None
    share: float = Field(default=0.1, gt=0, le=1, strict=False)
    queued: int = Field(default=64, ge=1)
    threads: int = Field(default=1, ge=1)
    kept: int = Field(default=100_000, ge=1)


class TrafficConfig(Frozen):
    """A record of what was answered, for `stance models drift`.

    It holds each document's time, model, actor ids with their mentions, sentence lengths, and labels with confidence
    and abstention; with `texts` the sentences too. `folder`: null is `traffic` under STANCE_HOME. At most `files`
    files of about `file_bytes`; the oldest goes first. `queued`: documents that may wait to be written; further ones
    are dropped and counted.
    """

    record: bool = False
    texts: bool = False
    folder: str | None = None
    file_bytes: int = Field(default=67_108_864, ge=1024)
    files: int = Field(default=8, ge=1)
    queued: int = Field(default=1024, ge=1)


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
    shadow: ShadowConfig = ShadowConfig()
    traffic: TrafficConfig = TrafficConfig()
    jobs: JobsConfig = JobsConfig()
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
    except RecursionError:
        raise ConfigError(f"{path}: nested too deeply; write keys and values as in configs/serving.yaml") from None
    except (OSError, ValueError, yaml.YAMLError) as error:  # ValueError: no UTF-8, or a date or number that is none
        raise ConfigError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from None
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
