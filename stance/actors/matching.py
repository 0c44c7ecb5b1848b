"""Mentions of given actors: names, aliases, demonyms, surnames and spelling variants."""

import itertools
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from stance.actors.catalogue import load_catalogue
from stance.actors.lexicon import load_lexicon
from stance.actors.lines import ABBREVIATED
from stance.actors.names import NameSpan, find_names
from stance.actors.naming import field_noun, head_noun
from stance.actors.patterns import Pattern, Patterns, build_patterns
from stance.actors.spelling import VARIANT_LETTERS, same_spelling, variant_key
from stance.actors.tokens import APOSTROPHES, Token, joined, keys, tokenize
from stance.schema import Actor, Mention
from stance.text import split_sentences

#: Letters from which on an acronym may be written as a word.
WORD_LETTERS = 4
#: Longest acronym that a name in front of its brackets introduces, in letters.
ACRONYM_LETTERS = 8

_APOSTROPHES = frozenset(APOSTROPHES)


@dataclass(frozen=True, slots=True)
class _Hit:
    """Words `[first, last)` of the text that a pattern matches."""

    first: int
    last: int
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class _Text:
    """A text with its words and candidate names."""

    text: str
    tokens: list[Token]
    names: list[NameSpan]
    starts: list[int]
    #: No letter is a capital, so that capitals tell nothing.
    small: bool

    def around(self, start: int, end: int) -> NameSpan | None:
        """The candidate name that holds `[start, end)`, if one does."""
        place = bisect_right(self.starts, start) - 1
        return self.names[place] if place >= 0 and end <= self.names[place].end else None


def find_mentions(text: str, actors: Sequence[Actor]) -> list[Mention]:
    """Mentions of `actors` in `text`, sorted by start and not overlapping.

    Matches names and aliases over case, diacritics, hyphens and apostrophes; for what the catalogue knows also
    demonyms, capital and seats, unless another given actor claims them; for a person the surname alone; spelling
    variants of transliterated names; acronyms introduced in brackets; regular demonyms of states that the catalogue
    lacks; and "the Council" behind "Council of Accord", if the text has no other council. The longest match wins.
    A name inside a longer name ("France" in "France 24") or in a dateline is no mention; a person's mention grows to
    the full name. A surname behind another first name is somebody else, unless the surname is listed as an alias.
    """
    patterns = build_patterns(actors)
    if not patterns or not text.strip():
        return []
    names = find_names(text, split_sentences(text))
    source = _Text(text, tokenize(text), names, [name.start for name in names], text.lower() == text)
    hits = list(_hits(source, patterns))
    hits.extend(_hits(source, _acronyms(source, hits, patterns)))
    hits.extend(_nouns(source, hits, patterns))
    written = [name for name in names if name.dateline]
    found = _accept(source, _longest(hits), patterns)
    return [m for m in found if not any(name.start < m.end and m.start < name.end for name in written)]


# --- words that match a pattern ---


def _hits(source: _Text, patterns: Patterns) -> Iterator[_Hit]:
    tokens = source.tokens
    for position in range(len(tokens)):
        for pattern in patterns.at(tokens, position):
            last = position + len(pattern.keys)
            if _written(tokens, position, last, pattern) or (source.small and _told(tokens, position, last, pattern)):
                yield _Hit(position, last, pattern)
                break
        else:
            yield from _variants(tokens, position, patterns)


def _written(tokens: Sequence[Token], first: int, last: int, pattern: Pattern) -> bool:
    """Whether the words stand together and are capitalised as homonyms demand: "US" is not "us"."""
    window, lexicon = tokens[first:last], load_lexicon()
    if any(not _adjacent(before, token, pattern) for before, token in itertools.pairwise(window)):
        return False
    if not pattern.text[0].isupper() or pattern.text[0].islower():
        return True
    if len(window) > 1:
        return any(token.capital for token in window) or not all(lexicon.common(token.key) for token in window)
    if pattern.acronym:
        # Some newspapers write "Nato".
        word = len(pattern.text) >= WORD_LETTERS and pattern.text.isalpha() and not lexicon.common(pattern.keys[0])
        if word and window[0].capital:
            return True
        return window[0].all_capitals and not (window[0].key in lexicon.function_words and _shouted(tokens, first))
    if window[0].key in lexicon.calendar and lexicon.dated(tokens, first):
        return False
    return window[0].capital


