"""What the heads say of encoded windows: vectors of bags in, calibrated probabilities out.

All windows of a group are asked at once: the heads read single vectors, so a graph need not be called for each
encoder batch, and a vector that several questions read is averaged once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stance.actors import brings_somebody_new, introduced
from stance.artifact import Manifest
from stance.encoding import Window
from stance.finding import PRONOUNS, Found, LinkQuery, find_phrases, link_queries, resolve_links
from stance.kinds import actor_kinds, fitness, may_be_person, one_kind
from stance.prepare import Prepared
from stance.queries import ActorQueries, Bag, mention_bag
from stance.runtime import Runtime
from stance.schema import Mention

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

#: A product with one row takes another path in OpenVINO, which rounds differently; with two or more, a row's
#: value does not depend on how many stand beside it.
LEAST_ROWS = 2


@dataclass(slots=True)
class Reading:
    """One window as the encoder read it: hidden vectors [L, H] and tag logits [L, 3] of its tokens.

    `owner` is the number of its document.
    """

    owner: int
    window: Window
    hidden: Floats
    tags: Floats
    _vectors: dict[Bag, Floats] = field(default_factory=dict)

    def vector(self, bag: Bag) -> Floats:
        """The mean hidden vector [H] of a bag, whose tokens are in ascending order."""
        mean = self._vectors.get(bag)
        if mean is None:
            first, last = bag[0], bag[-1] + 1
            rows = self.hidden[first:last] if last - first == len(bag) else self.hidden[list(bag)]
            mean = self._vectors[bag] = np.add.reduce(rows, axis=0) / np.float32(len(bag))
        return mean


class Linked(NamedTuple):
    """A window with its linked phrases; probabilities of names [classes] and of phrases by mention number."""

    found: Found
    names: dict[int, Floats]
    phrases: dict[int, float]


class _Bags:
    """The bags that a group's questions read, each once, as rows of one table."""

    def __init__(self) -> None:
        self._places: dict[tuple[int, Bag], int] = {}
        self._vectors: list[Floats] = []

    def of(self, number: int, reading: Reading) -> Callable[[Bag], int]:
        """Gives the row of each bag of the reading with this number in the group."""

        def place(bag: Bag) -> int:
            key = (number, bag)
            if key not in self._places:
                self._places[key] = len(self._vectors)
                self._vectors.append(reading.vector(bag))
            return self._places[key]

        return place

    def table(self) -> Floats:
        """All rows [M, H]."""
        missing = max(0, LEAST_ROWS - len(self._vectors))
        return np.stack([*self._vectors, *[self._vectors[0]] * missing])


class Heads:
    """The heads of a model, with their temperatures and thresholds."""

    def __init__(self, runtime: Runtime, manifest: Manifest, name_ids: Callable[[str], Sequence[int]]) -> None:
        """`name_ids` gives the token ids of a name's letters."""
        self._runtime = runtime
        self._heads = manifest.heads
        self._name_ids = name_ids

    def find(self, readings: Sequence[Reading], prepared: Sequence[Prepared]) -> list[Linked]:
        """The windows' mentions, with the phrases that the mention heads add where they are asked at all."""
        found = [_given(r, p) if p.fixed else _searched(r, p) for r, p in zip(readings, prepared, strict=True)]
        bags, links, letters = _Bags(), list[tuple[int, int, int, int]](), list[Sequence[int]]()
        name_rows: list[int] = []
        asked: list[tuple[list[int], list[LinkQuery]]] = []
        for number, (reading, f, p) in enumerate(zip(readings, found, prepared, strict=True)):
            place = bags.of(number, reading)
            names, queries = [], [] if p.fixed else link_queries(f)
            for located in f.window.mentions if p.undecided else ():
                mention = f.mentions[located.index]
                if mention.kind == "name":
                    names.append(located.index)
                    name_rows.append(place(mention_bag(located)))
                    letters.append(self._name_ids(p.document.text[mention.start : mention.end]))
            for q in queries:
                phrase, antecedent = f.window.mentions[q.phrase], f.window.mentions[q.antecedent]
                segment = f.window.segments[phrase.segment]
                whole = tuple(range(segment.start, segment.end))
                links.append((place(mention_bag(phrase)), place(mention_bag(antecedent)), place(whole), q.distance))
            asked.append((names, queries))
        name_scores, link_scores = self._mentions(bags, name_rows, letters, links)
        return self._linked(found, prepared, asked, name_scores, link_scores)

    def _mentions(
        self,
        bags: _Bags,
        names: Sequence[int],
        letters: Sequence[Sequence[int]],
        links: Sequence[tuple[int, int, int, int]],
    ) -> tuple[Floats, Floats]:
        """Class probabilities of names [N, classes] and probabilities of links [Q]."""
        if not names and not links:
            return np.zeros((0, 1), np.float32), np.zeros(0, np.float32)
        phrase, antecedent, sentence, distance = columns(links, 4)
        name_logits, link_logits = self._runtime.mentions(
            bags=bags.table(),
            mention=columns([(n,) for n in names], 1)[0],
            name_ids=_padded(letters),
            phrase=phrase,
            antecedent=antecedent,
            phrase_sentence=sentence,
            distance=distance,
        )
        return (
            softmax(name_logits[: len(names)], self._heads["name"].temperature),
            sigmoid(link_logits[: len(links)], self._heads["same"].temperature),
        )

    def _linked(
        self,
        found: Sequence[Found],
        prepared: Sequence[Prepared],
        asked: Sequence[tuple[list[int], list[LinkQuery]]],
        names: Floats,
        links: Floats,
    ) -> list[Linked]:
        """Hand a group's probabilities back to its windows and link their phrases."""
        threshold = self._heads["same"].threshold
        at_name = at_link = 0
        linked = []
        for f, p, (indices, queries) in zip(found, prepared, asked, strict=True):
            classes = dict(zip(indices, names[at_name : at_name + len(indices)], strict=True))
            scores = links[at_link : at_link + len(queries)]
            at_name, at_link = at_name + len(indices), at_link + len(queries)
            linked.append(_resolved(f, p, classes, queries, scores, threshold))
        return linked

    def answer(self, queries: Sequence[ActorQueries], readings: Sequence[Reading]) -> list[tuple[Floats, Floats]]:
        """Calibrated sentiment [n, 3] and stance [p, 3] probabilities for each window's queries."""
        bags = _Bags()
        sentiment: list[tuple[int, int]] = []
        stances: list[tuple[int, int, int, int]] = []
        for number, (asked, reading) in enumerate(zip(queries, readings, strict=True)):
            place = bags.of(number, reading)
            rows = [place(bag) for bag in asked.bags]
            sentiment += [(rows[s.actor_bag], rows[s.sentence_bag]) for s in asked.sentiment]
            stances += [
                (rows[s.holder_bag], rows[s.target_bag], rows[s.sentence_bag], s.distance) for s in asked.stances
            ]
        if not sentiment:
            return [(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32))] * len(queries)
        actor, actor_sentence = columns(sentiment, 2)
        holder, target, pair_sentence, distance = columns(stances, 4)
        sentiment_logits, stance_logits = self._runtime.actors(
            bags=bags.table(),
            actor=actor,
            actor_sentence=actor_sentence,
            holder=holder,
            target=target,
            pair_sentence=pair_sentence,
            distance=distance,
        )
        portrayed = softmax(sentiment_logits[: len(sentiment)], self._heads["sentiment"].temperature)
        taken = softmax(stance_logits[: len(stances)], self._heads["stance"].temperature)
        first, second = _ends(len(q.sentiment) for q in queries), _ends(len(q.stances) for q in queries)
        return list(zip(np.split(portrayed, first), np.split(taken, second), strict=True))


