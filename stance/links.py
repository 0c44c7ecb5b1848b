"""Which earlier actors a pronoun or noun phrase may refer to."""

from __future__ import annotations

from collections.abc import Sequence

from stance.encoding import TokenMention, Window
from stance.queries import HOLDER_REACH
from stance.schema import Mention


def link_candidates(
    window: Window, mentions: Sequence[Mention], phrase: TokenMention
) -> dict[str, tuple[TokenMention, int]]:
    """Each actor mentioned before `phrase` within reach, with its latest mention and the sentences between.

    Mentions that contain the phrase or lie in it are passed over ("the U.S. president" is not the U.S.).
    """
    sentence = window.segments[phrase.segment].sentence
    candidates: dict[str, tuple[TokenMention, int]] = {}
    for other in sorted(window.mentions, key=lambda m: m.start, reverse=True):
        if other.start >= phrase.start or other.end > phrase.start:
            continue
        distance = sentence - window.segments[other.segment].sentence
        if distance > HOLDER_REACH:
            break
        candidates.setdefault(mentions[other.index].actor, (other, distance))
    return candidates
