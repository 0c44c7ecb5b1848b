"""From text alone: the actors, links and relations that the service finds, against the gold ones.

Predicted actors are aligned with gold actors by the mentions they share, one to one (`align_actors`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np

from stance.classifier import StanceClassifier
from stance.labelled import LabelledDocument
from stance.schema import AUTHOR, Document, DocumentResult, Mention, MentionResult
from training.evaluation.alignment import actors_with_aliases, align_actors, match_spans, mentions_of

Pair = tuple[str, str]
NEUTRAL = "neutral"


class Counts(NamedTuple):
    """How many were found, how many there are, and how many of the found ones are right."""

    hits: int = 0
    predicted: int = 0
    gold: int = 0

    def plus(self, other: Counts) -> Counts:
        """The sum of both."""
        return Counts(self.hits + other.hits, self.predicted + other.predicted, self.gold + other.gold)

    @property
    def f1(self) -> float:
        """F1; 1.0 where there is nothing to find and nothing was found."""
        total = self.predicted + self.gold
        return 2 * self.hits / total if total else 1.0

    def as_dict(self) -> dict[str, float | int | None]:
        """The counts with precision, recall and F1 (None where undefined)."""
        return {
            **self._asdict(),
            "precision": self.hits / self.predicted if self.predicted else None,
            "recall": self.hits / self.gold if self.gold else None,
            "f1": self.f1,
        }


@dataclass(frozen=True)
class RelationError:
    """A relation that is missed (`predicted` is None), made up (`gold` is None), or has another label."""

    document: str
    holder: str
    target: str
    gold: str | None
    predicted: str | None


@dataclass(frozen=True)
class RelationScores:
    """Relations found: F1 a document (mean), over all (`counts`), and how many have the opposite label."""

    documents: int
    mean_f1: float | None
    counts: Counts
    wrong_sign: int
    errors: list[RelationError] = field(default_factory=list)


@dataclass(frozen=True)
class LinkScores:
    """Pronouns and noun phrases of named actors: `counts.hits` are found and attached to the right actor.

    `found` are found at all, so `hits / found` is how often the link is right.
    """

    counts: Counts
    found: int

    @property
    def right(self) -> float | None:
        """The share of the found phrases that are attached to the right actor."""
        return self.counts.hits / self.found if self.found else None


@dataclass(frozen=True)
class RawText:
    """Everything that is measured from text alone; `kept` leaves out relations on which the model abstained."""

    name: str
    names: Counts
    names_strict: Counts
    links: LinkScores
    relations: RelationScores
    relations_kept: RelationScores

    def as_dict(self) -> dict[str, Any]:
        """Everything with its shares, ready for JSON."""
        relations = {
            key: {**asdict(r), "counts": r.counts.as_dict()}
            for key, r in (("relations", self.relations), ("relations_kept", self.relations_kept))
        }
        links = {**self.links.counts.as_dict(), "found": self.links.found, "right": self.links.right}
        names = {"names": self.names.as_dict(), "names_strict": self.names_strict.as_dict()}
        return {"name": self.name, **names, "links": links, **relations}


def evaluate_raw(
    classifier: StanceClassifier, documents: Sequence[LabelledDocument], name: str = "raw", with_actors: bool = False
) -> RawText:
    """Classify the bare texts and compare; documents must list all mentions (`mentions_complete`) to be of use.

    `with_actors` sends the labelled actors along, as an actors file would, with the names that the text has for
    them but without their places.
    """
    sent = [Document(id=d.id, text=d.text, actors=actors_with_aliases(d) if with_actors else None) for d in documents]
    return compare_raw(documents, classifier.classify(sent, on_error="raise"), name)


def compare_raw(documents: Sequence[LabelledDocument], results: Sequence[DocumentResult], name: str = "raw") -> RawText:
    """The figures for results of bare texts, one a document."""
    pairs = list(zip(documents, results, strict=True))
    return RawText(
        name=name,
        names=_sum([name_counts(d, r) for d, r in pairs]),
        names_strict=_sum([name_counts(d, r, strict=True) for d, r in pairs]),
        links=_links(pairs),
        relations=relation_scores(pairs, abstained=True),
        relations_kept=relation_scores(pairs, abstained=False),
    )


def _sum(counts: Sequence[Counts]) -> Counts:
    total = Counts()
    for one in counts:
        total = total.plus(one)
    return total


def name_counts(document: LabelledDocument, result: DocumentResult, strict: bool = False) -> Counts:
    """Named mentions found; spans match as `match_spans` has it."""
    gold = [(m.start, m.end) for m in document.mentions if m.kind == "name"]
    predicted = [(m.start, m.end) for m in mentions_of(result) if m.kind == "name"]
    return Counts(len(match_spans(gold, predicted, strict)), len(predicted), len(gold))


def _links(pairs: Sequence[tuple[LabelledDocument, DocumentResult]]) -> LinkScores:
    scores = [link_scores(document, result) for document, result in pairs]
    return LinkScores(_sum([s.counts for s in scores]), sum(s.found for s in scores))


def link_scores(document: LabelledDocument, result: DocumentResult) -> LinkScores:
    """Pronouns and noun phrases of those gold actors that have a name somewhere in the text."""
    aligned = align_actors(document.mentions, mentions_of(result))
    named = {m.actor for m in document.mentions if m.kind == "name"}
    gold: list[Mention] = [m for m in document.mentions if m.kind != "name" and m.actor in named]
    predicted: list[MentionResult] = [m for m in mentions_of(result) if m.kind != "name"]
    matched = match_spans([(m.start, m.end) for m in gold], [(m.start, m.end) for m in predicted])
    right = sum(aligned.get(predicted[j].actor) == gold[i].actor for i, j in matched)
    return LinkScores(Counts(right, len(predicted), len(gold)), len(matched))


def gold_relations(document: LabelledDocument) -> dict[Pair, str]:
    """The label that most of a pair's non-neutral stances bear; pairs with a tie are left out, and so is the author."""
    counts: dict[Pair, Counter[str]] = {}
    for stance in document.stances:
        if stance.label != NEUTRAL and stance.holder != AUTHOR:
            counts.setdefault((stance.holder, stance.target), Counter())[stance.label] += 1
    return {
        pair: "favor" if labels["favor"] > labels["against"] else "against"
        for pair, labels in counts.items()
        if labels["favor"] != labels["against"]
    }