def _given(reading: Reading, prepared: Prepared) -> Found:
    return Found(reading.window, prepared.mentions, len(prepared.mentions))


def _searched(reading: Reading, prepared: Prepared) -> Found:
    return find_phrases(reading.window, prepared.mentions, reading.tags, prepared.document.text)


def _resolved(
    found: Found,
    prepared: Prepared,
    names: dict[int, Floats],
    queries: Sequence[LinkQuery],
    scores: Floats,
    threshold: float,
) -> Linked:
    if len(found.mentions) == found.first_phrase:
        return Linked(found, names, {})
    # Of the window's actors only: a caller may list thousands.
    present = {found.mentions[m.index].actor for m in found.window.mentions}
    kinds = actor_kinds(prepared, present, ((found.mentions[i].actor, row[1:]) for i, row in names.items()))

    def words(phrase: Mention) -> str:
        return prepared.document.text[phrase.start : phrase.end]

    def fit(phrase: Mention, actor: str) -> float:
        return fitness(words(phrase), kinds[actor]) if actor in kinds else 1.0

    def refers(phrase: Mention) -> bool:
        return words(phrase).lower() in PRONOUNS

    told = _told_beside(prepared.document.text, found, kinds)
    resolved, phrases = resolve_links(found, queries, scores, threshold, fit, refers, told)
    return Linked(resolved, names, phrases)


def _told_beside(text: str, found: Found, kinds: Mapping[str, Floats]) -> Callable[[Mention], str | None]:
    """Says whom the words around a phrase tell it to be: the actor, "" for nobody named before it, or nothing."""
    there = sorted((found.mentions[m.index] for m in found.window.mentions), key=lambda m: m.start)
    names = [mention for mention in there if mention.kind == "name"]

    def is_person(name: Mention) -> bool:
        if name.actor in kinds:
            return float(kinds[name.actor] @ one_kind("person")) > 0.5
        return may_be_person(text[name.start : name.end])

    def told(phrase: Mention) -> str | None:
        name = introduced(text, phrase, names, is_person)
        if name is not None:
            return name.actor if name.actor in kinds else ""
        return "" if brings_somebody_new(text, phrase) else None

    return told


def _padded(rows: Sequence[Sequence[int]]) -> Ints:
    """Rows of ids as one array, padded with 0 to the longest."""
    table = np.zeros((max(len(rows), LEAST_ROWS), max(map(len, rows), default=1)), dtype=np.int64)
    for number, ids in enumerate(rows):
        table[number, : len(ids)] = ids
    return table


def columns(rows: Sequence[Sequence[int]], width: int) -> Ints:
    """Rows as int64 columns [width, N], with rows of zeros where there are fewer than `LEAST_ROWS`."""
    missing = max(0, LEAST_ROWS - len(rows))
    table = np.array([*rows, *[(0,) * width] * missing], dtype=np.int64)
    return np.ascontiguousarray(table.T)


def softmax(logits: Floats, temperature: float) -> Floats:
    """Probabilities of logits [N, K] at a temperature."""
    scaled = logits / temperature
    shifted = np.exp(scaled - scaled.max(-1, keepdims=True, initial=-np.inf))
    return shifted / shifted.sum(-1, keepdims=True)


def sigmoid(logits: Floats, temperature: float) -> Floats:
    """Probabilities of logits [N] at a temperature."""
    return 1.0 / (1.0 + np.exp(-logits / temperature))


def _ends(counts: Iterable[int]) -> list[int]:
    return list(np.cumsum(list(counts))[:-1])
