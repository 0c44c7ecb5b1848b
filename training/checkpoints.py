"""Checkpoints that a full disk or a kill left half written, and what a run was started with."""

from __future__ import annotations

import errno
import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from training.config import ConfigError, TrainConfig
from training.data.files import replacing

log = logging.getLogger(__name__)

#: Keys that may change while a run goes on: they do not change what the weights become.
FREE_KEYS = ("output", "report_to", "quantization")
STARTED = "started.json"


class StorageError(OSError):
    """A run that could not write; what it had finished is kept. The message says where and how to go on."""


def last_checkpoint(folder: Path) -> Path | None:
    """The latest whole checkpoint of a run; those that were never finished are removed, for they hold room only.

    The trainer writes its state last, so a checkpoint with a readable one is whole.
    """
    found = sorted(folder.glob(f"{PREFIX_CHECKPOINT_DIR}-*"), key=_step)
    whole = [path for path in found if _whole(path)]
    for path in found:
        if path not in whole:
            log.warning("%s was never finished and is removed", path)
            shutil.rmtree(path)
    return whole[-1] if whole else None


def _step(checkpoint: Path) -> int:
    number = checkpoint.name.rpartition("-")[2]
    return int(number) if number.isdigit() else -1


def _whole(checkpoint: Path) -> bool:
    try:
        state = json.loads((checkpoint / TRAINER_STATE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(state["global_step"] == _step(checkpoint))


@contextmanager
def keeping_checkpoints(folder: Path) -> Iterator[None]:
    """Turn a checkpoint that cannot be written into a `StorageError`, and remove what there is of it."""
    try:
        yield
    # Weights are written by safetensors, the optimiser by torch, the state by Python: each has errors of its own.
    except (OSError, RuntimeError, SafetensorError) as error:
        if not any(not _whole(path) for path in folder.glob(f"{PREFIX_CHECKPOINT_DIR}-*")):
            raise
        last = last_checkpoint(folder)
        where = f"goes on from {last.name}" if last else "begins anew"
        raise StorageError(
            f"{folder}: a checkpoint cannot be written ({_reason(error)}); make room ({_free(folder)} free), then the "
            f"same command {where}"
        ) from error


@contextmanager
def needing_room(folder: Path) -> Iterator[None]:
    """Turn a disk that is full into a `StorageError`."""
    try:
        yield
    except StorageError:
        raise
    except (OSError, SafetensorError) as error:
        full = isinstance(error, SafetensorError) or error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        if not full:
            raise
        raise StorageError(
            f"{folder}: cannot be written ({_reason(error)}); make room ({_free(folder)} free), then the same command "
            "goes on from the last step that it finished"
        ) from error


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _free(folder: Path) -> str:
    return f"{shutil.disk_usage(folder).free / 1e9:.1f} GB"


def check_started(config: TrainConfig, data: dict[str, str]) -> None:
    """Note what a run is started with in `OUTPUT/started.json`, or check that it goes on with the same.

    `data` are the hashes of its files. Raises `ConfigError` that names what differs: old weights must not pass for
    those of new settings or new labels. A run that left no weights, as one whose labels had to be mended first, may
    begin anew with others.
    """
    settings = {k: v for k, v in config.model_dump(mode="json").items() if k not in FREE_KEYS}
    settings["optim"].pop("checkpoint_steps")
    for source in (*settings["train"], *settings["dev"]):
        source.pop("path")  # its content counts, wherever it lies
    now = {**_flat(settings), **{f"the content of {name}": value for name, value in data.items()}}
    path = config.output / STARTED
    if not path.exists() or not _has_weights(config.output):
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    changed = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
    if changed:
        raise ConfigError(
            f"{config.output}: holds a run of other settings or data ({', '.join(changed[:5])} changed); "
            "give output= a new folder, or remove this one"
        )


def _has_weights(output: Path) -> bool:
    """Whether a run has left anything that it would go on from."""
    return (output / "model").exists() or any((output / "checkpoints").glob(f"{PREFIX_CHECKPOINT_DIR}-*"))


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Nested settings by their dotted keys."""
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)  # type: ignore[assignment]
    else:
        return {prefix: value}
    return {k: v for key, entry in items for k, v in _flat(entry, f"{prefix}.{key}" if prefix else str(key)).items()}
