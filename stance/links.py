"""Which earlier mentions a pronoun or noun phrase may refer to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stance.encoding import TokenMention, Window
from stance.queries import HOLDER_REACH
from stance.schema import Mention


def earlier_mentions(
    window: Window, located: Sequence[TokenMention], phrase: TokenMention
) -> Iterator[tuple[TokenMention, int]]:
    """Mentions before `phrase` within reach, the nearest first, with the sentences between.

    `located` is in order of start. Mentions that contain the phrase or lie in it are passed over ("the U.S.
    president" is not the U.S.).
    """
    sentence = window.segments[phrase.segment].sentence
    for other in reversed(located):
        if other.start >= phrase.start or other.end > phrase.start:
            continue
        distance = sentence - window.segments[other.segment].sentence
        if distance > HOLDER_REACH:
            break
        yield other, distance


def link_candidates(
    window: Window, mentions: Sequence[Mention], phrase: TokenMention
) -> dict[str, tuple[TokenMention, int]]:
    """Each actor mentioned before `phrase` within reach, with its latest mention and the sentences between."""
    located = sorted(window.mentions, key=lambda m: m.start)
    candidates: dict[str, tuple[TokenMention, int]] = {}
    for other, distance in earlier_mentions(window, located, phrase):
        candidates.setdefault(mentions[other.index].actor, (other, distance))
    return candidates
