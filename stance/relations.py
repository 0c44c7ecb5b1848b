"""From sentences to relations: the stances of one holder toward one target, added up.

For the sentences of a pair that carry a stance (label `against` or `favor`), with probabilities
`p(favor)` and `p(against)` and the confidence `c` of the label:

    score      = sum(c * (p(favor) - p(against))) / sum(c)             in [-1, 1]
    label      = favor if score >= MIXED, against if score <= -MIXED, else neutral (mixed evidence)
    confidence = (1 - prod(1 - p(label))) * prod(1 - p(opposite))      at least one sentence says so, none the reverse

For a neutral (mixed) relation the confidence is `1 - |score|`. Sentences on which the model abstained count only where
a pair has no others; the relation then is marked `abstained` itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod

from stance.schema import Relation, StanceLabel, StanceResult

#: Scores nearer to 0 than this are mixed evidence.
MIXED = 0.2
_OPPOSITE = {"favor": "against", "against": "favor"}


def relations_of(stances: Iterable[tuple[int, StanceResult]]) -> list[Relation]:
    """Relations of (sentence index, stance) rows, strongest evidence first.

    Works for a document or for a corpus: there the index counts all sentences.
    """
    pairs: dict[tuple[str, str], list[tuple[int, StanceResult]]] = {}
    for index, stance in stances:
        if stance.label != "neutral":
            pairs.setdefault((stance.holder, stance.target), []).append((index, stance))
    found = [_relation(holder, target, rows) for (holder, target), rows in pairs.items()]
    return sorted(found, key=lambda r: (r.abstained, -len(r.sentences), -abs(r.score), r.holder, r.target))


def _relation(holder: str, target: str, rows: Sequence[tuple[int, StanceResult]]) -> Relation:
    sure = [row for row in rows if not row[1].abstained]
    used = sure or rows
    stances = [stance for _, stance in used]
    weight = sum(s.confidence for s in stances)
    score = sum(s.confidence * (s.scores["favor"] - s.scores["against"]) for s in stances) / weight
    label: StanceLabel = "favor" if score >= MIXED else "against" if score <= -MIXED else "neutral"
    return Relation(
        holder=holder,
        target=target,
        label=label,
        score=round(score, 4),
        confidence=round(_confidence(label, score, stances), 4),
        abstained=not sure,
        sentences=sorted({index for index, _ in used}),
    )


def _confidence(label: str, score: float, stances: Sequence[StanceResult]) -> float:
    if label == "neutral":
        return 1.0 - abs(score)
    said = 1.0 - prod((1.0 - s.scores[label] for s in stances), start=1.0)  # type: ignore[index]
    return said * prod((1.0 - s.scores[_OPPOSITE[label]] for s in stances), start=1.0)  # type: ignore[index]
