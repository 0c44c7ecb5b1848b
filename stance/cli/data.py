"""`stance data`: labelled data, checked, converted and counted. Thin over `training.data`; needs the extra `train`."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError

from stance.cli.failures import SOME_FAILED, UNUSABLE, Refusal, extra, list_failures, refusing
from stance.cli.output import emit, writing

if TYPE_CHECKING:
    from stance.labelled import LabelledDocument
    from training.data.errors import RowProblem

app = typer.Typer(help="Labelled data: check, convert, count.")


class Source(StrEnum):
    """Formats that labelled data comes in."""

    jsonl = "jsonl"
    csv = "csv"
    parquet = "parquet"
    label_studio = "label_studio"
    newsmtsc = "newsmtsc"
    dse = "dse"
    gum = "gum"


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


class Split(StrEnum):
    """GUM's splits."""

    train = "train"
    dev = "dev"
    test = "test"


BY_ENDING = {".csv": Source.csv, ".parquet": Source.parquet, ".json": Source.label_studio}

Out = Annotated[Path, typer.Option(help="The file to write; it appears once it is whole.")]
SplitOption = Annotated[Split | None, typer.Option(help="Which split of GUM, which is a folder.")]


@app.command()
def validate(
    files: Annotated[list[Path], typer.Argument(help="Labelled data: JSONL, CSV, Parquet or Label Studio's JSON.")],
    held_out: Annotated[
        list[Path] | None, typer.Option(help="Data to test with, which must share no text with the files. Repeatable.")
    ] = None,
) -> None:
    """Check every row: fields, labels, ids, contradictions, texts that leak into held-out data."""
    with extra("train"):
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
    file: Annotated[Path, typer.Argument(help="Labelled data in another format.")],
    format: Annotated[Source, typer.Option(help="The format of the file.")],
    out: Out,
    split: SplitOption = None,
) -> None:
    """Convert labelled data to the project's JSONL; with any bad row nothing is written."""
    documents = read(file, format, split)
    with extra("train"), writing(out):
        from training.data.export import write_jsonl

        count = write_jsonl(documents, out)
    typer.echo(f"{count} documents written to {out}", err=True)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Labelled data.")],
    format: Annotated[Target, typer.Option(help="The format to write.")],
    out: Out,
    labels: Annotated[Labels, typer.Option(help="Which labels a CSV holds.")] = Labels.stances,
) -> None:
    """Convert labelled data; a CSV lists on stderr the labels that it cannot hold."""
    documents = read(file)
    left_out: list[RowProblem] = []
    with extra("train"), writing(out), refusing(ValueError):
        from training.data.export import write_csv, write_jsonl, write_parquet
        from training.data.label_studio import write_tasks

        match format:
            case Target.jsonl:
                write_jsonl(documents, out)
            case Target.parquet:
                write_parquet(documents, out)
            case Target.label_studio:
                write_tasks(documents, out)
            case Target.csv:
                _, left_out = write_csv(documents, out, labels.value)
    if left_out:
        list_failures(left_out)
        raise typer.Exit(SOME_FAILED)


@app.command()
def stats(
    file: Annotated[Path, typer.Argument(help="Labelled data.")],
    format: Annotated[Source | None, typer.Option(help="The format of the file; by its name without this.")] = None,
    split: SplitOption = None,
    against: Annotated[Path | None, typer.Option(help="Other data: which of its texts does the file hold too?")] = None,
    threshold: Annotated[float, typer.Option(min=0.1, max=1.0, help="How alike near-duplicates are.")] = 0.8,
) -> None:
    """Count labels and find near-duplicates, contradictions and leaked texts; JSON."""
    documents = read(file, format, split)
    other = read(against) if against else []
    with extra("train"):
        from training.data import checks

        found: dict[str, Any] = asdict(checks.stats(documents))
        found["near_duplicates"] = [asdict(pair) for pair in checks.near_duplicates(documents, threshold)]
        found["conflicts"] = [asdict(conflict) for conflict in checks.conflicts(documents)]
        if against:
            found["leakage"] = [asdict(pair) for pair in checks.leakage(other, documents, threshold)]
    emit([json.dumps(found, ensure_ascii=False, indent=1) + "\n"])


def read(file: Path, format: Source | None = None, split: Split | None = None) -> list[LabelledDocument]:
    """All documents of a file; its format goes by the name where none is given.

    Lists every bad row on stderr and raises `typer.Exit`; raises `Refusal` for options that do not fit.
    """
    source = format or BY_ENDING.get(file.suffix.lower(), Source.jsonl)
    with extra("train"):
        from training.data.readers import DataError, SourceSpec, read_source

        try:
            return read_source(SourceSpec(format=source.value, path=file, split=split.value if split else None))
        except ValidationError as error:
            raise Refusal(error.errors()[0]["msg"].removeprefix("Value error, ")) from None
        except DataError as error:
            list_failures(error.problems)
            code = SOME_FAILED if all(problem.line for problem in error.problems) else UNUSABLE
            raise typer.Exit(code) from None
