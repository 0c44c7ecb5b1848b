"""What the mention heads say of a window: which phrases are mentions, and of which actor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stance.actors.lexicon import load_lexicon
from stance.actors.tokens import fold, keys
from stance.encoding import Segment, TokenMention, Window
from stance.links import earlier_mentions
from stance.schema import Mention, MentionKind

_PRONOUN_LIST = """
i me my mine myself we us our ours ourselves you your yours he him his himself she her hers herself it its itself
they them their theirs themselves one ones
"""
PRONOUNS = frozenset(_PRONOUN_LIST.split())
#: These always refer to somebody, so they need no tag; whom they mean is for the links to say.
_PERSONAL_LIST = "i me my we us our he him his she her hers they them their theirs"
PERSONAL = frozenset(_PERSONAL_LIST.split())
# Function words that stand for somebody all the same.
_STANDING = frozenset({*PRONOUNS, "those", "these", "both", "others", "all"})
_BARE = frozenset({"s", "mr", "mrs", "ms"})
_OUTSIDE, _BEGIN = 0, 1
#: The part of the threshold for links that is asked of a pronoun, for it nearly always means somebody. Relations from
#: bare text have F1 73.3 and 46.4 on the corpus's two dev files with it, 71.9 and 45.6 without. With noun phrases it
#: would be 73.8 and 45.8, at the cost of "the country" for any state.
PRONOUN_BAR = 0.65

Floats = NDArray[np.float32]


#: How well a mention's words fit an actor, 0 to 1.
Fit = Callable[[Mention, str], float]


class LinkQuery(NamedTuple):
    """Are phrase and antecedent (positions in the window's token mentions) one actor?"""

    phrase: int
    antecedent: int
    distance: int


@dataclass(frozen=True, slots=True)
class Found:
    """A window with the phrases that the tag head found in it, and all mentions that it counts.

    `mentions` starts with the document's own; the phrases after them have the actor "" until they are linked.
    """

    window: Window
    mentions: list[Mention]
    first_phrase: int


def find_phrases(window: Window, mentions: Sequence[Mention], tags: Floats, text: str) -> Found:
    """Add pronouns and noun phrases by the tag logits [L, 3] of the window."""
    taken = {(m.start, m.end) for m in window.mentions}
    held = {t for m in window.mentions if mentions[m.index].kind != "name" for t in range(m.start, m.end)}
    placed = set(window.placeholders)
    extended, located = list(mentions), list(window.mentions)
    for number, segment in enumerate(window.segments):
        spans = whole_words(tagged_spans(tags[: segment.end].argmax(-1), segment.start), segment, window, text)
        for start, end in with_pronouns(spans, segment, window, text):
            inside = range(start, end)
            if (start, end) in taken or all(t in placed for t in inside) or not held.isdisjoint(inside):
                continue
            first, last = window.offsets[start][0], window.offsets[end - 1][1]
            if first >= last or _means_nobody(text[first:last]):
                continue
            kind: MentionKind = "pronoun" if text[first:last].lower() in PRONOUNS else "nominal"
            located.append(TokenMention(len(extended), number, start, end))
            extended.append(Mention(actor="?", start=first, end=last, kind=kind))
    found = replace(window, mentions=tuple(sorted(located, key=lambda m: (m.start, m.end))))
    return Found(found, extended, len(mentions))


def with_pronouns(
    spans: Sequence[tuple[int, int]], segment: Segment, window: Window, text: str
) -> list[tuple[int, int]]:
    """The spans of a segment and, as spans of their own, the personal pronouns that none of them holds."""
    taken = {t for start, end in spans for t in range(start, end)}
    added = []
    for token in range(segment.start, segment.end):
        first, last = window.offsets[token]
        if token not in taken and text[first:last].lower() in PERSONAL and (first, last) != (0, 0):
            added.append((token, token + 1))
    return sorted([*spans, *added])


def whole_words(spans: Sequence[tuple[int, int]], segment: Segment, window: Window, text: str) -> list[tuple[int, int]]:
    """The spans of a segment with whole words at both ends and a noun: the head may mark but "a st" of "a strategist".

    Where it marks "a former" of "a former trade minister", the title behind belongs to the phrase as well.
    """

    def inner(token: int, hyphens: str = "") -> bool:
        start, before = window.offsets[token][0], window.offsets[token - 1][1]
        around = "".join(c for c in text[start - 1 : start + 1] if c not in hyphens)
        return start == before and around.isalnum() and token not in window.placeholders

    def past_word(token: int, stop: int) -> int:
        token += 1
        while token < stop and inner(token, hyphens="-"):  # "the Secretary-General" is marked to its end
            token += 1
        return token - (text[window.offsets[token - 1][0]] == "-")

    grown: list[tuple[int, int]] = []
    for number, (start, last) in enumerate(spans):
        stop = spans[number + 1][0] if number + 1 < len(spans) else segment.end
        floor = grown[-1][1] if grown else segment.start
        while start > floor and inner(start):
            start -= 1
        end = past_word(last - 1, stop)
        while end < stop and _unfinished(text[window.offsets[start][0] : window.offsets[end - 1][1]]):
            further = past_word(end, stop)
            if not _titular(text[window.offsets[end][0] : window.offsets[further - 1][1]]):
                break
            end = further
        grown.append((start, end))
    return grown


def _unfinished(phrase: str) -> bool:
    """Whether a phrase ends in a word that stands before titles: "a former", "the special"."""
    words = keys(phrase)
    return bool(words) and words[-1] in load_lexicon().title_modifiers


def _titular(word: str) -> bool:
    return fold(word) in load_lexicon().titles | load_lexicon().title_modifiers


def _means_nobody(phrase: str) -> bool:
    """Whether a phrase has no noun: the head marks "the" or "a former" where it is of two minds about the next word."""
    lexicon = load_lexicon()
    words = keys(phrase)
    nouns = [w for w in words if w in _STANDING or w not in lexicon.function_words | lexicon.title_modifiers | _BARE]
    return not nouns


def tagged_spans(tags: Sequence[int] | NDArray[np.int64], first: int = 0) -> list[tuple[int, int]]:
    """Half-open spans of a begin-inside-outside sequence from `first` on; an inside without a begin starts a span."""
    spans: list[tuple[int, int]] = []
    start = -1
    for position, tag in enumerate(tags[first:], first):
        if tag in (_OUTSIDE, _BEGIN):
            if start >= 0:
                spans.append((start, position))
            start = position if tag == _BEGIN else -1
        elif start < 0:
            start = position
    if start >= 0:
        spans.append((start, len(tags)))
    return spans


def link_queries(found: Found) -> list[LinkQuery]:
    """All (phrase, earlier mention) pairs of a window in reach."""
    located = found.window.mentions
    place = {mention: i for i, mention in enumerate(located)}
    queries = []
    for phrase in located:
        if phrase.index >= found.first_phrase:
            for other, distance in earlier_mentions(found.window, located, phrase):
                queries.append(LinkQuery(place[phrase], place[other], distance))
    return queries


def resolve_links(
    found: Found,
    queries: Sequence[LinkQuery],
    scores: Floats,
    threshold: float,
    fit: Fit = lambda *_: 1.0,
    refers: Callable[[Mention], bool] = lambda _: False,
    told: Callable[[Mention], str | None] = lambda _: None,
) -> tuple[Found, dict[int, float]]:
    """Give each phrase the actor that it most likely refers to; phrases with none over `threshold` are left out.

    Of a phrase that `refers` to somebody for certain, as a pronoun does, `PRONOUN_BAR` of that is asked. Of some the
    words around them have `told` the actor, or with "" that it is none of those before.

    Phrases are resolved from left to right, so that "he ... he" reaches back over several sentences. A score counts
    as much as `fit` says that the phrase can mean the actor at all. Returns the window with the linked phrases, and
    each linked phrase's probability by its number in `mentions`.
    """
    located = found.window.mentions
    place = {mention: i for i, mention in enumerate(located)}
    table = {(q.phrase, q.antecedent): float(s) for q, s in zip(queries, scores, strict=True)}
    mentions = list(found.mentions)
    linked: dict[int, float] = {}
    kept: list[TokenMention] = []
    for phrase in located:
        if phrase.index < found.first_phrase:
            kept.append(phrase)
            continue
        known = told(mentions[phrase.index])
        best, actor = float(bool(known)), known or ""
        seen: set[str] = set()
        for other, _ in () if known is not None else earlier_mentions(found.window, kept, phrase):
            candidate = mentions[other.index].actor
            # An actor stands for itself by its latest mention, as in training.
            if candidate not in seen:
                seen.add(candidate)
                score = table.get((place[phrase], place[other]), 0.0) * fit(mentions[phrase.index], candidate)
                best, actor = max((best, actor), (score, candidate))
        if actor and best >= threshold * (PRONOUN_BAR if refers(mentions[phrase.index]) else 1.0):
            mentions[phrase.index] = mentions[phrase.index].model_copy(update={"actor": actor})
            linked[phrase.index] = best
            kept.append(phrase)
    return Found(replace(found.window, mentions=tuple(kept)), mentions, found.first_phrase), linked
