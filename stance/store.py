"""Models by tag: BentoML's model store, and which of its models is in service.

The store keeps versions. Which one serves is a small file of our own, `current.json` under `STANCE_HOME`, that is
replaced in one step: whoever reads it sees the old model or the new one, never none.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stance.artifact import ArtifactError

# BentoML reports usage to its vendor unless told not to before its first use, which may be an import into the store.
os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")

#: Where the project keeps state of its own; ~/.stance without it.
HOME_VARIABLE = "STANCE_HOME"
#: The tag of whichever model is in service.
CURRENT = "stance:current"
_MEND = "`stance models list` shows what is in it, `stance models import FOLDER` adds a model"


class Switch(BaseModel):
    """One change of the model in service: what was done, when (ISO 8601, UTC), and from which model to which."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: Literal["promote", "rollback"]
    at: str
    replaced: str | None
    tag: str


class Pointer(BaseModel):
    """The models that were put in service, one on top of the other; the last one answers. `history`: every change."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stack: list[str] = Field(min_length=1)
    history: list[Switch]

    @property
    def current(self) -> str:
        """The tag of the model in service."""
        return self.stack[-1]


def pointer_path() -> Path:
    """The file that says which model is in service."""
    home = os.environ.get(HOME_VARIABLE)
    return (Path(home) if home else Path.home() / ".stance") / "current.json"


def read_pointer() -> Pointer | None:
    """Which model is in service; None where none was promoted yet. Raises `ArtifactError` for a damaged file."""
    path = pointer_path()
    try:
        return Pointer.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        raise ArtifactError(f"{path}: cannot be read ({error}); restore it, or remove it and promote a model") from None


def stored_model(tag: str) -> Path:
    """The folder of a model in BentoML's store: "stance:VERSION", "stance:latest" or "stance:current".

    Raises `ArtifactError` for a tag that is malformed or not in the store, and for "stance:current" where
    nothing was promoted.
    """
    import bentoml
    from bentoml.exceptions import BentoMLException

    if tag == CURRENT:
        pointer = read_pointer()
        if pointer is None:
            raise ArtifactError(f"{tag}: no model was promoted yet; run `stance models promote TAG`")
        tag = pointer.current
    try:
        model = bentoml.models.get(tag)
    except (BentoMLException, ValueError):  # their hints are for BentoML's own commands
        raise ArtifactError(f"{tag}: not in the model store; {_MEND}") from None
    # The store takes the beginning of a version for the version; a model's name must not depend on its neighbours.
    if not tag.endswith(":latest") and str(model.tag) != tag:
        raise ArtifactError(f"{tag}: not in the model store; did you mean {model.tag}?")
    return Path(model.path)
