"""Writes an evaluation down: `report.html` in one file, `report.md` with its figures, and everything as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader

from training.data.files import replacing
from training.evaluation.results import Results
from training.evaluation.sections import Section, Table, report_sections

_PAGES = Environment(loader=PackageLoader("training.evaluation", "templates"), autoescape=True, trim_blocks=True)


def write_report(folder: Path, results: Results) -> Path:
    """Write the report into `folder` (made where missing) and return the HTML file.

    `metrics.json` has all figures, `predictions.jsonl` every item with its answer, `figures/` the plots. Each file is
    the old one or the new one, and `metrics.json`, which decides on promotion, comes last. Raises `OSError`.
    """
    sections = list(report_sections(results))
    for plot in (p for s in sections for p in s.plots):
        _put(folder / "figures" / f"{plot.name}.png", plot.image)
    page = folder / "report.html"
    _put(page, _PAGES.get_template("report.html").render(model=results.model, sections=sections).encode())
    _put(folder / "report.md", markdown(results.model, sections).encode())
    with replacing(folder / "predictions.jsonl") as temporary, temporary.open("w", encoding="utf-8") as file:
        for row in _predictions(results):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    _put(folder / "metrics.json", (json.dumps(results.metrics(), indent=1, ensure_ascii=False) + "\n").encode())
    return page


def _put(path: Path, content: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def markdown(model: str, sections: Sequence[Section]) -> str:
    """The report as Markdown; its figures are in `figures/`."""
    parts = [f"# Evaluation of {model}"]
    for section in sections:
        parts += [f"## {section.title}", section.note]
        parts.append(" ".join(f"![{p.title}](figures/{p.name}.png)" for p in section.plots))
        parts += [_table(table) for table in section.tables]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(table: Table) -> str:
    rows = [table.header, ["---"] * len(table.header), *([_cell(c) for c in row] for row in table.rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(text: str) -> str:
    """A cell's text on one line, with no mark that would end the cell or be read as HTML."""
    return re.sub(r"\s+", " ", text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def _predictions(results: Results) -> Iterator[dict[str, Any]]:
    for evaluation in results.evaluations:
        for item in evaluation.items:
            yield {"task": evaluation.name, **item.__dict__}
