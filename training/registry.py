"""Models in BentoML's store: import, list, show, remove; and which one serves: promote, roll back."""

from __future__ import annotations

import fcntl
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from stance.artifact import ArtifactError, Manifest, read_manifest
from stance.schema import Document
from stance.store import Pointer, Switch, pointer_path, read_pointer, stored_model
from training.data.files import replacing
from training.promotion import EvaluationFigures, GateResult, Gates, check_gates, check_unseen

NAME = "stance"
#: A version is the name of a folder of the store, and must not lead out of it.
_TAG = re.compile(NAME + r":[a-z0-9]([a-z0-9._-]*[a-z0-9])?")
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


@contextmanager
def _needing_files(task: str) -> Iterator[None]:
    """Turn a file that cannot be read or written (a full disk, another user's) into an `ArtifactError`."""
    try:
        yield
    except OSError as error:
        raise ArtifactError(f"{task} failed: {_reason(error)}; make room or mend that, then try again") from error


def _reason(error: OSError) -> str:
    """What went wrong on which file: of a copy the new one, and of a folder that was copied the first such file."""
    if isinstance(error, shutil.Error) and isinstance(error.args[0], list):
        _, target, why = error.args[0][0]
        return f"{target}: {why}"
    where = error.filename2 or error.filename
    return f"{where}: {error.strerror}" if where else error.strerror or str(error)


def import_model(folder: Path) -> str:
    """Copy a model folder into the store under its manifest's tag, and return that.

    Metadata are the data's hashes, the configuration, the metrics and the lineage. Importing the same model again
    changes nothing; what an interrupted import left is replaced. Raises `ArtifactError` for a folder that is
    damaged, for a tag under which the store has another model, and where the copy has no room: then nothing of it
    stays.
    """
    with _needing_files(f"{folder}: the import"):
        manifest = read_manifest(folder)
        if not _TAG.fullmatch(manifest.tag):
            raise ArtifactError(f"{folder}: the tag {manifest.tag!r} is not {NAME}:VERSION; export the model again")
        if (known := _stored_manifest(manifest.tag)) is not None:
            if known.files != manifest.files:
                problem = "the store has another model of this tag; remove it or export again"
                raise ArtifactError(f"{manifest.tag}: {problem}")
            return manifest.tag
        try:
            _copy_in(folder, manifest)
        except OSError:
            _clear_half(manifest.tag)
            raise
    return manifest.tag


def _copy_in(folder: Path, manifest: Manifest) -> None:
    import bentoml

    metadata = manifest.model_dump(mode="json", include={"created", "license", "metrics", "config", "data", "lineage"})
    with bentoml.models.create(manifest.tag, labels={"project": NAME}, metadata=_without_null(metadata)) as model:
        for file in folder.iterdir():
            if file.is_file():
                shutil.copy2(file, Path(model.path) / file.name)


def _clear_half(tag: str) -> None:
    """Remove what an import that failed left: half a model, and a note of the latest version without a word in it."""
    _stored_manifest(tag)
    _forget_latest("")


def _forget_latest(version: str) -> None:
    """Remove the store's note of its latest version where it says this one; the store then looks for itself."""
    latest = _store_folder() / "latest"
    if latest.is_file() and latest.read_text(encoding="utf-8").strip() == version:
        latest.unlink()


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


def remove(tag: str) -> None:
    """Remove a model from the store, damaged or whole; `tag` is one that `list_models` names.

    Raises `ArtifactError` for a model that is not there, for the one in service, and for the one that `rollback`
    would go back to. A model that served before these is no longer gone back to.
    """
    with _needing_files(f"{tag}: the removal"), _locked():
        # Found among what is there, so that no tag leads out of the store, and "latest" names nothing.
        folder = next((one for one in _store_folder().glob("*/") if f"{NAME}:{one.name}" == tag), None)
        if folder is None:
            raise ArtifactError(f"{tag}: not in the model store; `stance models list` shows what is in it")
        if (pointer := read_pointer()) is not None:
            _refuse_needed(tag, pointer)
            if tag in pointer.stack:
                _put(_without(tag, pointer))
        shutil.rmtree(folder)
        _forget_latest(folder.name)


def _refuse_needed(tag: str, pointer: Pointer) -> None:
    if tag == pointer.current:
        raise ArtifactError(f"{tag}: is in service; promote another model or roll back before you remove it")
    if tag in pointer.stack[-2:]:
        raise ArtifactError(f"{tag}: is what `stance models rollback` goes back to; promote another model first")


def _without(tag: str, pointer: Pointer) -> Pointer:
    """The pointer without a model that no longer serves; where one then stands on itself, it stands once."""
    stack = [one for one, _ in groupby(one for one in pointer.stack if one != tag)]
    return pointer.model_copy(update={"stack": stack})


def promote(tag: str, figures: EvaluationFigures, gates: Gates) -> list[GateResult]:
    """Put a stored model in service if every gate holds; returns the gates' results.

    Running services follow within seconds. Raises `PromotionRefused` for a gate that fails, `ArtifactError` for a
    model that is missing, damaged or does not answer, and for a file that cannot be written; the model in service
    then stays.
    """
    with _needing_files(f"{tag}: the promotion"), _locked():
        folder = stored_model(tag)
        manifest = read_manifest(folder)
        tag, pointer = manifest.tag, read_pointer()
        current = pointer.current if pointer else None
        fit = [_same_model(tag, figures), check_unseen(figures, manifest.data)]
        results = [*fit, *check_gates(figures, gates, current, _try(folder))]
        if not all(result.passed for result in results):
            raise PromotionRefused(tag, results)
        if current != tag:
            _write("promote", [*(pointer.stack if pointer else []), tag], pointer, tag)
    return results


def rollback() -> str:
    """Put the model in service that was there before the last promotion; returns its tag.

    Raises `ArtifactError` when there is none, when it is damaged, or when a file cannot be written; the model in
    service then stays.
    """
    with _needing_files("the rollback"), _locked():
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
    _put(Pointer(stack=stack, history=[*(before.history if before else []), switch]))


def _put(pointer: Pointer) -> None:
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
