"""`stance score`, `stance report` and `stance serve`: thin over `serving`."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError

from stance.cli.failures import SOME_FAILED, Refusal, extra, list_failures, refusing
from stance.cli.options import Model
from stance.cli.output import emit, on_terminal
from stance.schema import Actor

if TYPE_CHECKING:
    from serving.batch import ScoreConfig, ScoreSummary

LIMITS = "What one row may hold; a row beyond it fails"
MACHINE = "Machine"
#: What `Path` makes of the beginning of a URL; a drive of Windows has one letter.
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+:", re.IGNORECASE)


class Engine(StrEnum):
    """What runs the workers."""

    local = "local"
    ray = "ray"


class TableFormat(StrEnum):
    """How tables are written."""

    parquet = "parquet"
    jsonl = "jsonl"


def score(
    inputs: Annotated[list[str], typer.Argument(help="JSONL, CSV, TSV or Parquet: files, folders, globs or URLs.")],
    out: Annotated[Path, typer.Option(help="The folder for the results; called again with it, the run goes on.")],
    actors: Annotated[Path | None, typer.Option(help="Whom to look for where a row brings no actors.")] = None,
    model: Model = None,
    text_column: Annotated[str, typer.Option(help="The column with the text.")] = "text",
    id_column: Annotated[str, typer.Option(help="The column with the id; '' names rows by file and place.")] = "id",
    date_column: Annotated[str, typer.Option(help="The column with the date; '' leaves dates out.")] = "date",
    format: Annotated[TableFormat, typer.Option(help="How the tables are written.")] = TableFormat.parquet,
    include_neutral: Annotated[bool, typer.Option("--include-neutral", help="Write neutral stances too.")] = False,
    author: Annotated[bool, typer.Option("--author", help="Let a text's own voice hold stances too.")] = False,
    redo: Annotated[bool, typer.Option("--redo", help="Replace what a changed input or model touches.")] = False,
    engine: Annotated[Engine, typer.Option(rich_help_panel=MACHINE)] = Engine.local,
    address: Annotated[str | None, typer.Option(help="A Ray cluster's address.", rich_help_panel=MACHINE)] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes.", rich_help_panel=MACHINE)] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Cores of one worker.", rich_help_panel=MACHINE)] = None,
    shard_rows: Annotated[int, typer.Option(min=1, help="Rows in one unit of work.", rich_help_panel=MACHINE)] = 2_000,
    row_bytes: Annotated[int, typer.Option(min=1024, help="Bytes of a row.", rich_help_panel=LIMITS)] = 16_777_216,
    text_characters: Annotated[int, typer.Option(min=1, help="Its text.", rich_help_panel=LIMITS)] = 200_000,
    row_actors: Annotated[int, typer.Option(min=1, help="Its own actors.", rich_help_panel=LIMITS)] = 100,
) -> None:
    """Score many documents into tables; a run that was stopped resumes with the same command."""
    config = _config(
        inputs=tuple(inputs),
        out=_folder(out),
        actors=_known(actors),
        model=model,
        text_column=text_column,
        id_column=id_column or None,
        date_column=date_column or None,
        format=format.value,
        include_neutral=include_neutral,
        author=author,
        redo=redo,
        engine=engine.value,
        address=address,
        workers=workers,
        threads=threads,
        shard_rows=shard_rows,
        limits={"row_bytes": row_bytes, "text_characters": text_characters, "actors": row_actors},
    )
    summary = _score(config)
    emit([_told(summary) if on_terminal() else summary.model_dump_json(indent=1) + "\n"])
    if summary.failed:
        total = f"{summary.failed} of {summary.rows} rows failed; all are listed in {summary.out}/errors"
        list_failures([*summary.failures, total])
        raise typer.Exit(SOME_FAILED)


def _folder(out: Path) -> Path:
    """An output folder. Raises `Refusal` for a URL, of which a folder of that name would be made here."""
    if out.parts and _SCHEME.fullmatch(out.parts[0]):
        url = str(out).replace(":/", "://", 1)
        raise Refusal(f"--out {url}: results go to a folder, not to a URL; give a folder and copy it there when done")
    return out


def _known(actors: Path | None) -> tuple[Actor, ...] | None:
    from stance.actors_file import ActorsFileError, load_actors

    with refusing(ActorsFileError):
        return tuple(load_actors(actors)) if actors else None


def _config(**options: Any) -> ScoreConfig:
    """The run's configuration; raises `Refusal`."""
    from serving.batch import ScoreConfig
    from stance.faults import faults

    try:
        return ScoreConfig.model_validate(options)
    except ValidationError as error:
        raise Refusal("; ".join(map(str, faults(error)))) from None


def _score(config: ScoreConfig) -> ScoreSummary:
    from serving.batch import BatchError, log_to_stderr, score, shown_progress

    log_to_stderr()
    with refusing(BatchError), extra(config.engine), shown_progress() as listener:
        return score(config, listener)


def _told(summary: ScoreSummary) -> str:
    """A finished run in words."""
    lines = [
        f"{summary.rows} rows of {summary.files} files, {summary.failed} failed; {summary.sentences} sentences in "
        f"{summary.seconds:.0f} s ({summary.rate:.0f} a second)",
        f"{summary.resumed} of {summary.shards} shards were there already",
        f"{summary.sentiment} sentiments, {summary.stances} stances, {summary.relations} relations; "
        f"{summary.abstained} abstained",
        *(f"left out: {name}" for name in summary.ignored),
        f"written to {summary.out} by {summary.model}",
    ]
    return "\n".join(lines) + "\n"


def report(
    out: Annotated[Path, typer.Argument(help="The folder that `stance score` wrote.")],
    evidence: Annotated[int, typer.Option(min=0, help="Sentences shown for each pair of actors.")] = 3,
) -> None:
    """Write a page and CSVs about a scored corpus into its folder; prints their paths, the page first."""
    from serving.batch import BatchError
    from serving.batch.report import write_report

    with refusing(BatchError):
        written = write_report(out, evidence)
    emit(f"{path}\n" for path in [written.page, *written.csvs])


def serve(
    config: Annotated[Path | None, typer.Option(help="A YAML configuration; configs/serving.yaml without it.")] = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on; 0.0.0.0 for every interface.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="The port to listen on.")] = None,
) -> None:
    """Run the HTTP service until it is told to stop; logs go to stderr."""
    from serving.run import ConfigError
    from serving.run import serve as run_service
    from stance.artifact import ArtifactError

    with refusing(ConfigError, ArtifactError):
        run_service(config, host, port)
