"""Models in BentoML's store: import, list, show; and which one serves: promote, roll back."""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from stance.artifact import ArtifactError, Manifest, read_manifest
from stance.schema import Document
from stance.store import Pointer, Switch, pointer_path, read_pointer, stored_model
from training.data.files import replacing
from training.promotion import EvaluationFigures, GateResult, Gates, check_gates

NAME = "stance"
#: News-like sentences of two actors each, about 25 words long, on which a model is tried and timed.
_TRIAL = [
    Document(
        id=str(number),
        text="In a statement read out on Monday evening, the government of Canada condemned the raid and promised that "
        "it would go on supporting Norway. Norway thanked Canada for its offer, and said that both countries had "
        "always stood by each other in the talks on fishing rights.",
    )
    for number in range(16)
]


class PromotionRefused(ValueError):
    """A model that may not serve; `results` has every gate, and the message those that failed."""

    def __init__(self, tag: str, results: Sequence[GateResult]) -> None:
        self.results = list(results)
        failed = "; ".join(f"{r.gate}: {r.detail}" for r in results if not r.passed)
        super().__init__(f"{tag} was not promoted: {failed}")


@dataclass(frozen=True)
class StoredModel:
    """One model of the store; `current` says that it is in service."""

    tag: str
    created: str
    current: bool
    manifest: Manifest


def import_model(folder: Path) -> str:
    """Copy a model folder into the store under its manifest's tag, and return that.

    Metadata are the data's hashes, the configuration, the metrics and the lineage. Importing the same model again
    changes nothing; what an interrupted import left is replaced. Raises `ArtifactError` for a folder that is
    damaged, and for a tag under which the store has another model.
    """
    import bentoml

    manifest = read_manifest(folder)
    name, _, version = manifest.tag.partition(":")
    if name != NAME or not version:
        raise ArtifactError(f"{folder}: the tag {manifest.tag!r} is not {NAME}:VERSION; export the model again")
    if (known := _stored_manifest(manifest.tag)) is not None:
        if known.files != manifest.files:
            raise ArtifactError(f"{manifest.tag}: the store has another model of this tag; remove it or export again")
        return manifest.tag
    metadata = manifest.model_dump(mode="json", include={"created", "license", "metrics", "config", "data", "lineage"})
    with bentoml.models.create(manifest.tag, labels={"project": NAME}, metadata=_without_null(metadata)) as model:
        for file in folder.iterdir():
            if file.is_file():
                shutil.copy2(file, Path(model.path) / file.name)
    return manifest.tag


def _without_null(value: Any) -> Any:
    """The value without entries that are None, which the store's metadata refuse."""
    if isinstance(value, dict):
        return {key: _without_null(entry) for key, entry in value.items() if entry is not None}
    if isinstance(value, list):
        return [_without_null(entry) for entry in value if entry is not None]
    return value


def _stored_manifest(tag: str) -> Manifest | None:
    """The manifest of a whole model in the store; what a damaged or half imported one left is removed."""
    folder = _store_folder() / tag.partition(":")[2]
    if not folder.exists():
        return None
    try:
        return read_manifest(stored_model(tag))
    except ArtifactError:
        shutil.rmtree(folder)
        return None


def _store_folder() -> Path:
    """Where the store keeps our models' versions: its public listing fails on one that is half there."""
    from bentoml._internal.configuration.containers import BentoMLContainer

    return Path(BentoMLContainer.model_store_dir.get()) / NAME


def list_models() -> list[StoredModel]:
    """All readable models of the store, the newest first."""
    pointer = read_pointer()
    current = pointer.current if pointer else None
    found = []
    for folder in _store_folder().glob("*/"):
        try:
            manifest = read_manifest(folder, verify=False)
        except ArtifactError:
            continue
        found.append(StoredModel(manifest.tag, manifest.created, manifest.tag == current, manifest))
    return sorted(found, key=lambda one: (one.created, one.tag), reverse=True)


def show(tag: str) -> dict[str, Any]:
    """Everything about one stored model but its tensors, and when it went in and out of service."""
    folder = stored_model(tag)
    manifest = read_manifest(folder)
    pointer = read_pointer()
    switches = [s.model_dump() for s in pointer.history if manifest.tag in (s.tag, s.replaced)] if pointer else []
    current = pointer is not None and pointer.current == manifest.tag
    return {**manifest.model_dump(mode="json"), "folder": str(folder), "current": current, "switches": switches}


def promote(tag: str, figures: EvaluationFigures, gates: Gates) -> list[GateResult]:
    """Put a stored model in service if every gate holds; returns the gates' results.

    Running services follow within seconds. Raises `PromotionRefused` for a gate that fails, `ArtifactError` for a
    model that is missing, damaged or does not answer; the model in service then stays.
    """
    folder = stored_model(tag)
    tag = read_manifest(folder).tag
    with _locked():
        pointer = read_pointer()
        current = pointer.current if pointer else None
        results = [_same_model(tag, figures), *check_gates(figures, gates, current, _try(folder))]
        if not all(result.passed for result in results):
            raise PromotionRefused(tag, results)
        if current != tag:
            _write("promote", [*(pointer.stack if pointer else []), tag], pointer, tag)
    return results


def rollback() -> str:
    """Put the model in service that was there before the last promotion; returns its tag.

    Raises `ArtifactError` when there is none, or when it is damaged; the model in service then stays.
    """
    with _locked():
        pointer = read_pointer()
        if pointer is None or len(pointer.stack) < 2:
            raise ArtifactError("no model was in service before this one, so there is nothing to go back to")
        tag = pointer.stack[-2]
        _try(stored_model(tag))
        _write("rollback", pointer.stack[:-1], pointer, tag)
    return tag


def _same_model(tag: str, figures: EvaluationFigures) -> GateResult:
    detail = f"the evaluation is of {figures.model}; evaluate {tag}"
    return GateResult(gate="evaluated", passed=figures.model == tag, detail=detail)


def _try(folder: Path) -> float:
    """Load the model and ask it something; returns its sentences a second on all cores.

    Raises `ArtifactError` when it cannot answer.
    """
    from stance.classifier import StanceClassifier

    try:
        classifier = StanceClassifier.load(folder)
        classifier.classify(_TRIAL[:1], on_error="raise")  # what is built at first use is no part of the speed
        begun = time.perf_counter()
        results = classifier.classify(_TRIAL, on_error="raise")
        return sum(len(result.sentences) for result in results) / (time.perf_counter() - begun)
    except RuntimeError as error:
        raise ArtifactError(f"{folder}: the model does not run ({error}); export it again") from None


def _write(action: Literal["promote", "rollback"], stack: list[str], before: Pointer | None, tag: str) -> None:
    """Switch in one step: the pointer and its history are one file."""
    replaced = before.current if before else None
    switch = Switch(action=action, at=datetime.now(UTC).isoformat(timespec="seconds"), replaced=replaced, tag=tag)
    pointer = Pointer(stack=stack, history=[*(before.history if before else []), switch])
    with replacing(pointer_path()) as temporary:
        temporary.write_text(pointer.model_dump_json(indent=1) + "\n", encoding="utf-8")


@contextmanager
def _locked() -> Iterator[None]:
    """One switch at a time; the lock goes with the process, so that a crash leaves none behind."""
    path = pointer_path().with_suffix(".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