def _told(tokens: Sequence[Token], first: int, last: int, pattern: Pattern) -> bool:
    """Whether words of a text without capitals can mean nothing but the actor: "russia" and "nato", not "us"."""
    word = tokens[first].key
    return last - first == 1 and len(word) > 2 and not load_lexicon().ordinary(word) and not pattern.rivals


def _adjacent(before: Token, token: Token, pattern: Pattern) -> bool:
    """Whether two words of a name stand together, also as in "J. Orlo", "Workers' Party" or "RFE/RL"."""
    gap = token.gap.strip()
    owned = gap in {"'", "’", "'s", "’s"} and not _APOSTROPHES.isdisjoint(pattern.text)
    short = gap == "." and (len(before.text) == 1 or before.key in ABBREVIATED)
    return joined(token.gap) or owned or short or gap in {"&", "/"}


def _shouted(tokens: Sequence[Token], position: int) -> bool:
    """Whether the words on both sides are in capitals as well."""
    around = [*tokens[max(0, position - 1) : position], *tokens[position + 1 : position + 2]]
    return bool(around) and all(token.all_capitals for token in around)


def _variants(tokens: Sequence[Token], position: int, patterns: Patterns) -> Iterator[_Hit]:
    """A capitalised word that is another spelling of a one-word name or a surname."""
    token = tokens[position]
    if not token.capital or len(token.key) < VARIANT_LETTERS or not patterns.by_skeleton:
        return
    for pattern in patterns.by_skeleton.get(variant_key(token.key), ()):
        if same_spelling(token.key, pattern.keys[0]) and not _taken(token):
            yield _Hit(position, position + 1, pattern)
            return


def _taken(token: Token) -> bool:
    return load_lexicon().ordinary(token.key) or load_catalogue().match([token]) is not None


def _longest(hits: Iterable[_Hit]) -> list[_Hit]:
    """The longest hits, then the earliest, no two overlapping; in order of the text."""
    taken: set[int] = set()
    kept: list[_Hit] = []
    for hit in sorted(hits, key=lambda h: (h.first - h.last, h.first)):
        words = range(hit.first, hit.last)
        if taken.isdisjoint(words):
            taken.update(words)
            kept.append(hit)
    return sorted(kept, key=lambda h: h.first)


def _acronyms(source: _Text, hits: Sequence[_Hit], patterns: Patterns) -> Patterns:
    """Patterns for acronyms that the text introduces: "LNA" from "Libyan National Army (LNA)"."""
    found = Patterns()
    for hit in hits:
        person = hit.pattern.actor in patterns.first_names
        if hit.last < len(source.tokens) and len(hit.pattern.keys) > 1 and not person:
            token = source.tokens[hit.last]
            bracketed = token.gap.strip() + source.text[token.end : token.end + 1] in {"()", "[]"}
            known = (True, (token.key,)) in patterns.known
            if bracketed and token.all_capitals and 1 < len(token.text) <= ACRONYM_LETTERS and not known:
                found.add(Pattern(hit.pattern.actor, token.text, (token.key,)))
    return found


def _nouns(source: _Text, hits: Sequence[_Hit], patterns: Patterns) -> Iterator[_Hit]:
    """Capitalised words that stand for the one actor named in full before: "the Council", "Abiy" of "Abiy Ahmed"."""
    owners: dict[str, set[str]] = {}
    begins: dict[str, int] = {}
    full: set[NameSpan | None] = set()
    for hit in hits:
        for noun in _called(hit.pattern, patterns):
            owners.setdefault(noun, set()).add(hit.pattern.actor)
            begins[noun] = min(hit.first, begins.get(noun, hit.first))
            full.add(source.around(source.tokens[hit.first].start, source.tokens[hit.last - 1].end))
    if not owners:
        return
    words = {name: keys(source.text[name.start : name.end]) for name in source.names}
    strangers = [words[name] for name in words if name not in full]
    others = {noun for other in strangers for noun in (head_noun(other), field_noun(other), other[0]) if len(other) > 1}
    places = {token.start: place for place, token in enumerate(source.tokens)}
    for name, key in ((name, found[0]) for name, found in words.items() if len(found) == 1):
        place = places.get(name.start, -1)
        if key in owners and key not in others and len(owners[key]) == 1 and place > begins[key]:
            yield _Hit(place, place + 1, Pattern(next(iter(owners[key])), key, (key,)))


