"""Training's configuration: YAML to frozen pydantic, with dotted overrides on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from stance.encoding import EncodingSettings
from stance.labelled import LabelledDocument
from training.data.readers import SourceSpec, read_dse, read_source
from training.data.readers.dse import leaked_keys

M = TypeVar("M", bound=BaseModel)


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names each bad key and what to write instead."""


class Frozen(BaseModel):
    """Frozen, and refuses keys that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TrainSource(SourceSpec):
    """A source with its part in training.

    `share` of its documents take part, and all of them `repeat` times an epoch; `pack` is the share of its
    one-sentence documents that are joined into longer ones, so that the heads learn to read one sentence among others.
    `exclude` is a DSE file whose rows are left out, for that set's splits share rows. `only` keeps the documents whose
    ids match one of its patterns ("w3?-*"), so that what is new can take part more often than the rest.
    """

    name: str
    share: float = Field(1.0, gt=0.0, le=1.0)
    repeat: int = Field(1, ge=1, le=50)
    pack: float = Field(0.0, ge=0.0, le=1.0)
    exclude: Annotated[Path | None, Field(strict=False)] = None
    only: list[str] | None = Field(None, min_length=1)

    def documents(self) -> list[LabelledDocument]:
        """Read the source. Raises `training.data.errors.DataError`; `ConfigError` where `only` leaves nothing."""
        if self.format == "dse" and self.exclude is not None:
            documents = read_dse(self.path, exclude=leaked_keys(self.exclude))
        else:
            documents = read_source(self)
        if self.only is None:
            return documents
        kept = [d for d in documents if any(fnmatchcase(d.id, pattern) for pattern in self.only)]
        if not kept:
            raise ConfigError(f"{self.name}.only: no document's id matches {', '.join(self.only)}; check the patterns")
        return kept


class LossWeights(Frozen):
    """How much each head counts in the sum that is minimised, and how much a teacher's answers do beside the labels."""

    sentiment: float = 1.0
    stance: float = 1.0
    name: float = 0.5
    tag: float = 0.5
    same: float = 0.5
    teacher: float = 0.5


class ModelSpec(Frozen):
    """The encoder (hub id or folder) and the heads' sizes; `start` continues from an earlier run's model."""

    encoder: str
    start: Path | None = None
    width: int = Field(512, ge=8)
    letters: int = Field(64, ge=4)
    dropout: float = Field(0.1, ge=0.0, lt=1.0)
    layers: int | None = Field(None, ge=1)
    frozen_layers: int = Field(0, ge=0)


class OptimSpec(Frozen):
    """Rates, sizes and how long.

    `bf16: auto` calculates in bfloat16 where the machine has instructions for it.
    `dev_each_epoch` measures dev after every epoch for the learning curve, beside the choice at the end.
    `average_from` is the share of training after which weights are averaged, 1.0 for no average. `start_share` is the
    share of the weights of `model.start` in the result, for a model that is to keep what it knew, or of `share_of`,
    where training began there.
    """

    epochs: float = Field(3.0, gt=0)
    batch_tokens: int = Field(1536, ge=64)
    learning_rate: float = Field(3e-5, gt=0)
    head_rate_factor: float = Field(10.0, gt=0)
    layer_decay: float = Field(1.0, gt=0, le=1.0)
    weight_decay: float = Field(0.01, ge=0)
    warmup: float = Field(0.06, ge=0, lt=1)
    bf16: bool | Literal["auto"] = "auto"
    checkpoint_steps: int = Field(200, ge=1)
    dev_each_epoch: bool = True
    average_from: float = Field(0.6, ge=0.0, le=1.0)
    start_share: float = Field(0.0, ge=0.0, lt=1.0)
    share_of: Path | None = None


