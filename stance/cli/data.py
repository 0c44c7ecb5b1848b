"""`stance data`: labelled data, checked, converted and counted. Thin over `training.data`; needs the extra `train`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stance.cli import selection
from stance.cli.failures import SOME_FAILED, UNUSABLE, Refusal, extra, list_failures, refusing
from stance.cli.labelled import FormatOption, Source, Split, SplitOption, listing_bad_rows, read, stream
from stance.cli.options import Model
from stance.cli.output import emit, tracking, writing

if TYPE_CHECKING:
    from stance.labelled import LabelledDocument
    from training.data.errors import RowProblem

app = typer.Typer(help="Labelled data: check, convert, count, choose what to label and what to look at again.")
app.command()(selection.suggest)
app.command()(selection.audit)


class Target(StrEnum):
    """Formats that labelled data goes out in."""

    jsonl = "jsonl"
    csv = "csv"
    parquet = "parquet"
    label_studio = "label_studio"


class Labels(StrEnum):
    """The two kinds of label."""

    sentiment = "sentiment"
    stances = "stances"


Out = Annotated[Path, typer.Option(help="The file to write; it appears once it is whole.")]


@app.command()
def validate(
    files: Annotated[list[Path], typer.Argument(help="Labelled data: JSONL, CSV, Parquet or Label Studio's JSON.")],
    held_out: Annotated[
        list[Path] | None, typer.Option(help="Data to test with, which must share no text with the files. Repeatable.")
    ] = None,
) -> None:
    """Check every row: fields, labels, ids, contradictions, texts that leak into held-out data."""
    with extra("train"), listing_bad_rows():
        from training.data.validate import validate as check

        report = check(files, held_out or [])
    emit([json.dumps({"documents": report.documents, "labels": report.labels, "found": report.found}, indent=1) + "\n"])
    list_failures(report.problems)
    hidden = sum(report.found.values()) - len(report.problems)
    if hidden:
        list_failures([f"and {hidden} more of the same kinds"])
    if not report.ok:
        raise typer.Exit(SOME_FAILED if report.documents else UNUSABLE)


@app.command("import")
def import_(
    format: Annotated[Source, typer.Option(help="The format of the file.")],
    out: Out,
    file: Annotated[
        str | None, typer.Argument(help="Labelled data in another format; for feedback its database's URL, or nothing.")
    ] = None,
    split: SplitOption = None,
    annotator: Annotated[
        str | None, typer.Option(help="Whose annotations of Label Studio's export to take: an id or e-mail.")
    ] = None,
) -> None:
    """Convert labelled data to the project's JSONL; with any bad row, or none at all, nothing is written.

    Without FILE, feedback is read from where the service keeps it: STANCE_FEEDBACK_URL, or feedback.db in STANCE_HOME.
    """
    with extra("train"), listing_bad_rows(), writing(out):
        from training.data.export import write_jsonl

        left_out: list[str] = []
        where = "the feedback" if file is None or format == Source.feedback else file  # a URL may hold a password
        documents = _incoming(file, format, split, annotator, left_out)
        count = write_jsonl(_some(documents, where, left_out), out)
    list_failures(left_out)
    typer.echo(f"{count} documents written to {out}", err=True)


def _incoming(
    file: str | None, format: Source, split: Split | None, annotator: str | None, left_out: list[str]
) -> Iterable[LabelledDocument]:
    """Like `stream`, with contradictions between documents refused too; what a reader passes over is told in
    `left_out` once all documents were taken."""
    from training.data.readers.dse import load_dse
    from training.data.readers.label_studio import numbered_tasks
    from training.data.validate import READERS, read_consistent

    if file is None or split is not None or (annotator is not None and format != Source.label_studio):
        return stream(file, format, split, annotator)  # which refuses what does not fit
    path = Path(file)
    match format:
        case Source.label_studio:
            return read_consistent(path, partial(numbered_tasks, annotator=annotator, left_out=left_out))
        case Source.jsonl | Source.csv | Source.parquet:
            return read_consistent(path, READERS[f".{format.value}"])
        case Source.dse:
            found = load_dse(path)
            if found.duplicates:
                left_out.append(f"{file}: {found.duplicates} rows left out: copies of a row that was kept")
            if found.ties:
                left_out.append(f"{file}: {found.ties} rows left out: copies on whose label no majority agrees")
            return found.documents
    return stream(file, format)


def _some(
    documents: Iterable[LabelledDocument], where: str, left_out: Sequence[str] = ()
) -> Iterator[LabelledDocument]:
    """The documents. Raises `Refusal` where there is none: an empty file must not take the place of labels."""
    count = 0
    for document in documents:
        count += 1
        yield document
    if not count:
        raise Refusal("; ".join([f"{where} has no document, so nothing was written", *left_out]))


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Labelled data, or texts without any label yet.")],
    format: Annotated[Target, typer.Option(help="The format to write.")],
    out: Out,
    labels: Annotated[Labels, typer.Option(help="Which labels a CSV holds.")] = Labels.stances,
    only: Annotated[
        Path | None, typer.Option(help="A list of `suggest` or `audit`: take these documents alone, in its order.")
    ] = None,
    predictions: Annotated[
        bool, typer.Option("--predictions", help="Add a model's answers to Label Studio's tasks, to be corrected.")
    ] = False,
    model: Model = None,
) -> None:
    """Convert labelled data; lists on stderr what the format cannot hold and what the model cannot answer."""
    if (predictions or model) and format != Target.label_studio:
        raise Refusal(f"--predictions go into tasks of label_studio; {format.value} holds labels only")
    problems: list[RowProblem] = []
    with extra("train"), refusing(ValueError), listing_bad_rows(), writing(out):
        from training.data.export import write_csv, write_jsonl, write_parquet

        documents = _chosen(file, only)
        match format:
            case Target.jsonl:
                count = write_jsonl(documents, out)
            case Target.parquet:
                count = write_parquet(documents, out)
            case Target.label_studio:
                count, problems = _tasks(documents, out, model, predictions or model is not None)
            case Target.csv:
                count, problems = write_csv(documents, out, labels.value)
    typer.echo(f"{count} {'rows' if format == Target.csv else 'documents'} written to {out}", err=True)
    if problems:
        list_failures(problems)
        raise typer.Exit(SOME_FAILED)


def _chosen(file: Path, only: Path | None) -> Iterable[LabelledDocument]:
    if only is None:
        return _some(stream(str(file)), str(file))
    from training.data.errors import DataError, RowProblem
    from training.selection.lists import read_ids

    wanted = read_ids(only)
    if not wanted:
        raise Refusal(f"{only} lists no document, so nothing was written")
    ids = set(wanted)
    found = {document.id: document for document in stream(str(file)) if document.id in ids}
    missing = [name for name in wanted if name not in found]
    if missing:
        message = f"{file} has no document of this id; give the file that the list was made from"
        raise DataError([RowProblem(str(only), 0, "id", f"{name!r}: {message}") for name in missing])
    return [found[name] for name in wanted]


def _tasks(
    documents: Iterable[LabelledDocument], out: Path, model: str | None, predictions: bool
) -> tuple[int, list[RowProblem]]:
    from training.data.label_studio import with_predictions, write_tasks

    problems: list[RowProblem] = []
    if not predictions:
        return write_tasks(((document, None) for document in documents), out), problems
    from stance.artifact import ArtifactError
    from stance.classifier import StanceClassifier

    with refusing(ArtifactError), tracking() as track:
        classifier = StanceClassifier.load(model)
        return write_tasks(with_predictions(classifier, track(documents, "texts"), problems), out), problems


@app.command()
def stats(
    file: Annotated[Path, typer.Argument(help="Labelled data.")],
    format: FormatOption = None,
    split: SplitOption = None,
    against: Annotated[
        list[Path] | None, typer.Option(help="Another split: which of its texts does the file hold too? Repeatable.")
    ] = None,
    second: Annotated[Path | None, typer.Option(help="The same documents as somebody else labelled them.")] = None,
    threshold: Annotated[float, typer.Option(min=0.1, max=1.0, help="How alike near-duplicates are.")] = 0.8,
    limit: Annotated[int, typer.Option(min=1, help="Compare no more documents with each other.")] = 200_000,
) -> None:
    """Count labels and actors; find agreement, near-duplicates, contradictions and leaked texts; JSON."""
    others = {str(path): read(path) for path in against or []}
    other = read(second) if second else []
    with extra("train"), refusing(ValueError), listing_bad_rows():
        from training.data.summary import summarise

        summary = summarise(stream(str(file), format, split), others, other, threshold, limit)
    found: dict[str, Any] = {**asdict(summary.stats), **{k: v for k, v in asdict(summary).items() if k != "stats"}}
    emit([json.dumps(found, ensure_ascii=False, indent=1) + "\n"])
    if summary.near_duplicates is None:
        list_failures(
            [f"more than {limit} documents: near-duplicates and contradictions were not looked for; raise --limit"]
        )
