"""What to look for in a text for each given actor."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from stance.actors.catalogue import load_catalogue
from stance.actors.lexicon import load_lexicon
from stance.actors.naming import bare_name, demonyms, field_noun, head_noun
from stance.actors.spelling import VARIANT_LETTERS, same_spelling, variant_key
from stance.actors.syllables import leading_surnames
from stance.actors.tokens import HYPHENS, Token, keys, tokenize
from stance.schema import Actor, ActorType

_SON_OF = frozenset({"bin", "ibn", "bint"})
# Words of organisations' names that the British spell differently.
_AMERICAN = {
    "defence": "defense",
    "labour": "labor",
    "organisation": "organization",
    "centre": "center",
    "programme": "program",
    "harbour": "harbor",
    "theatre": "theater",
}


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
class FirstNames:
    """The folded words before a person's surname; none where only a surname is known."""

    words: set[str] = field(default_factory=set)
    _spelt: dict[tuple[str, str, int], list[str]] = field(default_factory=dict)
    _initials: set[str] = field(default_factory=set)

    def add(self, word: str) -> None:
        """Take in one word."""
        if word not in self.words:
            self.words.add(word)
            self._initials.add(word[0])
            self._spelt.setdefault(variant_key(word), []).append(word)

    def fit(self, word: str) -> bool:
        """Whether a word is one of the first names, in another spelling, or the initial of one."""
        initial = word in self._initials if len(word) == 1 else word[0] in self.words
        return initial or any(same_spelling(word, name) for name in self._spelt.get(variant_key(word), ()))


@dataclass
class Patterns:
    """All patterns, by their words and, for spelling variants, by `variant_key` of one-word names.

    What a text costs does not grow with the number of patterns: an actors file may list a hundred thousand names that
    begin with the same word.
    """

    by_skeleton: dict[tuple[str, str, int], list[Pattern]] = field(default_factory=dict)
    first_names: dict[str, FirstNames] = field(default_factory=dict)
    #: For each organisation the words that it is called by for short: "council" for "Council of Accord".
    nouns: dict[str, set[str]] = field(default_factory=dict)
    known: set[tuple[bool, tuple[str, ...]]] = field(default_factory=set)
    _by_words: dict[tuple[str, ...], list[Pattern]] = field(default_factory=dict)
    #: For each first word the numbers of words of its patterns, the largest first.
    _sizes: dict[str, list[int]] = field(default_factory=dict)

    def add(self, pattern: Pattern, variants: bool = False) -> None:
        """Index a pattern unless an earlier one is written the same; longer ones are tried first."""
        written = (pattern.acronym, pattern.keys)
        if not pattern.keys or written in self.known:
            return
        self.known.add(written)
        self._by_words.setdefault(_spelt(pattern.keys), []).append(pattern)
        sizes = self._sizes.setdefault(_AMERICAN.get(pattern.keys[0], pattern.keys[0]), [])
        if len(pattern.keys) not in sizes:
            sizes.append(len(pattern.keys))
            sizes.sort(reverse=True)
        if variants and len(pattern.keys) == 1 and len(pattern.keys[0]) >= VARIANT_LETTERS and not pattern.acronym:
            self.by_skeleton.setdefault(variant_key(pattern.keys[0]), []).append(pattern)

    def at(self, tokens: Sequence[Token], position: int) -> Iterator[Pattern]:
        """Patterns whose words stand at a position of a text, the longest first, then those added first."""
        key = tokens[position].key
        for size in self._sizes.get(_AMERICAN.get(key, key), ()):
            words = tuple(token.key for token in tokens[position : position + size])
            if len(words) == size:  # not so at the end of the text
                yield from self._by_words.get(_spelt(words), ())

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.known)


