"""A model folder that is not what it was is refused, by name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from stance.artifact import ArtifactError, read_manifest, write_manifest
from stance.classifier import StanceClassifier


@pytest.fixture
def copied(tiny_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model, tmp_path / "model"))


def test_a_whole_folder_is_read(copied: Path) -> None:
    manifest = read_manifest(copied)
    assert set(manifest.files) >= {"encoder.onnx", "actors.onnx", "mentions.onnx", "tokenizer.json"}


@pytest.mark.parametrize("name", ["encoder.onnx", "encoder.weights-0.bin", "actors.onnx", "tokenizer.json"])
def test_a_missing_file_is_named(copied: Path, name: str) -> None:
    (copied / name).unlink()
    with pytest.raises(ArtifactError, match=f"{name}: missing"):
        StanceClassifier.load(copied)


def test_an_altered_file_is_named(copied: Path) -> None:
    path = copied / "encoder.weights-0.bin"
    content = bytearray(path.read_bytes())
    content[10] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ArtifactError, match=r"weights-0\.bin: altered"):
        StanceClassifier.load(copied)


def test_a_truncated_file_is_named(copied: Path) -> None:
    path = copied / "actors.onnx"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ArtifactError, match=r"actors\.onnx: altered or truncated"):
        StanceClassifier.load(copied)


def test_no_manifest_no_model(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no model here"):
        StanceClassifier.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"format": 99}, "format 99"), ({"surprise": 1}, "surprise"), ({"files": {"../x": "0"}}, "leads out")],
)
def test_a_manifest_that_cannot_be_trusted_is_refused(copied: Path, change: dict, message: str) -> None:
    path = copied / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ArtifactError, match=message):
        read_manifest(copied)


def test_broken_json_is_refused(copied: Path) -> None:
    (copied / "manifest.json").write_text("{")
    with pytest.raises(ArtifactError, match="not a model manifest"):
        read_manifest(copied)


def test_the_card_is_not_checked(copied: Path) -> None:
    (copied / "README.md").write_text("notes")
    write_manifest(copied, read_manifest(copied))
    (copied / "README.md").write_text("other notes")
    read_manifest(copied)
