"""Sums over the tables of a run, batch by batch: memory grows with the pairs of actors, not with the rows.

For a pair of holder and target over the stances that are `against` or `favor` and not abstained:

    score = sum(c * (p(favor) - p(against))) / sum(c)        in [-1, 1], c the confidence of the label

which is the score of `stance.relations`, added up over all documents.
"""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

#: Rows read at once.
ROWS = 8_192


class Evidence(NamedTuple):
    """A sentence that carries a relation; the surest come first."""

    confidence: float
    id: str
    date: str
    label: str
    text: str


@dataclass(slots=True)
class PairSum:
    """What a holder takes toward a target in all documents."""

    holder: str
    target: str
    weight: float = 0.0
    weighted: float = 0.0
    favor: int = 0
    against: int = 0
    documents: int = 0
    last: int = -1
    evidence: list[Evidence] = field(default_factory=list)

    @property
    def sentences(self) -> int:
        """How many sentences carry the relation."""
        return self.favor + self.against

    @property
    def score(self) -> float:
        """From -1 (against) to 1 (for)."""
        return self.weighted / self.weight if self.weight else 0.0


@dataclass(slots=True)
class ActorSum:
    """How sentences portray an actor."""

    name: str
    labels: Counter[str] = field(default_factory=Counter)


@dataclass
class Corpus:
    """Everything that the report shows. Months are YYYY-MM; `months` is by pair."""

    pairs: dict[tuple[str, str], PairSum] = field(default_factory=dict)
    months: dict[tuple[str, str], dict[str, list[float]]] = field(default_factory=dict)
    actors: dict[str, ActorSum] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    abstained: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Share:
    """How many rows of a table are so; `of` is all its rows, None where that is not known yet."""

    table: str
    what: str
    count: int
    of: int | None

    @property
    def share(self) -> float | None:
        """From 0 to 1, None of nothing."""
        return self.count / self.of if self.of else None


def shares_of(corpus: Corpus, summary: Mapping[str, Any] | None) -> list[Share]:
    """How often the model abstained, and how many rows failed: all of them, then by code."""
    rows = summary["rows"] if summary else None
    answers = ("stances", "sentiment")
    found = [Share(name, "abstained", corpus.abstained[name], corpus.answers[name]) for name in answers]
    found.append(Share("results", "failed", corpus.errors.total(), rows))
    return found + [Share("results", code, count, rows) for code, count in sorted(corpus.errors.items())]


def read_corpus(out: Path, evidence: int) -> Corpus:
    """Sums over the tables in `out`, with the `evidence` surest sentences of each pair."""
    corpus = Corpus()
    for row in _rows(out, "stances"):
        corpus.answers["stances"] += 1
        if row["abstained"]:
            corpus.abstained["stances"] += 1
        elif row["label"] != "neutral":
            _add_stance(corpus, row, evidence)
    for row in _rows(out, "sentiment", ["actor", "actor_name", "label", "abstained"]):
        corpus.answers["sentiment"] += 1
        if row["abstained"]:
            corpus.abstained["sentiment"] += 1
        else:
            corpus.actors.setdefault(row["actor"], ActorSum(row["actor_name"])).labels[row["label"]] += 1
    for row in _rows(out, "errors", ["code"]):
        corpus.errors[row["code"]] += 1
    return corpus


def _add_stance(corpus: Corpus, row: dict[str, Any], evidence: int) -> None:
    key = (row["holder"], row["target"])
    pair = corpus.pairs.get(key)
    if pair is None:
        pair = corpus.pairs[key] = PairSum(row["holder_name"], row["target_name"])
    weighted = row["confidence"] * (row["favor"] - row["against"])
    pair.weight += row["confidence"]
    pair.weighted += weighted
    if row["label"] == "favor":
        pair.favor += 1
    else:
        pair.against += 1
    # Rows of a document stand together, so one number tells whether it was counted.
    pair.documents += row["position"] != pair.last
    pair.last = row["position"]
    date = "" if row["date"] is None else str(row["date"])
    if date:
        month = corpus.months.setdefault(key, {}).setdefault(date[:7], [0.0, 0.0, 0.0])
        for at, value in enumerate((row["confidence"], weighted, 1.0)):
            month[at] += value
    found = Evidence(row["confidence"], row["id"], date, row["label"], row["text"])
    if len(pair.evidence) < evidence:
        heapq.heappush(pair.evidence, found)
    elif pair.evidence and found > pair.evidence[0]:
        heapq.heapreplace(pair.evidence, found)


def _rows(out: Path, table: str, columns: list[str] | None = None) -> Iterator[dict[str, Any]]:
    """A table's rows in the order of the input; JSONL gives all columns."""
    for part in sorted((out / table).glob("part-*")):
        if part.suffix == ".parquet":
            with pq.ParquetFile(part) as file:
                for batch in file.iter_batches(ROWS, columns=columns):
                    yield from batch.to_pylist()
        else:
            with part.open(encoding="utf-8") as lines:
                yield from map(json.loads, lines)


def read_summary(out: Path) -> dict[str, Any] | None:
    """The summary of the run in `out`, None while it is not finished."""
    path = out / "summary.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
