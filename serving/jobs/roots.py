"""Files that a job may name: those under the configured folders, whatever a name or a link pretends."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from serving.batch.errors import InputError
from serving.batch.sources import Source, find_sources
from stance.faults import printable

#: A job reads its input once; what becomes of the files afterwards is no matter.
READ_ONCE = "read once"


def named_sources(named: str, roots: Sequence[str], out: Path) -> tuple[list[Source], list[str]]:
    """The files that a path, absolute or relative to one of `roots`, names, and the names of those passed over.

    Raises `InputError`, with the same words whether a file outside of the roots exists or not.
    """
    if not roots:
        raise InputError("path: this service reads no files of its own (jobs.roots is empty); send the file instead")
    refusal = InputError(f"path: {named!r} names nothing under the folders that jobs may read")
    if not _plain(named):
        raise refusal
    for root in roots:
        base, home = Path(root).absolute(), Path(root).resolve()
        target = base / named
        inside = target.is_relative_to(base) or target.is_relative_to(home)
        if not inside or not _fixed_part(target).resolve().is_relative_to(home):
            continue
        try:
            sources, ignored = _found(target, home, out)
        except InputError as error:
            refusal = InputError(f"path: {str(error).replace(f'{base}/', '')}")
            continue
        if sources and all(Path(s.path).is_relative_to(home) and os.path.isfile(s.path) for s in sources):
            return [_of_job(source, home) for source in sources], [_under(name, home) for name in ignored]
    raise refusal


def _found(target: Path, home: Path, out: Path) -> tuple[list[Source], list[str]]:
    """What `find_sources` finds, of a pattern only what lies under `home`; nothing is no error for a pattern.

    A pattern can go through a link that leads outside, and what it would find there must not show in any word.
    """
    pattern = _fixed_part(target) != target
    try:
        sources, ignored = find_sources((str(target),), out)
    except InputError:
        if not pattern:
            raise
        return [], []
    if not pattern:
        return sources, ignored
    inside = [source for source in sources if Path(source.path).is_relative_to(home)]
    return inside, [name for name in ignored if Path(name).resolve().is_relative_to(home)]


def _plain(named: str) -> bool:
    """Whether a path has nothing that could lead elsewhere by its letters alone."""
    return bool(named.strip()) and "://" not in named and "\0" not in named and ".." not in PurePath(named).parts


def _fixed_part(target: Path) -> Path:
    """The folders of a glob before the first one that is a pattern; a path without patterns as it is."""
    parts = target.parts
    magic = next((at for at, part in enumerate(parts) if glob.has_magic(part)), len(parts))
    return Path(*parts[:magic])


def _of_job(source: Source, root: Path) -> Source:
    return replace(source, label=printable(_under(source.path, root)), stamp=READ_ONCE)


def _under(path: str, root: Path) -> str:
    return str(PurePath(path).relative_to(root)) if PurePath(path).is_relative_to(root) else PurePath(path).name
