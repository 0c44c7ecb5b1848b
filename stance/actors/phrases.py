"""Noun phrases that can mean one actor only, told by its name and the words around it: "the commission", "the general".

Of the phrases that these rules find in the corpus's training split, 95 in 100 are of that actor by the labels too.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence

from stance.actors.apposition import introduced
from stance.actors.catalogue import load_catalogue
from stance.actors.lexicon import load_lexicon
from stance.actors.naming import entry_nouns, is_field_joint, office_field
from stance.actors.shortening import LOCAL_HEADS
from stance.actors.titles import title_before
from stance.actors.tokens import HYPHENS, Token, joined, keys, tokenize
from stance.schema import ActorType, Mention

#: Words of a phrase: its folded words, or one word with a capital, which holds for "the Gazette" only.
Words = tuple[str, ...]
#: Who may be meant by which words, and where each was first named; "" is a body that has no name. Two are enough: words
#: that two actors may mean tell nothing.
Owners = dict[Words, dict[str, int]]

_PHRASE = re.compile(r"\b(?:the|this)\s+(?:(?:said|same)\s+)?(?=[^\W\d_])", re.IGNORECASE)
# Nouns of names that mean something else as often: "in the air", "the house".
_AMBIGUOUS = frozenset({"air", "house", "office", "force", "state", "united", "energy", "gas", "oil", "news", "post"})
# Without these it is another's office: the vice president is not the president.
_SECONDS = frozenset({"deputy", "vice", "assistant", "under", "associate"})
_ARTICLES = frozenset({"the", "a", "an", "its", "their"})
#: Most words of a phrase behind its article.
_LONGEST = 4
#: Characters before and behind a name in which its title or noun stands.
_REACH = 40


def definite_phrases(text: str, names: Sequence[Mention], types: Mapping[str, ActorType]) -> list[Mention]:
    """Definite noun phrases of one actor that was named before, as mentions sorted by start.

    `names` are the text's names, sorted and apart from each other; `types` has the actors' types, and one that it
    lacks counts as an organisation. Words that fit two actors, as in "the Ministry of Trade … the Ministry of Health …
    the ministry", tell nothing.
    """
    owners = _owners(text, names, types)
    starts = [name.start for name in names]
    found = []
    for match in _PHRASE.finditer(text) if owners else ():
        words = _run(tokenize(text, match.end(), match.end() + _REACH)[: _LONGEST + 1])
        size = next((n for n in range(min(len(words), _LONGEST), 0, -1) if _known(words[:n], owners)), 0)
        if not size or _goes_on(text, words, size) or _apposed(text, match.start(), words[size - 1]):
            continue
        end = words[size - 1].end
        before = {actor for actor, at in _known(words[:size], owners).items() if at < match.start()}
        phrase = Mention(actor="?", start=match.start(), end=end, kind="nominal")
        if name := introduced(text, phrase, names, lambda n: types.get(n.actor) == "person"):
            before = {name.actor}
        place = bisect_right(starts, end - 1) - 1
        if len(before) == 1 and "" not in before and (place < 0 or names[place].end <= match.start()):
            found.append(phrase.model_copy(update={"actor": before.pop()}))
    return found


def _apposed(text: str, start: int, last: Token) -> bool:
    """Whether the phrase begins one that stands for the name before: "Ada Brel, the union's chairwoman"."""
    return last.possessive and text[max(0, start - 2) : start] == ", "


def _run(tokens: Sequence[Token]) -> list[Token]:
    """The words from the first on that one noun phrase may hold."""
    run: list[Token] = []
    for token in tokens:
        if run and (not joined(token.gap) or run[-1].possessive):
            break
        run.append(token)
    return run


def _known(words: Sequence[Token], owners: Owners) -> dict[str, int]:
    capital = len(words) == 1 and words[0].capital
    found = owners.get(tuple(word.key for word in words), {})
    return found or (owners.get((words[0].key.capitalize(),), {}) if capital else {})


def _goes_on(text: str, words: Sequence[Token], size: int) -> bool:
    """Whether the noun phrase has not ended: "the army chief", "the deputy minister", "the council of elders"."""
    lexicon = load_lexicon()
    if text.startswith(tuple(HYPHENS), words[size - 1].end):
        return True
    return len(words) > size and words[size].key in lexicon.titles | lexicon.title_modifiers | {"of"}


def _owners(text: str, names: Sequence[Mention], types: Mapping[str, ActorType]) -> Owners:
    owners: Owners = {}
    for name in names:
        for words, actor in _called(text, name, types.get(name.actor, "organization")):
            known = owners.setdefault(words, {})
            if len(known) < 2:
                known.setdefault(actor, name.start)
    return owners


def _called(text: str, name: Mention, kind: ActorType) -> Iterator[tuple[Words, str]]:
    """What the actor of a name may be called by, and what a body beside the name that has none."""
    called = _titles(text, name) if kind == "person" else _nouns(text[name.start : name.end])
    yield from ((words, name.actor) for words in called)
    if kind != "person":
        yield from _beside(text, name, kind)


def _nouns(name: str) -> Iterator[Words]:
    """What an organisation is: "coast guard" and "guard" of "Orlan Coast Guard"; the last word of any, capitalised."""
    lexicon, words = load_lexicon(), keys(name)
    if entry := load_catalogue().lookup(name):
        yield from ((noun,) for noun in entry_nouns(entry) - lexicon.directions)  # "in the north" is no state
    if len(words) < 2:
        return
    front = words[: next((i for i, word in enumerate(words) if is_field_joint(word)), len(words))]
    heads = lexicon.organization_heads - _AMBIGUOUS
    yield from ((word,) for word in heads.intersection(words))
    if front and front[-1] in heads:
        yield from (front[-size:] for size in range(2, min(len(front), _LONGEST) + 1) if size < len(words))
    if field := office_field(words):
        yield (field, words[0])
    if lexicon.ordinary(words[-1]):
        yield (words[-1].capitalize(),)


def _beside(text: str, name: Mention, kind: ActorType) -> Iterator[tuple[Words, str]]:
    """The noun in small letters that stands before or behind a name, with the actor: "the movement Orla", "Orla party".

    Behind a state's name or an owner's it is a body that has no name, "Orla's coast guard", and so has no actor.
    """
    lexicon = load_lexicon()
    heads = lexicon.organization_heads - _AMBIGUOUS
    called = heads - lexicon.government_heads - LOCAL_HEADS if kind != "state" else frozenset[str]()
    owner = text[name.end : name.end + 2] in {"'s", "’s"}
    start = name.end + 2 if owner else name.end
    behind = _small(_run(tokenize(text, start, start + _REACH)[:_LONGEST]))
    for size in range(1, len(behind) + 1 if text[start : start + 1].isspace() else 0):
        if behind[size - 1] in heads:
            actor = name.actor if size == 1 and not owner and behind[0] in called else ""
            yield from ((behind[at:size], actor) for at in range(size))
    before = tokenize(text, max(0, name.start - _REACH), name.start)[-1:]
    if before and joined(text[before[0].end : name.start]) and not before[0].capital and before[0].key in called:
        yield (before[0].key,), name.actor


def _small(words: Iterable[Token]) -> Words:
    """The words up to the first that is capitalised or stands in every sentence."""
    lexicon, small = load_lexicon(), []
    for word in words:
        if word.capital or word.key in lexicon.function_words:
            break
        small.append(word.key)
    return tuple(small)


def titled(text: str, names: Iterable[Mention]) -> frozenset[str]:
    """The actors that a title beside a name tells to be persons: "Minister Brel", "Brel, the home minister, left"."""
    # "Saint Brel" may be a place.
    untitled = {None, "saint", "st"}
    return frozenset(n.actor for n in names if title_before(text, n.start) not in untitled or _title_behind(text, n))


def _title_behind(text: str, name: Mention) -> bool:
    """Whether a title stands in commas behind: not so in "In Orla, the minister left"."""
    behind = _behind(text, name)
    size = len(_title_run(behind))
    return 0 < size < len(behind) and behind[size].gap.startswith(",")


def _behind(text: str, name: Mention) -> list[Token]:
    """The words behind the comma that follows a name, without an article; none where no comma does."""
    if not text.startswith(",", name.end):
        return []
    words = tokenize(text, name.end + 1, name.end + _REACH)
    return words[1:] if words and words[0].key in _ARTICLES else words


def _titles(text: str, name: Mention) -> Iterator[Words]:
    """The titles that stand before, in or behind a person's name: "General Brel", "Ada Brel, the finance minister".

    Each with its modifiers and without: "foreign minister" and "minister".
    """
    before = tokenize(text, max(0, name.start - _REACH), name.start)
    inside = tokenize(text, name.start, name.end)
    if before and joined(text[before[-1].end : name.start]):
        yield from _endings(_title_run(reversed(before))[::-1])
    if len(inside) > 1:
        yield from _endings(_title_run(inside[:1]))
    yield from _endings(_title_run(_behind(text, name)))


def _title_run(tokens: Iterable[Token]) -> Words:
    """The titles and their modifiers from the first word on, folded."""
    lexicon, run = load_lexicon(), []
    last: Token | None = None
    for token in tokens:
        near = last is None or joined(token.gap if token.start > last.start else last.gap)
        if not near or token.key not in lexicon.titles | lexicon.title_modifiers:
            break
        run.append(token.key)
        last = token
    return tuple(run)


def _endings(run: Words) -> Iterator[Words]:
    """The run and its endings that tell the same office: "general" does not of "secretary general"."""
    lexicon = load_lexicon()
    for at in range(len(run)):
        part = run[at:]
        if part in lexicon.title_phrases or part[-1] in lexicon.titles:
            yield part
        if part in lexicon.title_phrases or run[at] in _SECONDS:
            return
