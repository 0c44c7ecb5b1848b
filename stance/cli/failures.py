"""How the command line says no: one line on stderr and an exit code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import typer

SOME_FAILED = 1
UNUSABLE = 2
INTERRUPTED = 130
#: What a shell reports for a process that a closed pipe ended.
BROKEN_PIPE = 141

_OWN_PACKAGES = {"stance", "training", "serving"}


class Refusal(typer.TyperException):
    """Arguments or input that cannot be used; the message says which and how to mend it."""

    exit_code = UNUSABLE


@contextmanager
def refusing(*errors: type[Exception]) -> Iterator[None]:
    """Turn these errors, whose messages are made for the user, into a `Refusal`."""
    try:
        yield
    except errors as error:
        raise Refusal(str(error)) from error


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Say which extra to install when a library is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in _OWN_PACKAGES:
            raise
        raise Refusal(f"this command needs {error.name}; pip install 'stance[{name}]'") from None


def list_failures(failures: Iterable[object]) -> None:
    """Name each item that failed on stderr, one line each."""
    for failure in failures:
        typer.echo(f"stance: {failure}", err=True)
