"""What the commands of `stance data` share: formats, and reading labelled data with its bad rows listed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from stance.cli.failures import SOME_FAILED, UNUSABLE, Refusal, extra, list_failures, refusing

if TYPE_CHECKING:
    from stance.labelled import LabelledDocument


class Source(StrEnum):
    """Formats that labelled data comes in; `texts` has ids and texts only, as `stance score` reads them."""

    jsonl = "jsonl"
    csv = "csv"
    parquet = "parquet"
    label_studio = "label_studio"
    newsmtsc = "newsmtsc"
    dse = "dse"
    gum = "gum"
    feedback = "feedback"
    texts = "texts"


class Split(StrEnum):
    """GUM's splits."""

    train = "train"
    dev = "dev"
    test = "test"


BY_ENDING = {".csv": Source.csv, ".parquet": Source.parquet, ".json": Source.label_studio}

FormatOption = Annotated[Source | None, typer.Option(help="The format of the file; by its name without this.")]
SplitOption = Annotated[Split | None, typer.Option(help="Which split of GUM, which is a folder.")]


@contextmanager
def listing_bad_rows() -> Iterator[None]:
    """List every bad row on stderr and exit: 1 where rows are bad, 2 where the whole file cannot be used."""
    from training.data.errors import DataError

    try:
        yield
    except DataError as error:
        list_failures(error.problems)
        raise typer.Exit(SOME_FAILED if all(problem.line for problem in error.problems) else UNUSABLE) from None


def stream(
    file: str | None, format: Source | None = None, split: Split | None = None, annotator: str | None = None
) -> Iterator[LabelledDocument]:
    """The documents of a file (of feedback: a URL) one by one; the format goes by the name where none is given.

    Raises `training.data.errors.DataError` after the last good one where rows are bad, and at once `Refusal` for
    options that do not fit.
    """
    if file is None and format != Source.feedback:
        raise Refusal("FILE is missing; name the file with the labelled data (only feedback has a place of its own)")
    source = format or BY_ENDING.get(Path(file or "").suffix.lower(), Source.jsonl)
    if annotator is not None and source != Source.label_studio:
        raise Refusal(f"--annotator is for label_studio; {source.value} has no annotators to choose from")
    if source == Source.feedback:
        return _feedback(file)
    if source == Source.texts:
        return _texts(file or "")
    from training.data.readers import SourceSpec, read_label_studio, stream_source

    path = Path(file or "")
    if annotator is not None:
        return read_label_studio(path, annotator)
    try:
        spec = SourceSpec.model_validate(
            {"format": source.value, "path": path, "split": split.value if split else None}
        )
    except ValidationError as error:
        raise Refusal(error.errors()[0]["msg"].removeprefix("Value error, ")) from None
    return stream_source(spec)


def _feedback(url: str | None) -> Iterator[LabelledDocument]:
    with extra("feedback"):
        from serving.database import feedback_url
        from training.data.readers.feedback import read_feedback

        return read_feedback(url or feedback_url())


def _texts(file: str) -> Iterator[LabelledDocument]:
    """Texts to label, by the readers of `stance score`."""
    from serving.batch.config import ScoreConfig
    from serving.batch.errors import InputError
    from serving.batch.readers import read_source
    from serving.batch.rows import check_row
    from serving.batch.sources import find_sources
    from stance.labelled import LabelledDocument
    from training.data.errors import DataError, RowProblem
    from training.data.readers.jsonl import row_problems

    config = ScoreConfig(inputs=(file,), out=Path(file).with_name(".none"), date_column=None)
    problems: list[RowProblem] = []
    with refusing(InputError):
        for source in find_sources(config.inputs, config.out)[0]:
            for row in (check_row(raw, source.label, config) for raw in read_source(source, config)):
                if row.fault is not None:
                    problems.append(RowProblem(source.label, row.number, "", row.fault.message))
                    continue
                try:
                    yield LabelledDocument.model_validate({"id": row.id, "source": Path(file).name, **row.value})
                except ValidationError as error:
                    problems += row_problems(source.label, row.number, error)
    if problems:
        raise DataError(problems)


def read(file: Path, format: Source | None = None, split: Split | None = None) -> list[LabelledDocument]:
    """All documents of a file. Lists every bad row and raises `typer.Exit`; raises `Refusal` like `stream`."""
    with extra("train"), listing_bad_rows():
        return list(stream(str(file), format, split))
