"""Options that several commands share."""

from typing import Annotated

import typer

Model = Annotated[
    str | None, typer.Option(help="A model folder or a tag of the model store; the shipped model without it.")
]
