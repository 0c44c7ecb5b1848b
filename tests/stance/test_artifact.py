"""A model folder that is not what it was is refused, by name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from stance.artifact import ArtifactError, read_manifest, unpacked, write_manifest
from stance.classifier import StanceClassifier


@pytest.fixture
def copied(tiny_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model, tmp_path / "model"))


def test_a_whole_folder_is_read(copied: Path) -> None:
    manifest = read_manifest(copied)
    assert set(manifest.files) >= {"encoder.onnx", "actors.onnx", "mentions.onnx", "tokenizer.json"}


@pytest.mark.parametrize("name", ["encoder.onnx", "encoder.weights-0.bin.gz", "actors.onnx", "tokenizer.json"])
def test_a_missing_file_is_named(copied: Path, name: str) -> None:
    (copied / name).unlink()
    with pytest.raises(ArtifactError, match=f"{name}: missing"):
        StanceClassifier.load(copied)


def test_an_altered_file_is_named(copied: Path) -> None:
    path = copied / "encoder.weights-0.bin.gz"
    content = bytearray(path.read_bytes())
    content[10] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ArtifactError, match=r"weights-0\.bin\.gz: altered"):
        StanceClassifier.load(copied)


def test_a_truncated_file_is_named(copied: Path) -> None:
    path = copied / "actors.onnx"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ArtifactError, match=r"actors\.onnx: altered or truncated"):
        StanceClassifier.load(copied)


def test_packed_weights_are_there_for_a_while(copied: Path) -> None:
    with unpacked(copied) as files:
        assert (files / "encoder.onnx").is_file()
        assert (files / "encoder.weights-0.bin").stat().st_size > 0
    assert not files.exists()
    assert not (copied / "encoder.weights-0.bin").exists()


def test_what_does_not_unpack_is_named(copied: Path) -> None:
    path = copied / "encoder.weights-0.bin.gz"
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(ArtifactError, match="cannot be unpacked"), unpacked(copied):
        pass


def test_no_manifest_no_model(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no model here"):
        StanceClassifier.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 99}, "format 99"),
        ({"surprise": 1}, "surprise: is not a known field"),
        ({"tag": 1, "pad_id": "x"}, "tag: must be a string, not a number; pad_id: "),
        ({"files": {}}, r"files: tokenizer\.json is not listed; copy"),
        ({"heads": {"stance": {}}}, "heads: sentiment is missing; copy"),
    ],
)
def test_a_manifest_that_cannot_be_trusted_is_refused(copied: Path, change: dict, message: str) -> None:
    path = copied / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ArtifactError, match=message) as caught:
        read_manifest(copied)
    assert "\n" not in str(caught.value)


def test_a_manifest_does_not_lead_out_of_its_folder(copied: Path) -> None:
    path = copied / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"]["../x"] = "0"
    path.write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError, match="leads out"):
        read_manifest(copied)


@pytest.mark.parametrize("folder", ["x" * 300, "x/" * 3000])
def test_a_folder_of_a_name_that_cannot_be_is_refused(tmp_path: Path, folder: str) -> None:
    with pytest.raises(ArtifactError, match=r"cannot be read \(File name too long\); give a folder"):
        read_manifest(tmp_path / folder)


def test_a_file_that_cannot_be_read_is_named(copied: Path) -> None:
    (copied / "actors.onnx").unlink()
    (copied / "actors.onnx").symlink_to("/proc/self/mem")  # a file that nobody can read from its start
    with pytest.raises(ArtifactError, match=r"actors\.onnx: cannot be read \(.*\); copy the model folder again"):
        read_manifest(copied)


def test_a_listed_name_that_cannot_be_is_refused(copied: Path) -> None:
    path = copied / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"]["x" * 300] = "0"
    path.write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError, match=r"x: cannot be read \(File name too long\); copy"):
        read_manifest(copied)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 500_000])
def test_what_is_no_manifest_is_refused(copied: Path, content: bytes) -> None:
    (copied / "manifest.json").write_bytes(content)
    with pytest.raises(ArtifactError, match="not a model manifest") as caught:
        read_manifest(copied)
    assert "\n" not in str(caught.value)


def test_the_card_is_not_checked(copied: Path) -> None:
    (copied / "README.md").write_text("notes")
    write_manifest(copied, read_manifest(copied))
    (copied / "README.md").write_text("other notes")
    read_manifest(copied)