def predicted_relations(document: LabelledDocument, result: DocumentResult, abstained: bool = True) -> dict[Pair, str]:
    """The result's relations that are not neutral, between gold actors where its actors align with them.

    An actor that aligns with none keeps its id behind a "?", so that its relations count as made up.
    """
    aligned = align_actors(document.mentions, mentions_of(result))

    def gold(actor: str) -> str:
        return aligned.get(actor, f"?{actor}")

    return {
        (gold(r.holder), gold(r.target)): r.label
        for r in result.relations
        if r.label != NEUTRAL and r.holder != AUTHOR and (abstained or not r.abstained)
    }


def relation_scores(pairs: Sequence[tuple[LabelledDocument, DocumentResult]], abstained: bool) -> RelationScores:
    """Relations over the documents that have labelled stances; `abstained` counts doubtful ones as well."""
    counts: list[Counts] = []
    errors: list[RelationError] = []
    for document, result in pairs:
        if not document.stances:
            continue
        gold, predicted = gold_relations(document), predicted_relations(document, result, abstained)
        hits = sum(predicted.get(pair) == label for pair, label in gold.items())
        counts.append(Counts(hits, len(predicted), len(gold)))
        errors += _errors(document.id, gold, predicted)
    return RelationScores(
        documents=len(counts),
        mean_f1=float(np.mean([c.f1 for c in counts])) if counts else None,
        counts=_sum(counts),
        wrong_sign=sum(e.gold is not None and e.predicted is not None for e in errors),
        errors=errors,
    )


def _errors(document: str, gold: Mapping[Pair, str], predicted: Mapping[Pair, str]) -> list[RelationError]:
    return [
        RelationError(document, *pair, gold.get(pair), predicted.get(pair))
        for pair in sorted({*gold, *predicted})
        if gold.get(pair) != predicted.get(pair)
    ]
