"""The command line `stance`: thin commands over plain functions.

The one place in `stance` that may import `training` and `serving`, and only inside a command: so
`stance --help` answers at once, and a base installation works without the training libraries.
"""

from stance.cli.app import main

__all__ = ["main"]
