"""`stance models shadow`, `reference` and `drift`: what the service noted beside its answers.

Thin over `serving.aside` and `training.drift`.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stance.cli.failures import SOME_FAILED, Refusal, extra, list_failures, refusing
from stance.cli.labelled import read
from stance.cli.options import Model
from stance.cli.output import emit, on_terminal, writing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from serving.aside.store import Agreement
    from stance.classifier import StanceClassifier
    from training.drift import Side, Signal, Window


class ListFormat(StrEnum):
    """How disagreements are printed."""

    text = "text"
    jsonl = "jsonl"


def shadow(
    limit: Annotated[int, typer.Option(min=0, help="Disagreements to list, the latest first.")] = 20,
    format: Annotated[
        ListFormat | None, typer.Option(help="Lines to read, the default on a terminal; or disagreements as JSON.")
    ] = None,
) -> None:
    """Show how often the shadow model agrees with the one in service, and where it does not."""
    with extra("feedback"):
        from sqlalchemy.exc import SQLAlchemyError

        from serving.aside.store import ShadowStore
        from serving.database import URL_VARIABLE, feedback_url

        try:
            store = ShadowStore(feedback_url())
            found, rows = store.agreement(), store.disagreements(limit)
            store.close()
        except SQLAlchemyError as error:
            # The message may hold the URL, and that a password.
            raise Refusal(f"{URL_VARIABLE}: the database cannot be read ({type(error).__name__}); check it") from None
    if not found:
        typer.echo("stance: nothing compared yet; set shadow.model in the service's configuration", err=True)
    if format is ListFormat.jsonl or (format is None and not on_terminal()):
        for line in _agreement(found):
            typer.echo(line.rstrip(), err=True)
        emit(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)
    else:
        emit([*_agreement(found), *(line for row in rows for line in _told(row))])


def _agreement(found: list[Agreement]) -> Iterator[str]:
    for one in found:
        counts = f"{one.agreed} of {one.compared} answers alike ({one.share:.1%})"
        yield f"{one.shadow} against {one.model}, {one.kind}: {counts}\n"


def _told(row: dict[str, Any]) -> Iterator[str]:
    whom = f"{row['holder']} toward {row['target']}" if row["holder"] is not None else row["target"]
    yield f"\n{row['document']} [{row['sentence_start']}:{row['sentence_end']}] {' '.join(row['text'].split())}\n"
    yield f"  {whom}: {_said(row['label'], row['confidence'])} ({row['model']})"
    yield f", {_said(row['shadow_label'], row['shadow_confidence'])} ({row['shadow']})\n"


def _said(label: str | None, confidence: float | None) -> str:
    return label or "not found" if confidence is None else f"{label} {confidence:.0%}"


def reference(
    files: Annotated[list[Path], typer.Argument(help="Documents like those to come, labelled or not.")],
    model: Model = None,
    out: Annotated[
        Path | None, typer.Option(help="The file to write; without it where `drift` looks for the model's.")
    ] = None,
    actors: Annotated[Path | None, typer.Option(help="Whom to look for, where requests name actors too.")] = None,
    texts: Annotated[
        bool, typer.Option("--texts", help="Keep the sentences, to compare subjects and wording.")
    ] = False,
) -> None:
    """Keep what a model answers to documents, by the text alone, as the reference of `drift`; prints the file."""
    from stance.actors_file import ActorsFileError, load_actors
    from stance.artifact import ArtifactError
    from stance.schema import Document

    documents = [document for file in files for document in read(file)]
    with extra("train"), refusing(ArtifactError, ActorsFileError):
        from stance.classifier import StanceClassifier
        from training.drift import reference_path, write_reference

        named = load_actors(actors) if actors else None
        classifier = StanceClassifier.load(model)
        path = out or reference_path(classifier.tag)
        with writing(path):
            asked = (Document(id=document.id, text=document.text, actors=named) for document in documents)
            kept, failures = write_reference(classifier, asked, path, texts)
    typer.echo(f"{kept} documents answered by {classifier.tag}", err=True)
    emit([f"{path}\n"])
    if failures:
        list_failures(failures)
        raise typer.Exit(SOME_FAILED)


def drift(
    model: Model = None,
    reference: Annotated[Path | None, typer.Option(help="What `reference` wrote, if it was told where.")] = None,
    traffic: Annotated[Path | None, typer.Option(help="The service's traffic.folder, if it has one.")] = None,
    hours: Annotated[
        float | None, typer.Option(min=0, help="Compare the last so many; all on record without it.")
    ] = None,
    limits: Annotated[Path, typer.Option(help="How far each signal may go.")] = Path("configs/drift.yaml"),
    report: Annotated[Path | None, typer.Option(help="The HTML page to write.")] = None,
) -> None:
    """Compare served traffic with a model's reference; exits 0 without drift, 1 with drift, 2 if it cannot."""
    with _never_drift():
        signals = _signals(model, reference, traffic, hours, limits, report)
        emit(f"{s.name}\t{s.value:.3f}\t{s.limit:g}\t{_verdict(s)}\t{s.detail}\n" for s in signals)
        if any(signal.drifted for signal in signals):
            raise typer.Exit(SOME_FAILED)


