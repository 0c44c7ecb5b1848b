"""Writes the report beside the tables it is made of."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from serving.batch.errors import InputError
from serving.batch.files import disk_errors
from serving.batch.report.page import render
from serving.batch.report.tables import Corpus, PairSum, Share, read_corpus, read_summary, shares_of
from stance.schema import Strict

PAGE = "report.html"
FOLDER = "report"
#: A spreadsheet would run a cell that begins with one of these.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Report(Strict):
    """The files of a report: the page, and CSVs for a spreadsheet."""

    page: str
    csvs: list[str]


def write_report(out: Path, evidence: int = 3) -> Report:
    """Write `report.html` and `report/*.csv` into `out`, which `score` wrote; `evidence` sentences a pair.

    An unfinished run gives a report of what is there, which says so. Raises `InputError` where no run is,
    `OutputError` when the files cannot be written.
    """
    if not (out / "run.json").is_file():
        raise InputError(f"{out}: no results here; give the --out of a `stance score`")
    corpus = read_corpus(out, evidence)
    ranked = sorted(corpus.pairs.values(), key=lambda p: (-p.sentences, -abs(p.score), p.holder, p.target))
    summary = read_summary(out)
    page = render(corpus, ranked, summary)
    with disk_errors(out):
        (out / FOLDER).mkdir(exist_ok=True)
        (out / PAGE).write_text(page, encoding="utf-8")
        sheets = {**_sheets(corpus, ranked), "shares": _shares(shares_of(corpus, summary))}
        written = [_write(out / FOLDER / f"{name}.csv", rows) for name, rows in sheets.items()]
    return Report(page=str(out / PAGE), csvs=written)


def _sheets(corpus: Corpus, ranked: Sequence[PairSum]) -> dict[str, list[Sequence[Any]]]:
    """Each CSV with its header and rows."""
    keys = {id(pair): key for key, pair in corpus.pairs.items()}
    relations: list[Sequence[Any]] = [
        ("holder", "holder_name", "target", "target_name", "score", "favor", "against", "documents")
    ]
    for p in ranked:
        holder, target = keys[id(p)]
        relations.append((holder, p.holder, target, p.target, round(p.score, 4), p.favor, p.against, p.documents))
    months: list[Sequence[Any]] = [("holder", "target", "month", "score", "sentences")]
    for (holder, target), by_month in sorted(corpus.months.items()):
        for month, (weight, weighted, count) in sorted(by_month.items()):
            months.append((holder, target, month, round(weighted / weight, 4), int(count)))
    sentiment: list[Sequence[Any]] = [("actor", "actor_name", "negative", "neutral", "positive")]
    for key, actor in sorted(corpus.actors.items(), key=lambda item: (-item[1].labels.total(), item[0])):
        sentiment.append((key, actor.name, *(actor.labels[label] for label in ("negative", "neutral", "positive"))))
    evidence: list[Sequence[Any]] = [("holder", "target", "label", "confidence", "id", "date", "text")]
    for p in ranked:
        surest = sorted(p.evidence, reverse=True)
        evidence += [(*keys[id(p)], e.label, e.confidence, e.id, e.date, e.text) for e in surest]
    errors: list[Sequence[Any]] = [("code", "rows"), *sorted(corpus.errors.items())]
    return {
        "relations": relations,
        "over_time": months,
        "sentiment": sentiment,
        "evidence": evidence,
        "errors": errors,
    }


def _shares(found: Iterable[Share]) -> list[Sequence[Any]]:
    """Abstentions and failures; a share that is not known is an empty cell."""
    rows = [(s.table, s.what, s.count, s.of, None if s.share is None else round(s.share, 6)) for s in found]
    return [("table", "what", "count", "of", "share"), *rows]


def _write(path: Path, rows: Iterable[Sequence[Any]]) -> str:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([_plain(cell) for cell in row] for row in rows)
    return str(path)


def _plain(cell: Any) -> Any:
    """A text that a spreadsheet would run as a formula, quoted."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