def _spelt(words: tuple[str, ...]) -> tuple[str, ...]:
    """Folded words in American spelling, where there are several: "Labour" alone is not "Labor"."""
    return tuple(_AMERICAN.get(word, word) for word in words) if len(words) > 1 else words


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
        for name in (actor.name, *actor.aliases):
            if glued := _glued(name):
                patterns.add(Pattern(actor.id, glued, (glued.lower(),)))
        for name in _catalogued(actor):
            patterns.add(Pattern(actor.id, name, keys(name)))
    _add_surnames(patterns, actors)
    for actor in actors:
        for name in shorter_names(actor):
            patterns.add(Pattern(actor.id, name, keys(name)))
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
        if len(words) == 2 and words[0] in {"north", "south", "east", "west"}:
            patterns.add(Pattern(actor.id, f"{words[0][0].upper()} {name.split()[-1]}", (words[0][0], words[1])))
        bare = bare_name(words) or words
        if not bare or catalogue.lookup(name) or name.isupper() or not name[0].isupper():
            continue
        further = demonyms(bare[0]) if len(bare) == 1 else ()
        for form in (" ".join(bare), *further):
            # A state has some thirty such forms; one of plain letters need not be folded again.
            plain = form.isascii() and form.isalpha()
            listed = None if plain and not catalogue.has((form,)) else catalogue.lookup(form.title())
            if not listed and not lexicon.common(form):
                patterns.add(
                    Pattern(actor.id, form.title(), (form,) if plain else keys(form)), variants=form == bare[0]
                )


def _glued(name: str) -> str | None:
    """A name of two words with a hyphen between them, written as one: "Alshabaab" for "al-Shabaab"."""
    words = keys(name)
    if len(words) != 2 or HYPHENS.isdisjoint(name):
        return None
    glued = "".join(words)
    return None if load_lexicon().ordinary(glued) or load_catalogue().has((glued,)) else glued.title()


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
        before = patterns.first_names.setdefault(actor.id, FirstNames())
        for name in (actor.name, *actor.aliases):
            words = keys(name)
            for word in words[:-1]:
                before.add(word)
            for surname in surnames(name) if len(words) > 1 else ():
                owners.setdefault(keys(surname), {})[actor.id] = surname
    for words, who in owners.items():
        ids, surname = tuple(who), next(iter(who.values()))
        if not load_catalogue().lookup(surname):
            patterns.add(Pattern(ids[0], surname, words, ids if len(ids) > 1 else ()), variants=len(ids) == 1)


def shorter_names(actor: Actor) -> Iterator[str]:
    """What else an actor is called by less of its name.

    "Nicolás Maduro" for a person "Nicolás Maduro Moros", "Orla Steel" for an organisation "Orla Steel, Inc.", "Orlan"
    for a group "Orlans".
    """
    lexicon = load_lexicon()
    for name in (actor.name, *actor.aliases):
        tokens = tokenize(name)
        if actor.type == "person" and len(tokens) > 2 and not leading_surnames(tokens):
            kept = tokens[:-1]
            if (
                all(len(t.key) > 1 for t in kept[:2])
                and kept[-1].key not in lexicon.particles | lexicon.hyphen_particles
            ):
                yield name[: kept[-1].end]
        elif actor.type == "organization":
            size = len(tokens)
            while size > 1 and tokens[size - 1].key in lexicon.legal_forms:
                size -= 1
            short = name[: tokens[size - 1].end] if tokens else ""
            if 0 < size < len(tokens) and not load_catalogue().lookup(short):
                yield short
        if actor.type in {"group", "armed_group"} and _plural(name):
            yield name[:-1]


def _plural(name: str) -> bool:
    """Whether a name of one word is a plural that may lose its "s": "Orlans", not "Hamas" or "Taliban"."""
    return (
        name.isalpha()
        and name[0].isupper()
        and len(name) >= VARIANT_LETTERS
        and name.endswith(("ns", "is", "ts", "ds"))
    )


def surnames(name: str) -> list[str]:
    """What a person with this full name is called for short: "van der Brel" and "Brel" for "Ada van der Brel"."""
    tokens, lexicon = tokenize(name), load_lexicon()
    if not tokens:
        return []
    if leading := leading_surnames(tokens):
        return leading
    last = len(tokens) - 1
    if last > 1 and tokens[last].key in lexicon.suffixes:
        last -= 1
    start = last
    while start > 1 and tokens[start - 1].key in lexicon.particles | lexicon.hyphen_particles:
        start -= 1
    # "King Salman" is not "Mohammed bin Salman", who is his son.
    bare = [] if tokens[last - 1].key in _SON_OF else [last]
    forms = dict.fromkeys(name[tokens[first].start : tokens[last].end] for first in (start, *bare))
    return [form for form in forms if len(form) > 1]
