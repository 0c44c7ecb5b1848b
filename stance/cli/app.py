"""The application: its commands, and how it ends."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from stance.cli import classify, data, models, serving, training
from stance.cli.failures import INTERRUPTED, UNUSABLE

app = typer.Typer(
    name="stance",
    help="Who is for and against whom: stance and sentiment toward actors in news text, sentence by sentence.",
    pretty_exceptions_enable=False,
)
app.command()(classify.classify)
app.command()(serving.score)
app.command()(serving.report)
app.command()(serving.serve)
app.command()(training.train)
app.command()(training.evaluate)
app.add_typer(models.app, name="models")
app.add_typer(data.app, name="data")


def main() -> None:
    """Run the command line with this process's arguments and exit.

    Codes: 0 done, 1 some items failed, 2 unusable arguments or input, 130 interrupted.
    """
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; what goes wrong is one line on stderr."""
    try:
        code = typer.main.get_command(app).main(args=list(arguments), prog_name="stance", standalone_mode=False)
    except typer.TyperException as error:
        print(f"stance: {_one_line(error)}", file=sys.stderr)
        return UNUSABLE
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED
    return code if isinstance(code, int) else 0


def _one_line(error: typer.TyperException) -> str:
    message = " ".join(error.format_message().replace("Value error, ", "").split())
    context = getattr(error, "ctx", None)
    return f"{message.rstrip('.')}; see {context.command_path} --help" if context else message
