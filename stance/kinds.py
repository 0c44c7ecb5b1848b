"""What kind of actor a pronoun or noun phrase can mean: "he" is a person, "the country" a state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from stance.actors.catalogue import load_catalogue
from stance.actors.lexicon import load_lexicon
from stance.actors.naming import is_body
from stance.actors.tokens import keys, words_of
from stance.prepare import Prepared
from stance.schema import ACTOR_TYPES, Actor, ActorType

Floats = NDArray[np.float32]

#: Types that the words of a name ("Ministry", "Brigade") tell better than the name head does: on dev 19
#: guesses of the head were wrong where the words were right, 2 the other way round.
TOLD_BY_NAME = frozenset({"government", "armed_group"})

_PERSON_LIST = "i me my mine myself he him his himself she her hers herself man woman leader head chief boss"
_PERSON: frozenset[str] = frozenset(_PERSON_LIST.split())
_THING: frozenset[str] = frozenset({"it", "its", "itself"})
_STATE: frozenset[str] = frozenset({"country", "state", "republic", "kingdom", "sultanate", "emirate", "neighbour"})
# Titles that bodies bear as well, and nouns of bodies that states are called by.
_BODIES: frozenset[str] = frozenset({"judge", "prosecutor", "justice", "author", "representative", "officer", "chair"})
_GOVERNING: frozenset[str] = frozenset({"government", "regime", "nation", "nations", "city", "authority", "caliphate"})
# Neither a person nor a state.
_BODY: Floats = np.array([kind not in ("person", "state") for kind in ACTOR_TYPES], dtype=np.float32)
#: Where a noun phrase goes on behind its noun: "the head of the commission".
_JOINTS = frozenset("of in from on at for with to by against".split())  # noqa: SIM905


def fitness(phrase: str, kinds: Floats) -> float:
    """The probability that an actor of the types `kinds` [types] (in the order of `ACTOR_TYPES`) can be called so."""
    allowed = _allowed(_noun(phrase))
    return 1.0 if allowed is None else float(kinds @ allowed)


def actor_kinds(prepared: Prepared, named: Iterable[str], told: Iterable[tuple[str, Floats]]) -> dict[str, Floats]:
    """The probabilities of the types [types] of some actors, `named` by their ids, of whom something is known.

    A type that the catalogue, the caller or the words of the name tell is certain; of other names `told` has what the
    name head says of them.
    """
    kinds = {}
    for key in set(named).intersection(prepared.actors):
        actor = prepared.actors[key]
        known = key in prepared.known | prepared.titled or actor.type in TOLD_BY_NAME
        if known if prepared.undecided else "type" in actor.model_fields_set:
            kinds[key] = one_kind(actor.type)
    rows: dict[str, list[Floats]] = {}
    for key, probabilities in told:
        if key in prepared.actors:  # the names of a dateline are nobody's
            rows.setdefault(key, []).append(probabilities)
    for key, seen in rows.items():
        total = np.sum(seen, axis=0)
        kinds.setdefault(key, plausible(prepared.actors[key].name, total / total.sum()))
    return kinds


def plausible(name: str, kinds: Floats) -> Floats:
    """Probabilities of the types [types] without those that the words of a name rule out: a school is no state."""
    if not is_body(name):
        return kinds
    left = kinds * _BODY
    return left / total if (total := left.sum()) > 0 else kinds


def may_be_person(name: str) -> bool:
    """Whether a name of which nothing else is known can be a person's in full: two words or more, and no body's."""
    return len(keys(name)) > 1 and not is_body(name) and load_catalogue().lookup(name) is None


def own_states(actors: Mapping[str, Actor]) -> dict[str, frozenset[str]]:
    """For each body of a state whose name tells the state's, the ids of that state: "US Africa Command" of the US."""
    catalogue = load_catalogue()
    states = {entry.id: key for key, a in actors.items() if (entry := catalogue.lookup(a.name))}
    found = {}
    for key, actor in actors.items():
        if actor.type in TOLD_BY_NAME:
            forms = (form for _, _, form in catalogue.scan(words_of(actor.name)) if form.kind != "seat")
            found[key] = frozenset(
                states[f.entry.id] for f in forms if f.entry.type == "state" and f.entry.id in states
            )
    return {key: own for key, own in found.items() if own}


def one_kind(kind: ActorType) -> Floats:
    """Certainty of one type, [types]."""
    return np.array([each == kind for each in ACTOR_TYPES], dtype=np.float32)


def _noun(phrase: str) -> str:
    """The folded word that says what the phrase means: "head" of "the former head of the commission"."""
    words = keys(phrase)
    end = next((i for i, word in enumerate(words) if i and word in _JOINTS), len(words))
    return words[end - 1] if words else ""


@cache
def _allowed(noun: str) -> Floats | None:
    """1 for each type that the noun fits, [types]; None where it fits all."""
    lexicon = load_lexicon()
    if noun in _STATE:
        return one_kind("state")
    if noun in _THING:
        return 1 - one_kind("person")
    if noun in lexicon.organization_heads - _GOVERNING:
        return 1 - one_kind("person") - one_kind("state")
    if noun in _PERSON or noun in lexicon.titles - _BODIES:
        return one_kind("person")
    return None