@contextmanager
def _never_drift() -> Iterator[None]:
    """Turn whatever else goes wrong into a `Refusal`: a traceback exits 1, and cron would take that for drift."""
    try:
        yield
    except (typer.Exit, typer.Abort, typer.TyperException):
        raise
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise Refusal(f"{where}cannot be read or written ({error.strerror or error}); nothing can be said") from error
    except Exception as error:
        raise Refusal(f"nothing can be said of drift: {type(error).__name__}: {error}") from error


def _verdict(signal: Signal) -> str:
    return "drift" if signal.drifted else "steady"


def _signals(
    model: str | None,
    reference: Path | None,
    traffic: Path | None,
    hours: float | None,
    limits: Path,
    report: Path | None,
) -> list[Signal]:
    """What `drift` prints, once the page is written. Raises `Refusal` where nothing can be said."""
    from stance.artifact import ArtifactError, read_manifest
    from stance.classifier import resolve_model

    with extra("train"):
        from stance.traffic import traffic_folder
        from training.config import ConfigError
        from training.data.errors import DataError
        from training.drift import NotComparable, load_limits, read_reference, read_window, reference_path, write_report
        from training.drift import drift as compare
    with refusing(ArtifactError, ConfigError, DataError, NotComparable):
        allowed = load_limits(limits)
        tag = read_manifest(resolve_model(model), verify=False).tag
        known = reference or reference_path(tag)
        if not known.is_file():
            raise Refusal(f"{known}: no reference of {tag}; write one with `stance models reference`")
        expected = read_reference(known)
        since = datetime.now(UTC) - timedelta(hours=hours) if hours is not None else None
        window = read_window(traffic_folder(traffic), tag, since)
        _warn(window)
        signals = compare(expected, window.side, allowed, _embedder(model, expected, window.side))
        if report is not None:
            with writing(report, "--report"):
                write_report(report, tag, signals, (expected.documents, window.side.documents))
    return signals


def _embedder(model: str | None, reference: Side, window: Side) -> StanceClassifier | None:
    """The model itself, where both sides have texts for it to read."""
    from stance.classifier import StanceClassifier

    if reference.texts and window.texts:
        return StanceClassifier.load(model)
    without = [name for name, side in (("the reference", reference), ("the window", window)) if not side.texts]
    list_failures([f"{' and '.join(without)} kept no sentences, so subjects and wording are not compared"])
    return None


def _warn(window: Window) -> None:
    list_failures([f"left out: {problem}" for problem in window.problems])
    list_failures([f"left out: {count} documents answered by {tag}" for tag, count in window.others.items()])
