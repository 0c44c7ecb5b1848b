"""`stance models`: the registry. Thin over `training.registry`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from stance.cli.failures import SOME_FAILED, extra, list_failures, refusing
from stance.cli.output import emit
from stance.cli.watch import drift, reference, shadow

app = typer.Typer(help="The model store: what it holds, which model serves.")
app.command()(shadow)
app.command()(reference)
app.command()(drift)

TagArgument = Annotated[str, typer.Argument(help="The tag of a stored model: stance:VERSION.")]


@app.command("list")
def list_() -> None:
    """List the models of the store, the newest first: tag, date, and whether it is in service."""
    with extra("train"):
        from stance.artifact import ArtifactError
        from training.registry import list_models

        with refusing(ArtifactError):
            models = list_models()
        emit(f"{m.tag}\t{m.created}\t{'in service' if m.current else ''}".rstrip() + "\n" for m in models)


@app.command()
def show(tag: TagArgument) -> None:
    """Print everything about one model but its tensors, as JSON."""
    with extra("train"):
        from stance.artifact import ArtifactError
        from training.registry import show as describe

        with refusing(ArtifactError):
            emit([json.dumps(describe(tag), ensure_ascii=False, indent=1) + "\n"])


@app.command("import")
def import_(folder: Annotated[Path, typer.Argument(help="A model folder, as `stance train` leaves it.")]) -> None:
    """Copy a model folder into the store; prints its tag."""
    with extra("train"):
        from stance.artifact import ArtifactError
        from training.registry import import_model

        with refusing(ArtifactError):
            emit([import_model(folder) + "\n"])


@app.command()
def promote(
    tag: TagArgument,
    evaluation: Annotated[Path, typer.Option(help="The figures of the model's evaluation, JSON.")],
    gates: Annotated[Path, typer.Option(help="What a model must show.")] = Path("configs/promotion.yaml"),
) -> None:
    """Put a model in service if every gate holds; running services follow within seconds."""
    with extra("train"):
        from stance.artifact import ArtifactError
        from training.config import ConfigError
        from training.promotion import load_figures, load_gates
        from training.registry import PromotionRefused
        from training.registry import promote as put_in_service

        with refusing(ArtifactError, ConfigError):
            try:
                results = put_in_service(tag, load_figures(evaluation), load_gates(gates))
            except PromotionRefused as refused:
                list_failures(f"{tag}: gate {r.gate}: {r.detail}" for r in refused.results if not r.passed)
                raise typer.Exit(SOME_FAILED) from None
    emit([*(f"{result.gate}: {result.detail}\n" for result in results), f"{tag} is in service\n"])


@app.command()
def rollback() -> None:
    """Put the model in service that was there before the last promotion; prints its tag."""
    with extra("train"):
        from stance.artifact import ArtifactError
        from training.registry import rollback as go_back

        with refusing(ArtifactError):
            emit([go_back() + "\n"])


@app.command()
def remove(tag: TagArgument) -> None:
    """Remove a model from the store, unless it is in service or the one that `rollback` goes back to."""
    with extra("train"):
        from stance.artifact import ArtifactError
        from training.registry import remove as remove_model

        with refusing(ArtifactError):
            remove_model(tag)
    typer.echo(f"{tag} removed", err=True)
