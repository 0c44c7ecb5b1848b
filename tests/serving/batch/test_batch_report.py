"""The report: one page that needs nothing else, and CSVs with the right sums."""

from __future__ import annotations

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from serving.batch.errors import InputError
from serving.batch.report import write_report
from serving.batch.report.charts import lines, shade, shares
from serving.batch.report.page import MATRIX, _most_frequent, every_month
from serving.batch.report.tables import Corpus, PairSum, read_corpus
from serving.batch.tables import Scored, TableSet
from stance.relations import relations_of
from stance.schema import (
    ActorResult,
    DocumentResult,
    ErrorInfo,
    ItemError,
    SentenceResult,
    SentimentResult,
    StanceResult,
)

HOSTILE = "<script>alert(1)</script>"


def stance(holder: str, favor: float, against: float, abstained: bool = False) -> StanceResult:
    scores: Any = {"against": against, "neutral": round(1 - favor - against, 4), "favor": favor}
    label = max(scores, key=scores.__getitem__)
    return StanceResult(
        holder=holder,
        target="b",
        label=label,
        confidence=scores[label],
        abstained=abstained,
        holder_sentence=0,
        scores=scores,
    )


def document(number: int, *stances: StanceResult) -> DocumentResult:
    scores: Any = {"negative": 0.7, "neutral": 0.2, "positive": 0.1}
    sentiment = SentimentResult(actor="b", label="negative", confidence=0.7, abstained=False, scores=scores)
    text = f"Sentence {number} {HOSTILE}"
    sentence = SentenceResult(index=0, start=0, end=len(text), text=text, sentiment=[sentiment], stances=list(stances))
    actors = [ActorResult(id=k, name=n, type="state", mentions=1) for k, n in (("a", "=Aland"), ("b", HOSTILE))]
    return DocumentResult(id=f"d{number}", model="m", actors=actors, sentences=[sentence])


STANCES = [stance("a", 0.1, 0.8), stance("a", 0.05, 0.9), stance("a", 0.6, 0.2), stance("a", 0.5, 0.1, True)]


@pytest.fixture(params=["parquet", "jsonl"])
def out(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Tables of four scored documents and a failed one, in two parts."""
    (tmp_path / "run.json").write_text("{}")
    dates = ["2024-01-05", "2024-01-20", "2024-03-01", None]
    scored = [Scored(i, "f", i, dates[i], document(i, s)) for i, s in enumerate(STANCES)]
    scored.append(Scored(4, "f", 4, None, ItemError(id="e", error=ErrorInfo(code="missing_text", message="m"))))
    for part, rows in enumerate((scored[:2], scored[2:])):
        tables = TableSet(tmp_path / "work" / str(part), request.param)
        tables.write(rows)
        tables.close()
        for name, path in tables.paths.items():
            (tmp_path / name).mkdir(exist_ok=True)
            path.rename(tmp_path / name / f"part-{part:06d}{path.suffix}")
    return tmp_path


def sheet(out: Path, name: str) -> list[dict[str, str]]:
    with (out / "report" / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_score_is_that_of_relations(out: Path) -> None:
    [pair] = read_corpus(out, 3).pairs.values()
    [relation] = relations_of(enumerate(STANCES))
    assert pair.score == pytest.approx(relation.score, abs=1e-4)
    assert (pair.favor, pair.against, pair.documents) == (1, 2, 3)


def test_csvs_hold_the_sums(out: Path) -> None:
    write_report(out)
    assert [(row["month"], row["sentences"]) for row in sheet(out, "over_time")] == [("2024-01", "2"), ("2024-03", "1")]
    [relation] = sheet(out, "relations")
    # A spreadsheet must not take a name for a formula.
    assert (relation["holder_name"], relation["favor"], relation["against"]) == ("'=Aland", "1", "2")
    assert [(row["actor"], row["negative"]) for row in sheet(out, "sentiment")] == [("b", "4")]
    assert sheet(out, "errors") == [{"code": "missing_text", "rows": "1"}]


@pytest.mark.parametrize(("summary", "of", "share"), [(True, "5", "0.2"), (False, "", "")], ids=["whole", "unfinished"])
def test_a_csv_holds_the_shares_of_abstentions_and_failures(out: Path, summary: bool, of: str, share: str) -> None:
    if summary:
        counts = {"rows": 5, "failed": 1, "sentences": 4, "stances": 4, "model": "m"}
        (out / "summary.json").write_text(json.dumps(counts))
    report = write_report(out)
    assert str(out / "report" / "shares.csv") in report.csvs
    assert [tuple(row.values()) for row in sheet(out, "shares")] == [
        ("stances", "abstained", "1", "4", "0.25"),
        ("sentiment", "abstained", "0", "4", "0.0"),
        ("results", "failed", "1", of, share),
        ("results", "missing_text", "1", of, share),
    ]
    assert ("<td>rows that failed</td><td>1</td><td>20.0%</td>" in Path(report.page).read_text()) == summary


@pytest.mark.parametrize(("count", "expected"), [(1, ["0.9"]), (3, ["0.9", "0.8", "0.6"]), (9, ["0.9", "0.8", "0.6"])])
def test_the_surest_sentences_are_the_evidence(out: Path, count: int, expected: list[str]) -> None:
    write_report(out, count)
    assert [row["confidence"] for row in sheet(out, "evidence")] == expected


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.links: list[str] = []
        self.depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.links += [value or "" for key, value in attrs if key in ("src", "href")]


def test_the_page_is_whole_and_runs_nothing(out: Path) -> None:
    page = Path(write_report(out).page).read_text()
    tags = _Tags()
    tags.feed(page)
    assert {"table", "svg", "polyline", "blockquote"} <= tags.seen
    assert "script" not in tags.seen
    assert tags.links == []
    assert not re.search(r"url\(|@import|https?://", page)
    assert "25.0%" in page
    assert "not finished" in page


def test_an_empty_corpus_has_a_page_too(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    assert "No sentence carries a stance" in Path(write_report(tmp_path).page).read_text()


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no results here"):
        write_report(tmp_path)


def test_the_matrix_has_no_empty_row_or_column() -> None:
    # "a" speaks of the 20 most; "z" only of "y", of whom nobody else speaks.
    said = {("a", f"t{i}"): 50 - i for i in range(20)} | {("z", "y"): 1}
    pairs = {key: PairSum(*key, weight=1.0, weighted=0.5, favor=count) for key, count in said.items()}
    holders, targets = _most_frequent(Corpus(pairs=pairs))
    assert holders == ["a"]
    assert targets == [f"t{i}" for i in range(MATRIX)]


@pytest.mark.parametrize(
    ("months", "expected"),
    [({"2024-03"}, ["2024-03"]), ({"2023-11", "2024-02"}, ["2023-11", "2023-12", "2024-01", "2024-02"])],
)
def test_a_plot_shows_the_months_without_a_word(months: set[str], expected: list[str]) -> None:
    assert every_month(months) == expected


@pytest.mark.parametrize(
    ("score", "colour"), [(0.0, "#ffffff"), (1.0, "#0072b2"), (-1.0, "#d55e00"), (-7.0, "#d55e00")]
)
def test_shades_go_from_orange_to_blue(score: float, colour: str) -> None:
    assert shade(score) == colour


def test_plots_escape_names() -> None:
    assert HOSTILE not in lines({HOSTILE: {"2024-01": 0.5}}, ["2024-01"], "plot")
    assert HOSTILE not in shares({HOSTILE: {"a": 1}}, {"a": "#000"}, HOSTILE)
