"""A model's folder: what is in it, and that it is what it was when it was made.

    manifest.json     labels, settings, temperatures, thresholds, metrics, data hashes, checksums of all other files
    tokenizer.json    the tokenizer with the placeholders
    encoder.onnx      int8 encoder; its weights in encoder.weights-*.bin.gz, each under 50 MB
    actors.onnx       sentiment and stance heads
    mentions.onnx     name and link heads
    shapes.json       sizes of the encoder and the heads, for training on from this folder

Nothing here executes anything: JSON, ONNX and raw tensors only.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stance.encoding import EncodingSettings
from stance.faults import faults

MANIFEST = "manifest.json"
SHAPES = "shapes.json"
TOKENIZER = "tokenizer.json"
FORMAT = 1
#: What every model folder holds beside the encoder's weights, and whose settings its manifest has.
NEEDED = (TOKENIZER, "encoder.onnx", "actors.onnx", "mentions.onnx")
HEADS = ("sentiment", "stance", "name", "same")
#: Faults of a manifest that its message tells.
SHOWN = 5
#: The model that ships: inside an installed package, or in a checkout's `models/`.
_INSTALLED = Path(__file__).resolve().parent / "shipped"
SHIPPED = _INSTALLED if _INSTALLED.is_dir() else _INSTALLED.parent.parent / "models" / "stance"


class ArtifactError(ValueError):
    """A model folder that cannot be trusted or read; the message names the file and the mend."""


class HeadSettings(BaseModel):
    """One head's calibration: logits are divided by `temperature`; below `threshold` it abstains."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = Field(1.0, gt=0)
    threshold: float = Field(0.0, ge=0, le=1)


class Manifest(BaseModel):
    """Everything about a model that is not a tensor."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    tag: str
    created: str
    language: str = "en"
    license: str
    encoding: EncodingSettings
    pad_id: int
    hidden: int
    heads: dict[str, HeadSettings]
    metrics: dict[str, Any] = Field(default_factory=dict)
    config: dict[str, Any] = Field(default_factory=dict)
    data: dict[str, str] = Field(default_factory=dict)
    lineage: dict[str, Any] = Field(default_factory=dict)
    files: dict[str, str] = Field(default_factory=dict)


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(folder: Path, manifest: Manifest) -> Manifest:
    """Write `manifest.json` with the checksum of every other file of the folder; returns what was written."""
    files = {
        p.name: digest(p) for p in sorted(folder.iterdir()) if p.is_file() and p.name not in (MANIFEST, "README.md")
    }
    complete = manifest.model_copy(update={"files": files})
    (folder / MANIFEST).write_text(complete.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return complete


def read_manifest(folder: Path, verify: bool = True) -> Manifest:
    """Read a model folder's manifest and check every file against its checksum.

    Raises `ArtifactError` for a folder, manifest or file that is missing, altered or truncated.
    """
    path = folder / MANIFEST
    try:
        there = path.is_file()
    except OSError as error:
        raise ArtifactError(
            f"{folder}: cannot be read ({error.strerror}); give a folder that `stance train` wrote"
        ) from None
    if not there:
        raise ArtifactError(f"{folder}: no model here ({MANIFEST} is missing); give a folder that `stance train` wrote")
    try:
        manifest = Manifest.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        named = "; ".join(map(str, faults(error, SHOWN)))
        raise ArtifactError(f"{path}: not a model manifest: {named}; copy the model folder again") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ArtifactError(f"{path}: not a model manifest ({error}); copy the model folder again") from None
    if manifest.format != FORMAT:
        raise ArtifactError(f"{path}: format {manifest.format} is not {FORMAT}; use the version that wrote it")
    if verify:
        _verify(folder, manifest)
    return manifest


@contextmanager
def unpacked(folder: Path) -> Iterator[Path]:
    """A folder in which a model's graphs find their weights as they want them, for as long as the context lasts.

    That is the folder itself where nothing is packed, else a temporary one with the packed weights unpacked and the
    graphs beside them. Raises `ArtifactError` where there is no room for that, or a file is no gzip file.
    """
    packed = sorted(folder.glob("*.gz"))
    if not packed:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="stance-") as name:
        room = Path(name)
        try:
            for file in packed:
                with gzip.open(file) as source, (room / file.stem).open("wb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)
            for graph in folder.glob("*.onnx"):
                shutil.copyfile(graph, room / graph.name)
        except (OSError, EOFError) as error:
            raise ArtifactError(
                f"{folder}: its weights cannot be unpacked into {room.parent} ({error}); make room there, or set TMPDIR"
            ) from None
        yield room


def _verify(folder: Path, manifest: Manifest) -> None:
    unlisted = [name for name in NEEDED if name not in manifest.files]
    if unlisted:
        raise ArtifactError(f"{folder / MANIFEST}: files: {unlisted[0]} is not listed; copy the model folder again")
    headless = [name for name in HEADS if name not in manifest.heads]
    if headless:
        raise ArtifactError(f"{folder / MANIFEST}: heads: {headless[0]} is missing; copy the model folder again")
    for name, expected in manifest.files.items():
        file = folder / name
        if Path(name).name != name:
            raise ArtifactError(f"{folder / MANIFEST}: file name {name!r} leads out of the folder")
        _verify_file(file, expected)


def _verify_file(file: Path, expected: str) -> None:
    try:
        if not file.is_file():
            raise ArtifactError(f"{file}: missing; copy the model folder again")
        if digest(file) != expected:
            raise ArtifactError(f"{file}: altered or truncated (checksum differs); copy the model folder again")
    except OSError as error:
        raise ArtifactError(f"{file}: cannot be read ({error.strerror}); copy the model folder again") from None
