"""Which kinds of sentences are hard: the slices of the report, and the errors that are most worth reading."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from training.evaluation.metrics import Item

#: Verbs and nouns by which a sentence reports what somebody says.
ATTRIBUTION = re.compile(
    r"\b(?:said|says?|saying|told|tells?|stat(?:ed|es|ement)|add(?:ed|s)|claim(?:ed|s|ing)?|accus(?:ed|es|ing|ation)"
    r"|according to|argu(?:ed|es|ing)|warn(?:ed|s|ing)?|den(?:ied|ies|ying)|insist(?:ed|s)|announc(?:ed|es)"
    r"|call(?:ed|s|ing) (?:on|for)|wrote|tweeted|reports?|reported|condemn(?:ed|s|ing)|prais(?:ed|es|ing))\b",
    re.IGNORECASE,
)
NEGATION = re.compile(
    r"\b(?:not|no|never|neither|nor|none|nobody|nothing|without|cannot|refus(?:ed|es|ing))\b|n[’']t\b", re.I
)
#: Upper limits of the classes of sentence length, in words.
LENGTHS = (15, 30, 50)

Slice = Callable[[Item], str | None]


def attribution(item: Item) -> str:
    """Whether the sentence reports somebody's words."""
    return "reported speech" if ATTRIBUTION.search(item.text) else "no reported speech"


def negation(item: Item) -> str:
    """Whether the sentence negates anything."""
    return "negation" if NEGATION.search(item.text) else "no negation"


def actor_count(item: Item) -> str:
    """How many labelled actors the sentence mentions."""
    return "4 or more actors" if item.actors >= 4 else f"{item.actors} actor{'s' if item.actors != 1 else ''}"


def length(item: Item) -> str:
    """How long the sentence is."""
    words = len(item.text.split())
    low = 1
    for limit in LENGTHS:
        if words <= limit:
            return f"{low}–{limit} words"
        low = limit + 1
    return f"over {LENGTHS[-1]} words"


def actor_type(item: Item) -> str | None:
    """The target's type, where the data knows it."""
    return item.actor_type


def holder_place(item: Item) -> str | None:
    """Whether the sentence names the holder (stances only)."""
    if item.holder is None:
        return None
    if item.earlier:
        return "holder in an earlier sentence"
    return "holder by pronoun or phrase" if item.unnamed else "holder named in the sentence"


SLICES: dict[str, Slice] = {
    "Reported speech": attribution,
    "Negation": negation,
    "Actors in the sentence": actor_count,
    "Sentence length": length,
    "Type of the target": actor_type,
    "Place of the holder": holder_place,
}


def worst_errors(items: Sequence[Item], count: int) -> list[Item]:
    """The wrong answers that the model was surest of, at most one a sentence."""
    found: dict[tuple[str, tuple[int, int]], Item] = {}
    for item in sorted((i for i in items if i.answered and i.gold != i.label), key=lambda i: -i.confidence):
        found.setdefault((item.document, item.sentence), item)
    return list(found.values())[:count]