class TrainConfig(Frozen):
    """Everything that makes a model, apart from the data's content (whose hashes the artifact keeps).

    Training documents that share text with dev are refused, or left out with `overlap: drop`.
    `teacher` is the folder of a trained torch model with the same tokenizer, for a student to learn from.
    `quantization` of the exported encoder: "static" int8 is the fastest, "weights" keeps activations in floating point.
    Static int8 takes its ranges from `calibration_windows` windows of training text; fewer export sooner.
    """

    output: Path
    model: ModelSpec
    encoding: EncodingSettings = EncodingSettings(max_tokens=256, context_sentences=4, context_tokens=96)
    optim: OptimSpec = OptimSpec()
    losses: LossWeights = LossWeights()
    train: list[TrainSource] = Field(min_length=1)
    dev: list[TrainSource] = Field(min_length=1)
    seed: int = 7
    context_neutral_weight: float = Field(0.3, gt=0, le=1)
    mask_candidates: float = Field(0.5, ge=0, le=1)
    overlap: Literal["refuse", "drop"] = "refuse"
    teacher: Path | None = None
    quantization: Literal["static", "weights"] = "static"
    calibration_windows: int = Field(300, ge=16)
    report_to: Literal["none", "tensorboard", "mlflow"] = "none"

    @field_validator("train", "dev")
    @classmethod
    def _names_differ(cls, sources: list[TrainSource]) -> list[TrainSource]:
        names = [source.name for source in sources]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"name: {', '.join(twice)} is used twice; give each source a name of its own")
        return sources

    @model_validator(mode="after")
    def _start_is_there(self) -> Self:
        if self.optim.start_share and self.model.start is None:
            raise ValueError("optim.start_share: mixes with the weights of model.start; name one, or set it to 0")
        return self


def load_config(path: Path, overrides: Sequence[str] = ()) -> TrainConfig:
    """Read a YAML file, apply `a.b=value` overrides (values are YAML), and check every key.

    Relative paths inside are relative to the working directory. Raises `ConfigError` with one line a fault.
    """
    raw = _yaml(_text(path, "give --config an existing YAML file"), str(path), "check the line")
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: expected keys and values at the top, found {type(raw).__name__}")
    try:
        raw = _apart(raw)
    except RecursionError:
        raise ConfigError(f"{path}: an anchor (&name) holds its own alias (*name); write the value out") from None
    for override in overrides:
        _apply(raw, override)
    try:
        return TrainConfig.model_validate(raw)
    except ValidationError as error:
        raise _named(path, error) from None


def read_checked(path: Path, kind: type[M]) -> M:
    """What a YAML or JSON file says, as a model of `kind`. Raises `ConfigError` that names file and bad keys."""
    raw = _yaml(_text(path, "name an existing file"), str(path), "check the line")
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        raise _named(path, error) from None


def _named(path: Path, error: ValidationError) -> ConfigError:
    faults = [f"{'.'.join(map(str, e['loc'])) or 'top'}: {e['msg']}" for e in error.errors()]
    return ConfigError(f"{path}: " + "; ".join(faults))


def _text(path: Path, mend: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; {mend}") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror or error}); {mend}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from None


def _yaml(text: str, place: str, mend: str) -> Any:
    """What a YAML text says. Raises `ConfigError` with one line that begins with `place`."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark and "\n" in text.strip() else ""
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ConfigError(f"{place}: {line}not YAML ({reason}); {mend}") from None
    except (ValueError, LookupError, AttributeError):  # PyYAML on a date that is none, or a tag that its value belies
        raise ConfigError(f"{place}: a date, number or tagged value cannot be read; put the value in quotes") from None
    except RecursionError:
        raise ConfigError(f"{place}: nested too deeply; {mend}") from None


def _apart(value: Any) -> Any:
    """A copy in which no two places are one object, as a YAML anchor and its aliases are, so an override means one."""
    if isinstance(value, dict):
        return {key: _apart(each) for key, each in value.items()}
    return [_apart(each) for each in value] if isinstance(value, list) else value


def _apply(raw: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key:
        raise ConfigError(f"override {override!r}: write key=value, for example optim.epochs=1")
    found = _yaml(value, f"override {override!r}", "check the value")
    *parents, last = key.split(".")
    at: Any = raw
    for part in parents:
        at = _child(at, part, override)
    if isinstance(at, dict):
        at[last] = found
    else:
        _child(at, last, override)
        at[int(last)] = found


def _child(at: Any, part: str, override: str) -> Any:
    if isinstance(at, dict):
        return at.setdefault(part, {})
    if isinstance(at, list) and part.isdecimal() and int(part) < len(at):
        return at[int(part)]
    raise ConfigError(f"override {override!r}: there is no {part!r} to set")
