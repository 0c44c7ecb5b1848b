"""Writes signals of drift down as one HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader

from training.data.files import replacing
from training.drift.signals import Signal

_PAGES = Environment(loader=PackageLoader("training.drift", "templates"), autoescape=True, trim_blocks=True)


def write_report(path: Path, model: str, signals: Sequence[Signal], documents: tuple[int, int]) -> None:
    """Write the page; `documents` counts those of the reference and of the window. Raises `OSError`."""
    page = _PAGES.get_template("drift.html").render(model=model, signals=signals, documents=documents)
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
