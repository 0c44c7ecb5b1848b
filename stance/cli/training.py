"""`stance train` and `stance evaluate`: thin over `training`, which needs the extra `train`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from stance.cli.failures import SOME_FAILED, UNUSABLE, extra, list_failures, refusing
from stance.cli.options import Model
from stance.cli.output import emit, progress_on_stderr


def train(
    config: Annotated[Path, typer.Option(help="A YAML configuration, for example configs/train.yaml.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE…", help="Replace keys of the configuration: optim.epochs=1")
    ] = None,
) -> None:
    """Fine-tune, evaluate, calibrate and export a model; the same command again resumes. Prints the model's folder."""
    with extra("train"), progress_on_stderr():
        from stance.artifact import ArtifactError
        from training.checkpoints import StorageError
        from training.config import ConfigError, load_config
        from training.data.errors import DataError
        from training.parity import ParityError
        from training.pipeline import run
        from training.thaw import ThawError

        try:
            with refusing(ConfigError, ArtifactError, ThawError, StorageError):
                folder = run(load_config(config, overrides or []))
        except DataError as error:
            list_failures(error.problems)
            raise typer.Exit(UNUSABLE) from None
        except ParityError as error:
            list_failures([error])
            raise typer.Exit(SOME_FAILED) from None
    emit([f"{folder}\n"])


def evaluate(
    data: Annotated[Path, typer.Option(help="Labelled JSONL, or a folder of such files.")],
    model: Model = None,
    report: Annotated[Path | None, typer.Option(help="A folder for the report, with plots.")] = None,
    against: Annotated[str | None, typer.Option(help="A second model to compare with, by a paired bootstrap.")] = None,
    history: Annotated[Path | None, typer.Option(help="The history.json of training, for the learning curve.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Cores to use; all of them without it.")] = None,
    swaps: Annotated[int, typer.Option(min=0, help="Documents of each set whose names are swapped; 0 for none.")] = 40,
) -> None:
    """Measure a model on labelled data by the code path that serves; prints the metrics as JSON."""
    with extra("train"), progress_on_stderr():
        from stance.artifact import ArtifactError
        from stance.outcome import ClassifyError
        from training.data.errors import DataError
        from training.evaluation.run import ReportError
        from training.evaluation.run import evaluate as measure

        with refusing(ArtifactError, ClassifyError, DataError, ReportError):
            metrics = measure(model, data, report, against, history, threads, swaps)
    emit([json.dumps(metrics, ensure_ascii=False, indent=1) + "\n"])
