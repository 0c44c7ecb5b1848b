"""`stance data suggest` and `stance data audit`: thin over `training.selection`, which needs the extra `train`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stance.cli.failures import extra, list_failures, refusing
from stance.cli.labelled import FormatOption, SplitOption, read
from stance.cli.options import Model
from stance.cli.output import tracking, writing

if TYPE_CHECKING:
    from training.selection.readers import Reader

List = Annotated[Path, typer.Option(help="The list to write, .csv or .jsonl; it appears once it is whole.")]
Seed = Annotated[int, typer.Option(help="What is drawn by chance; the same seed draws the same.")]


def suggest(
    file: Annotated[Path, typer.Argument(help="Texts without labels, in the labelled format.")],
    out: List,
    count: Annotated[int, typer.Option(min=1, help="How many texts to suggest.")] = 100,
    random_share: Annotated[float, typer.Option(min=0, max=1, help="The share of them drawn by chance.")] = 0.1,
    labelled: Annotated[
        list[Path] | None, typer.Option(help="Labelled data: what it has, or nearly has, is not suggested. Repeatable.")
    ] = None,
    model: Model = None,
    seed: Seed = 0,
) -> None:
    """Rank unlabelled texts: those the model is unsure of and that differ from each other, some drawn by chance."""
    documents = read(file)
    known = [document.text for path in labelled or [] for document in read(path)]
    with extra("train"), writing(out), refusing(ValueError), tracking() as track:
        from stance.classifier import StanceClassifier
        from stance.schema import Document
        from training.selection import suggest as choose
        from training.selection.lists import list_format, write_list

        list_format(out)
        texts = {document.id: document.text for document in documents}
        asked = [
            Document(id=d.id, text=d.text, actors=d.actors or None, mentions=d.mentions or None) for d in documents
        ]
        found = choose(StanceClassifier.load(model), asked, count, random_share, seed, known, track)
        rows = [{**asdict(one), "uncertainty": round(one.uncertainty, 4), "text": texts[one.id]} for one in found]
        written = write_list(rows, ("id", "reason", "uncertainty", "text"), out)
    typer.echo(f"{written} of {len(documents)} texts suggested in {out}", err=True)


def audit(
    file: Annotated[Path, typer.Argument(help="Labelled data.")],
    out: List,
    format: FormatOption = None,
    split: SplitOption = None,
    folds: Annotated[int, typer.Option(min=2, help="A label is judged by the labels of the other folds.")] = 5,
    model: Model = None,
    encoder: Annotated[
        str | None, typer.Option(help="Instead of a model, an encoder that has seen no labels: hub id or folder.")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Cores to use; all of them without it.")] = None,
    seed: Seed = 0,
) -> None:
    """Rank labels by how likely they are wrong; writes a list to go through and changes no label."""
    documents = read(file, format, split)
    with extra("train"), writing(out), refusing(ValueError), tracking() as track:
        from training.selection import audit as judge
        from training.selection.audit import Doubt
        from training.selection.lists import list_format, write_list

        list_format(out)
        doubts = judge(_reader(file, model, encoder, threads), documents, folds, seed, track)
        rows = [{**asdict(doubt), "quality": round(doubt.quality, 6)} for doubt in doubts]
        written = write_list(rows, list(Doubt.__dataclass_fields__), out)
    likely = sum(doubt.likely_wrong for doubt in doubts)
    unread = sum(len(d.sentiment) + len(d.stances) for d in documents) - len(doubts)
    typer.echo(f"{written} labels ranked in {out}, {likely} of them likely wrong; nothing was changed", err=True)
    if unread:
        typer.echo(f"{unread} labels could not be judged: no mention of their actor stands in reach", err=True)


def _reader(file: Path, model: str | None, encoder: str | None, threads: int | None) -> Reader:
    """What reads the labels' spans. Raises `Refusal` for a model or encoder that cannot be loaded."""
    from stance.artifact import digest
    from stance.classifier import StanceClassifier
    from training.selection.readers import ModelReader

    if encoder is not None:
        from training.selection.encoders import EncoderReader

        return EncoderReader(encoder, threads)
    classifier = StanceClassifier.load(model, threads)
    trained = [part for part, sha in classifier.manifest.data.items() if part.startswith("train/")]
    if file.is_file() and digest(file) in [classifier.manifest.data[part] for part in trained]:
        list_failures(
            [f"{classifier.tag} was trained on this very file and has learnt its mistakes; give --encoder instead"]
        )
    return ModelReader(classifier)
