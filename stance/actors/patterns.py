"""What to look for in a text for each given actor."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from stance.actors.catalogue import load_catalogue
from stance.actors.lexicon import load_lexicon
from stance.actors.naming import bare_name, demonyms, field_noun, head_noun
from stance.actors.spelling import VARIANT_LETTERS, skeleton
from stance.actors.tokens import keys, tokenize
from stance.schema import Actor, ActorType


@dataclass(frozen=True, slots=True)
class Pattern:
    """One way to write an actor. A surname that several given persons share names them all as `rivals`.

    `given` is what the caller listed, as a name or an alias, and did not follow from that.
    """

    actor: str
    text: str
    keys: tuple[str, ...]
    rivals: tuple[str, ...] = ()
    given: bool = False

    @property
    def acronym(self) -> bool:
        """Whether the pattern is written in capitals only."""
        return len(self.text) > 1 and self.text.isupper()


@dataclass
class Patterns:
    """All patterns, by first word and, for spelling variants, by the consonants of one-word names."""

    by_word: dict[str, list[Pattern]] = field(default_factory=dict)
    by_skeleton: dict[str, list[Pattern]] = field(default_factory=dict)
    #: For each person the folded words before the surname; empty where only a surname is known.
    first_names: dict[str, set[str]] = field(default_factory=dict)
    #: For each organisation the words that it is called by for short: "council" for "Council of Accord".
    nouns: dict[str, set[str]] = field(default_factory=dict)
    known: set[tuple[bool, tuple[str, ...]]] = field(default_factory=set)

    def add(self, pattern: Pattern, variants: bool = False) -> None:
        """Index a pattern unless an earlier one is written the same; longer ones are tried first."""
        written = (pattern.acronym, pattern.keys)
        if not pattern.keys or written in self.known:
            return
        self.known.add(written)
        same = self.by_word.setdefault(pattern.keys[0], [])
        same.append(pattern)
        same.sort(key=lambda p: -len(p.keys))
        if variants and len(pattern.keys) == 1 and len(pattern.keys[0]) >= VARIANT_LETTERS and not pattern.acronym:
            self.by_skeleton.setdefault(skeleton(pattern.keys[0]), []).append(pattern)


def build_patterns(actors: Sequence[Actor]) -> Patterns:
    """The patterns of some actors; built once for many texts with the same actors, so never to be changed."""
    return _build(tuple((a.id, a.name, a.type, tuple(a.aliases)) for a in actors))


@lru_cache(maxsize=64)
def _build(described: tuple[tuple[str, str, ActorType, tuple[str, ...]], ...]) -> Patterns:
    """Names and aliases of all actors first, then what the catalogue adds, then surnames alone and plurals."""
    actors = [Actor(id=i, name=name, type=kind, aliases=list(aliases)) for i, name, kind, aliases in described]
    patterns = Patterns()
    for actor in actors:
        for name in (actor.name, *actor.aliases):
            patterns.add(Pattern(actor.id, name, _without_article(name), given=True), variants=True)
    for actor in actors:
        for name in _catalogued(actor):
            patterns.add(Pattern(actor.id, name, keys(name)))
    _add_surnames(patterns, actors)
    for actor in actors:
        for name in (actor.name, *actor.aliases):
            if name[:1].isupper() and not name.isupper() and name.isalpha() and len(name) >= VARIANT_LETTERS:
                patterns.add(Pattern(actor.id, name + "s", keys(name + "s")))
    for actor in actors:
        if actor.type == "state":
            _add_state(patterns, actor)
        elif actor.type != "person":
            names = [_without_article(name) for name in (actor.name, *actor.aliases, *_catalogued(actor))]
            patterns.nouns[actor.id] = {
                noun for words in names for noun in (head_noun(words), field_noun(words)) if noun
            }
    return patterns


def _add_state(patterns: Patterns, actor: Actor) -> None:
    """What a state that the catalogue does not know is called as well: "Orla", "Orlian" for "Republic of Orla"."""
    lexicon, catalogue = load_lexicon(), load_catalogue()
    for name in (actor.name, *actor.aliases):
        words = _without_article(name)
        bare = bare_name(words) or words
        if not bare or catalogue.lookup(name) or name.isupper() or not name[0].isupper():
            continue
        further = demonyms(bare[0]) if len(bare) == 1 else ()
        for form in (" ".join(bare), *further):
            if not lexicon.common(form) and not catalogue.lookup(form.title()):
                patterns.add(Pattern(actor.id, form.title(), keys(form)), variants=form == bare[0])


def _without_article(name: str) -> tuple[str, ...]:
    words = keys(name)
    return words[1:] if len(words) > 1 and words[0] == "the" else words


def _catalogued(actor: Actor) -> Iterable[str]:
    """The further forms of an actor that the catalogue knows by its name or an alias."""
    for name in (actor.name, *actor.aliases):
        entry = load_catalogue().lookup(name)
        if entry and actor.type in {entry.type, "organization"}:
            return (entry.name, *entry.names, *entry.demonyms, *entry.seats)
    return ()


def _add_surnames(patterns: Patterns, actors: Sequence[Actor]) -> None:
    """Surnames alone; one that the catalogue has as a state or organisation ("Jordan") stands for that."""
    owners: dict[tuple[str, ...], dict[str, str]] = {}
    for actor in actors:
        if actor.type != "person":
            continue
        before = patterns.first_names.setdefault(actor.id, set())
        for name in (actor.name, *actor.aliases):
            words = keys(name)
            before.update(words[:-1])
            for surname in surnames(name) if len(words) > 1 else ():
                owners.setdefault(keys(surname), {})[actor.id] = surname
    for words, who in owners.items():
        ids, surname = tuple(who), next(iter(who.values()))
        if not load_catalogue().lookup(surname):
            patterns.add(Pattern(ids[0], surname, words, ids if len(ids) > 1 else ()), variants=len(ids) == 1)


def surnames(name: str) -> list[str]:
    """What a person with this full name is called for short: "van der Brel" and "Brel" for "Ada van der Brel"."""
    tokens, lexicon = tokenize(name), load_lexicon()
    if not tokens:
        return []
    last = len(tokens) - 1
    if last > 1 and tokens[last].key in lexicon.suffixes:
        last -= 1
    start = last
    while start > 1 and tokens[start - 1].key in lexicon.particles | lexicon.hyphen_particles:
        start -= 1
    forms = dict.fromkeys(name[tokens[first].start : tokens[last].end] for first in (start, last))
    return [form for form in forms if len(form) > 1]
