"""Finds in a result what a labelled document speaks of: its sentences, mentions and actors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from stance.labelled import LabelledDocument
from stance.schema import Actor, ActorType, Document, DocumentResult, Mention, MentionResult, SentenceResult

#: Spans with different ends match when they share at least this part of their characters.
MIN_SIMILARITY = 0.5

Span = Sequence[int]


def as_document(labelled: LabelledDocument) -> Document:
    """The text with its gold mentions, as a caller would send it."""
    return Document(id=labelled.id, text=labelled.text, actors=labelled.actors, mentions=labelled.mentions)


def overlap(one: Span, two: Span) -> int:
    """How many characters two spans share."""
    return max(0, min(one[1], two[1]) - max(one[0], two[0]))


def mentions_in(mentions: Sequence[Mention], actor: str, span: Span) -> list[Mention]:
    """The actor's mentions that start inside the span."""
    return [m for m in mentions if m.actor == actor and span[0] <= m.start < span[1]]


def find_sentence(result: DocumentResult, span: Span, actor: str) -> SentenceResult | None:
    """The result's sentence for a labelled sentence and the actor it asks about.

    The splitter may cut a labelled sentence in two: then the part that mentions the actor answers for it, of
    several such parts the one that covers most of it. None where no sentence of the result overlaps it.
    """
    touching = [s for s in result.sentences if overlap((s.start, s.end), span)]
    return max(
        touching,
        key=lambda s: (any(m.actor == actor for m in s.mentions), overlap((s.start, s.end), span), -s.index),
        default=None,
    )


def similarity(one: Span, two: Span) -> float:
    """Shared characters over all characters of two spans (intersection over union)."""
    shared = overlap(one, two)
    return shared / (one[1] - one[0] + two[1] - two[0] - shared)


def same_mention(one: Span, two: Span) -> bool:
    """Whether two spans name the same thing, give or take a title or an article before it.

    They overlap, and end together or share at least half of their characters.
    """
    return overlap(one, two) > 0 and (one[1] == two[1] or similarity(one, two) >= MIN_SIMILARITY)


def match_spans(gold: Sequence[Span], predicted: Sequence[Span], strict: bool = False) -> list[tuple[int, int]]:
    """Pairs of positions (gold, predicted) that match, each span at most once, the most alike first.

    `strict` wants the same start and end.
    """
    pairs = [
        (similarity(g, p), i, j)
        for i, g in enumerate(gold)
        for j, p in enumerate(predicted)
        if (tuple(g) == tuple(p) if strict else same_mention(g, p))
    ]
    used_gold: set[int] = set()
    used_predicted: set[int] = set()
    found = []
    for _, i, j in sorted(pairs, key=lambda row: -row[0]):
        if i not in used_gold and j not in used_predicted:
            used_gold.add(i)
            used_predicted.add(j)
            found.append((i, j))
    return found


def align_actors(gold: Sequence[Mention], predicted: Sequence[MentionResult]) -> dict[str, str]:
    """Predicted actor to gold actor, one to one, so that most matching mentions agree.

    Predicted actors that share no mention with a gold actor are left out.
    """
    pairs = match_spans([(m.start, m.end) for m in gold], [(m.start, m.end) for m in predicted])
    votes = Counter((predicted[j].actor, gold[i].actor) for i, j in pairs)
    rows, columns = sorted({p for p, _ in votes}), sorted({g for _, g in votes})
    table = np.array([[votes[p, g] for g in columns] for p in rows]).reshape(len(rows), len(columns))
    chosen = zip(*linear_sum_assignment(table, maximize=True), strict=True)
    return {rows[i]: columns[j] for i, j in chosen if table[i, j]}


def mentions_of(result: DocumentResult) -> list[MentionResult]:
    """All mentions of a result in order."""
    return [m for s in result.sentences for m in s.mentions]


def actors_with_aliases(labelled: LabelledDocument) -> list[Actor]:
    """The labelled actors as an actors file would list them: each with every name that the text has for it."""
    names: dict[str, dict[str, None]] = {}
    for mention in labelled.mentions:
        if mention.kind == "name":
            names.setdefault(mention.actor, {})[labelled.text[mention.start : mention.end]] = None
    return [
        a.model_copy(update={"aliases": [n for n in [*a.aliases, *names.get(a.id, {})] if n != a.name and n.strip()]})
        for a in labelled.actors
    ]


def stated_type(labelled: LabelledDocument, actor: Actor) -> ActorType | None:
    """The actor's type where the data tells it: data that lists all mentions states all types."""
    return actor.type if labelled.mentions_complete or "type" in actor.model_fields_set else None
