"""`stance classify`: one document in, who stands where out."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from stance.cli.failures import Refusal, refusing
from stance.cli.options import Model
from stance.cli.output import color, emit, on_terminal, tracking, try_out, width
from stance.progress import Track, untracked
from stance.schema import Document, DocumentResult

STDIN = Path("-")
#: Characters of a text that takes some seconds.
LONG_TEXT = 20_000


class Format(StrEnum):
    """How a result is shown."""

    table = "table"
    json = "json"
    html = "html"


def classify(
    file: Annotated[Path | None, typer.Argument(help="A text in UTF-8; - or nothing reads standard input.")] = None,
    actors: Annotated[Path | None, typer.Option(help="Whom to look for, YAML or JSON; all actors without it.")] = None,
    model: Model = None,
    format: Annotated[
        Format | None, typer.Option(help="By default a table on a terminal, HTML for --out FILE.html, else JSON.")
    ] = None,
    include_neutral: Annotated[bool, typer.Option("--include-neutral", help="List neutral stances too.")] = False,
    author: Annotated[bool, typer.Option("--author", help="Let the text's own voice hold stances too.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the result to this file.")] = None,
) -> None:
    """Classify one document: sentiment toward each actor, who is for and against whom."""
    try_out(out)
    document = read_document(file, actors)
    from stance.artifact import ArtifactError
    from stance.classifier import StanceClassifier
    from stance.outcome import ClassifyError

    with refusing(ArtifactError):
        classifier = StanceClassifier.load(model)
    with refusing(ClassifyError), _tracking(document) as track:
        (result,) = classifier.classify([document], include_neutral, author, on_error="raise", track=track)
    emit([render(result, format or _format_for(out))], out)


def _tracking(document: Document) -> AbstractContextManager[Track]:
    """Shows on stderr how far a long text is; a short one is done before anybody has read that."""
    return tracking() if len(document.text) > LONG_TEXT else nullcontext(untracked)


def read_document(file: Path | None, actors: Path | None) -> Document:
    """The document of a text file, of standard input for `-` or None, with the actors of an actors file.

    Raises `Refusal`.
    """
    from stance.actors_file import ActorsFileError, load_actors

    with refusing(ActorsFileError):
        known = load_actors(actors) if actors else None
    file = None if file == STDIN else file
    text = _text(file)
    name = file.stem.encode("utf-8", "replace").decode() if file else "stdin"
    try:
        return Document(id=name, text=text, actors=known)
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise Refusal(f"{file or name}: text: {message}; give a text to classify") from None


def _text(file: Path | None) -> str:
    if file is None and sys.stdin.isatty():
        typer.echo("stance: reading the text from the terminal; end it with Ctrl-D", err=True)
    try:
        raw = file.read_bytes() if file else sys.stdin.buffer.read()
    except OSError as error:
        raise Refusal(f"{file}: cannot be read ({error.strerror}); name an existing text file") from None
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refusal(f"{file or 'stdin'}: not UTF-8 (byte {error.start}); save the text as UTF-8") from None


def _format_for(out: Path | None) -> Format:
    if out is None:
        return Format.table if on_terminal() else Format.json
    return Format.html if out.suffix.lower() in (".html", ".htm") else Format.json


def render(result: DocumentResult, format: Format) -> str:
    """The result in one of the formats, ending with a line break."""
    match format:
        case Format.json:
            return result.model_dump_json(indent=1) + "\n"
        case Format.html:
            from stance.render.page import as_page

            return as_page(result)
        case Format.table:
            from stance.render.table import as_table

            return as_table(result, width(), color())
