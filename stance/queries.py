"""Which questions a window answers: the bags of tokens and the pairs of bags that the heads read.

A *bag* is a set of token positions whose hidden vectors are averaged into one: a sentence, an actor's mentions
in one sentence, a single mention. All heads read bags only, so k actors cost one encoder pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stance.encoding import TokenMention, Window
from stance.schema import AUTHOR, Mention

#: How many sentences before the scored one may name the holder.
HOLDER_REACH = 4
#: Distance codes of the stance head: 0 to HOLDER_REACH sentences back, then the text's author.
AUTHOR_DISTANCE = HOLDER_REACH + 1
#: Distance codes of the `same` head: sentences between a phrase and its antecedent, capped.
SAME_DISTANCES = HOLDER_REACH + 1

#: Most pairs of actors that one sentence (or its part in one window) may offer, some seventy actors. Beyond it the
#: pairs grow with the square, and no sentence means a stance between all of them.
MAX_PAIRS = 5000

Bag = tuple[int, ...]
Ints = NDArray[np.int64]


class TooManyPairs(ValueError):
    """A sentence of so many actors that their pairs cannot be scored."""


class SentimentQuery(NamedTuple):
    """How does `sentence` portray `actor`? The bags are positions in the window's list of bags."""

    actor: str
    sentence: int
    actor_bag: int
    sentence_bag: int


class StanceQuery(NamedTuple):
    """What does `holder`, last named in `holder_sentence`, take toward `target` in `sentence`?"""

    holder: str
    target: str
    sentence: int
    holder_sentence: int
    holder_bag: int
    target_bag: int
    sentence_bag: int
    distance: int


class ActorQueries(NamedTuple):
    """All sentiment and stance questions of one window, over one list of bags."""

    bags: list[Bag]
    sentiment: list[SentimentQuery]
    stances: list[StanceQuery]


def actor_queries(window: Window, mentions: Sequence[Mention], author: bool = False) -> ActorQueries:
    """Every actor of every scored sentence, and every ordered pair that the sentence or its context offers.

    `mentions` are the document's, as the window's `TokenMention.index` counts them. With `author`, the
    text's author is a holder too, read off the sentence itself. Raises `TooManyPairs`.
    """
    queries = ActorQueries([], [], [])
    by_segment = actor_bags(window, mentions)
    placed: dict[Bag, int] = {}

    def bag(tokens: Bag) -> int:
        if tokens not in placed:
            placed[tokens] = len(queries.bags)
            queries.bags.append(tokens)
        return placed[tokens]

    for number in range(window.first_scored, len(window.segments)):
        segment = window.segments[number]
        here = by_segment[number]
        if not here:
            continue
        whole = bag(tuple(range(segment.start, segment.end)))
        holders = _holders(window, by_segment, number)
        if len(holders) * len(here) > MAX_PAIRS:
            raise TooManyPairs(
                f"sentence {segment.sentence} names {len(here)} actors, and {len(holders)} are in reach: that makes "
                f"more than {MAX_PAIRS} pairs; split the sentence, or give the actors you ask about"
            )
        for target, tokens in here.items():
            target_bag = bag(tokens)
            queries.sentiment.append(SentimentQuery(target, segment.sentence, target_bag, whole))
            for holder, (sentence, held) in holders.items():
                if holder != target:
                    distance = segment.sentence - sentence
                    queries.stances.append(
                        StanceQuery(holder, target, segment.sentence, sentence, bag(held), target_bag, whole, distance)
                    )
            if author:
                queries.stances.append(
                    StanceQuery(
                        AUTHOR, target, segment.sentence, segment.sentence, whole, target_bag, whole, AUTHOR_DISTANCE
                    )
                )
    return queries


def actor_bags(window: Window, mentions: Sequence[Mention]) -> list[dict[str, Bag]]:
    """For each segment of the window, the tokens of each actor it mentions, in order of mention."""
    found: list[dict[str, list[int]]] = [{} for _ in window.segments]
    for mention in sorted(window.mentions, key=lambda m: m.start):
        tokens = found[mention.segment].setdefault(mentions[mention.index].actor, [])
        tokens.extend(t for t in range(mention.start, mention.end) if t not in tokens)
    return [{actor: tuple(tokens) for actor, tokens in segment.items()} for segment in found]


def _holders(window: Window, by_segment: Sequence[dict[str, Bag]], number: int) -> dict[str, tuple[int, Bag]]:
    """Each actor in reach of segment `number`: the sentence that names it last, and its tokens there."""
    sentence = window.segments[number].sentence
    holders: dict[str, tuple[int, Bag]] = {}
    for earlier in range(number, -1, -1):
        if sentence - window.segments[earlier].sentence > HOLDER_REACH:
            break
        for actor, tokens in by_segment[earlier].items():
            holders.setdefault(actor, (window.segments[earlier].sentence, tokens))
    return holders


def mention_bag(mention: TokenMention) -> Bag:
    """The tokens of one mention."""
    return tuple(range(mention.start, mention.end))


class TokenBatch(NamedTuple):
    """Windows padded to one length: `input_ids` and `attention_mask`, both int64 of shape [B, L]."""

    input_ids: Ints
    attention_mask: Ints


def pad(windows: Sequence[Window], pad_id: int, multiple: int = 1) -> TokenBatch:
    """Pad to the longest window, rounded up to a multiple of `multiple` tokens."""
    longest = max(len(w.ids) for w in windows)
    length = -(-longest // multiple) * multiple
    ids = np.full((len(windows), length), pad_id, dtype=np.int64)
    mask = np.zeros((len(windows), length), dtype=np.int64)
    for row, window in enumerate(windows):
        ids[row, : len(window.ids)] = window.ids
        mask[row, : len(window.ids)] = 1
    return TokenBatch(ids, mask)


class BagIndex(NamedTuple):
    """Bags of a batch over its flattened tokens: bag i owns `tokens[offsets[i]:offsets[i + 1]]`."""

    tokens: Ints
    offsets: Ints


def index_bags(bags: Sequence[Sequence[Bag]], length: int) -> tuple[BagIndex, list[int]]:
    """Flatten each window's bags for a batch of windows padded to `length` tokens.

    Returns the index and, for each window, the number of its first bag.
    """
    tokens: list[int] = []
    offsets: list[int] = []
    firsts: list[int] = []
    for row, window_bags in enumerate(bags):
        firsts.append(len(offsets))
        for bag in window_bags:
            offsets.append(len(tokens))
            tokens.extend(row * length + t for t in bag)
    return BagIndex(np.array(tokens, dtype=np.int64), np.array(offsets, dtype=np.int64)), firsts


def average_bags(hidden: NDArray[np.float32], index: BagIndex) -> NDArray[np.float32]:
    """Mean hidden vector of each bag: hidden [B, L, H] to [bags, H]."""
    if not len(index.offsets):
        return np.zeros((0, hidden.shape[-1]), dtype=np.float32)
    gathered = hidden.reshape(-1, hidden.shape[-1])[index.tokens]
    sums = np.add.reduceat(gathered, index.offsets, axis=0)
    sizes = np.diff(np.append(index.offsets, len(index.tokens)))
    return (sums / sizes[:, None]).astype(np.float32)
