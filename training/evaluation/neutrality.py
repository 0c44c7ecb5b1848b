"""Does the model read the sentence or the name? Labels and scores when actors get other names.

Two ways to ask, since they fail differently: `mentions` gives the places of the names, as a caller does who has
them; `actors` gives the names alone, as an actors file does, and the service must find them in the text.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from stance.classifier import StanceClassifier
from stance.labelled import LabelledDocument
from stance.schema import AUTHOR, ActorType, Document
from training.evaluation.alignment import actors_with_aliases, as_document
from training.evaluation.metrics import Item
from training.evaluation.swap import Name, kinds_of, load_names, mentioned, random_names, rename, swappable
from training.evaluation.tasks import sentiment_items, stance_items

Mode = Literal["mentions", "actors"]
MODES: tuple[Mode, ...] = ("mentions", "actors")
HEADS = ("sentiment", "stance")
#: The label of each head that speaks ill of its target.
ILL = {"sentiment": "negative", "stance": "against"}


@dataclass(frozen=True)
class Shift:
    """What a swap of names did to `items` answers of one head and kind of actor.

    `unchanged`: share with the same label afterwards; an answer that is no longer given has changed. `shift` and
    `absolute_shift`: mean (absolute) change of the score, favourable minus unfavourable probability.
    """

    items: int
    unchanged: float
    shift: float
    absolute_shift: float


@dataclass(frozen=True)
class SwapResult:
    """The effect of one swap of all names, by head, and by head and kind of the target."""

    mode: Mode
    heads: dict[str, Shift]
    kinds: dict[str, dict[str, Shift]]

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class NameGap:
    """How often each of some names is spoken ill of in the same `items` questions of one head.

    `gap` is the largest difference between two names, in percentage points; `pairs` has the difference within
    each pair of opposite reputation, the first name's minus the second's.
    """

    mode: Mode
    head: str
    kind: ActorType
    items: int
    shares: dict[str, float]
    gap: float
    pairs: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return asdict(self)


def swap_benchmark(
    classifier: StanceClassifier, documents: Sequence[LabelledDocument], mode: Mode = "mentions", seed: int = 0
) -> SwapResult:
    """Give every named actor another name of its kind, and compare the answers before and after."""
    rng = random.Random(seed)
    chosen = [(d, names) for d in documents if (names := random_names(d, rng))]
    before = [d for d, _ in chosen]
    after = [rename(d, names) for d, names in chosen]
    rows = list(zip(_ask(classifier, before, mode), _ask(classifier, after, mode), strict=True))
    kinds = {(d.id, actor): kind for d in before for actor, kind in kinds_of(d).items()}
    pairs = {
        head: [(a, b) for one, two in rows for a, b in zip(one[head], two[head], strict=True) if a.answered]
        for head in HEADS
    }
    return SwapResult(
        mode=mode,
        heads={head: _shift(found) for head, found in pairs.items() if found},
        kinds={head: _by_kind(found, lambda i: kinds[i.document, i.target]) for head, found in pairs.items() if found},
    )


def _ask(
    classifier: StanceClassifier, documents: Sequence[LabelledDocument], mode: Mode
) -> list[dict[str, list[Item]]]:
    """For each document the items of both heads; the author's stances are left out."""
    sent = [as_document(d) if mode == "mentions" else _listed(d) for d in documents]
    results = classifier.classify(sent, include_neutral=True, on_error="raise")
    return [
        {
            "sentiment": list(sentiment_items(d, r)),
            "stance": [i for i in stance_items(d, r) if i.holder != AUTHOR],
        }
        for d, r in zip(documents, results, strict=True)
    ]


def _listed(document: LabelledDocument) -> Document:
    return Document(id=document.id, text=document.text, actors=actors_with_aliases(document))


def _by_kind(pairs: Sequence[tuple[Item, Item]], kind: Callable[[Item], str]) -> dict[str, Shift]:
    groups: dict[str, list[tuple[Item, Item]]] = {}
    for pair in pairs:
        groups.setdefault(kind(pair[0]), []).append(pair)
    return {name: _shift(group) for name, group in sorted(groups.items())}


def _shift(pairs: Sequence[tuple[Item, Item]]) -> Shift:
    moves = np.array([score_of(b) - score_of(a) for a, b in pairs])
    same = [b.answered and a.label == b.label for a, b in pairs]
    return Shift(len(pairs), float(np.mean(same)), float(moves.mean()), float(np.abs(moves).mean()))


def score_of(item: Item) -> float:
    """Favourable minus unfavourable probability, in [-1, 1]."""
    return item.probabilities[-1] - item.probabilities[0]


def name_gaps(
    classifier: StanceClassifier, documents: Sequence[LabelledDocument], mode: Mode = "mentions"
) -> list[NameGap]:
    """Put the names of `names.json`'s pairs, one after another, into the same sentences in an actor's place.

    One figure a head and kind of actor, over the questions about the renamed actor (as the target).
    """
    found = []
    candidates = [(d, a.id, kinds_of(d)[a.id]) for d in documents for a in swappable(d)]
    for kind, pairs in load_names().pairs.items():
        names = [name for pair in pairs for name in pair]
        places = [(d, actor) for d, actor, k in candidates if k == kind and _fits(d, actor, names)]
        if places:
            answers = {n: _answers(classifier, places, n, mode) for n in names}
            found += [_gap(mode, head, kind, answers, pairs) for head in HEADS if answers[names[0]][head]]
    return found


def _fits(document: LabelledDocument, actor: str, names: Sequence[Name]) -> bool:
    """Whether something is asked about the actor, and none of the names stands in the text already."""
    asked = {s.actor for s in document.sentiment} | {s.target for s in document.stances}
    return actor in asked and not any(mentioned(document.text, name) for name in names)


def _answers(
    classifier: StanceClassifier, places: Sequence[tuple[LabelledDocument, str]], name: Name, mode: Mode
) -> dict[str, list[Item]]:
    """The items about each place's actor once it bears the name."""
    renamed = [rename(document, {actor: name}) for document, actor in places]
    rows = _ask(classifier, renamed, mode)
    return {
        head: [i for (_, actor), row in zip(places, rows, strict=True) for i in row[head] if i.target == actor]
        for head in HEADS
    }


def _gap(
    mode: Mode,
    head: str,
    kind: ActorType,
    answers: dict[Name, dict[str, list[Item]]],
    pairs: Sequence[tuple[Name, Name]],
) -> NameGap:
    shares = {n.full: float(np.mean([i.label == ILL[head] for i in rows[head]])) for n, rows in answers.items()}
    return NameGap(
        mode=mode,
        head=head,
        kind=kind,
        items=len(next(iter(answers.values()))[head]),
        shares=shares,
        gap=100 * (max(shares.values()) - min(shares.values())),
        pairs={f"{a.full} – {b.full}": 100 * (shares[a.full] - shares[b.full]) for a, b in pairs},
    )