def _called(pattern: Pattern, patterns: Patterns) -> set[str]:
    """What an actor that is named in full is called by for short, unless it is listed for another."""
    if pattern.actor not in patterns.first_names:
        told = {head_noun(pattern.keys), field_noun(pattern.keys)}
        return patterns.nouns.get(pattern.actor, set()) & {noun for noun in told if noun}
    first = pattern.keys[:1] if len(pattern.keys) > 1 else ()
    return {word for word in first if (False, (word,)) not in patterns.known and not load_lexicon().ordinary(word)}


# --- hits that stand for their actor ---


def _accept(source: _Text, hits: Sequence[_Hit], patterns: Patterns) -> Iterator[Mention]:
    tiled = _tiled(source, hits)
    nearest: dict[str, int] = {}
    covered = 0
    for hit in hits:
        start, end = source.tokens[hit.first].start, source.tokens[hit.last - 1].end
        name = source.around(start, end)
        span: tuple[int, int] | None = (start, end)
        actor = _owner(hit.pattern, nearest)
        if name and (name.start, name.end) != span and name not in tiled:
            given = _given(source.text, name, start) if hit.pattern.rivals and name.end == end else []
            if given:
                actor, span = _namesake(hit.pattern, given, patterns), (name.start, end)
            else:
                span = _inside(source.text, start, end, name, hit.pattern, patterns)
        if span and actor and span[0] >= covered:
            nearest[actor] = covered = span[1]
            yield Mention(actor=actor, start=span[0], end=span[1])


def _owner(pattern: Pattern, nearest: dict[str, int]) -> str | None:
    """The actor of a pattern; of persons that share a surname the one named last, if any was."""
    if not pattern.rivals:
        return pattern.actor
    named = [actor for actor in pattern.rivals if actor in nearest]
    return max(named, key=lambda actor: nearest[actor]) if named else None


def _namesake(pattern: Pattern, given: Sequence[str], patterns: Patterns) -> str | None:
    """Of persons that share a surname the one that the given names before it fit: "Donald J. Trump", not Melania."""
    fitting = [actor for actor in pattern.rivals if all(map(patterns.first_names[actor].fit, given))]
    return fitting[0] if len(fitting) == 1 else None


def _given(text: str, name: NameSpan, start: int) -> list[str]:
    """The folded words of a candidate name before `start`, without particles: none of "al-Brel"."""
    lexicon = load_lexicon()
    small = lexicon.particles | lexicon.hyphen_particles
    return [word for word in keys(text[name.start : start]) if word not in small]


def _tiled(source: _Text, hits: Sequence[_Hit]) -> set[NameSpan]:
    """Candidate names that hits of several actors fill from end to end, as in the heading "Brel Orlo Talks"."""
    words: dict[NameSpan, int] = {}
    for hit in hits:
        name = source.around(source.tokens[hit.first].start, source.tokens[hit.last - 1].end)
        if name:
            words[name] = words.get(name, 0) + hit.last - hit.first
    return {name for name, count in words.items() if count == len(keys(source.text[name.start : name.end]))}


def _inside(
    text: str, start: int, end: int, name: NameSpan, pattern: Pattern, patterns: Patterns
) -> tuple[int, int] | None:
    """The mention when a hit lies inside a longer candidate name; `None` if it is a part of that name."""
    before, after = keys(text[name.start : start]), keys(text[end : name.end])
    if name.start == start and text[end : name.end].islower() and pattern.actor not in patterns.first_names:
        return start, end  # "Russia's army", "the Russian army": no name, and the caller did not list it
    if load_catalogue().lookup(text[name.start : name.end]) or load_lexicon().organization_heads.intersection(after):
        return None
    many = len(pattern.keys) > 1
    if pattern.actor not in patterns.first_names:
        return (start, end) if many and not load_lexicon().organization_heads.intersection(before) else None
    if after:
        return (start, end) if many else None
    first_names = patterns.first_names[pattern.actor]
    given = _given(text, name, start)
    # "Melania Trump" is not "Donald Trump", nor "Asma al-Assad" "Bashar al-Assad"; but "al-Trump" is, and who lists
    # "Khafter" as an alias means "Caliph Khafter" as well.
    if pattern.given or not first_names.words or not given or any(map(first_names.fit, given)):
        return name.start, end
    return None
