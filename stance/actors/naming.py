"""Other ways to call what has a name: a state's demonyms and bare name, an organisation's noun."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from stance.actors.catalogue import Entry, load_catalogue
from stance.actors.lexicon import load_lexicon
from stance.actors.syllables import leading_surnames
from stance.actors.tokens import REMEMBERED, Token, keys, words_of
from stance.schema import ActorType

#: Letters that a demonym must share with the name it is made from.
STEM_LETTERS = 4

_ENDINGS = ("n", "an", "ian", "ean", "i", "ese", "ish", "er")
# Plurals of these end as the singular does: "the Benese".
_UNCOUNTED = ("ese", "ish")
_VOWELS = "aeiouy"
# Letters at the end of a name that demonyms drop: "Orla", "Orlian".
_DROPPED = "aeoy"
# What a state calls itself in front of or behind its bare name.
_STATE_HEADS = frozenset({"republic", "kingdom", "emirate", "sultanate", "principality", "duchy", "caliphate", "state"})
# A text that says "the Kingdom" means the one that it named; of republics there are too many.
_MONARCHIES = frozenset({"kingdom", "emirate", "sultanate", "principality", "duchy"})
# Nouns that states and cities are named by as well as bodies.
_LANDS = _STATE_HEADS | {"country", "nation", "nations", "city", "united", "union", "house"}
_JOINING = frozenset({"of", "for", "on", "in", "against", "du", "des", "del", "de", "da", "do", "e"})
# Offices that are called by their field: "Interior said".
_FIELD_HEADS = frozenset({"ministry", "department"})


def demonym_bases(word: str) -> Iterator[str]:
    """Names that a folded word may be the demonym of: "golistani" → "golistan", "golistana", …"""
    for singular in (word, word.removesuffix("s")) if word.endswith("s") else (word,):
        for ending in _ENDINGS:
            stem = singular.removesuffix(ending)
            plural = singular != word
            if stem == singular or len(stem) < STEM_LETTERS or (plural and ending in _UNCOUNTED):
                continue
            if ending != "n" or stem[-1] in _VOWELS:
                yield stem
            if ending != "n" and stem[-1] not in _VOWELS:
                yield from (stem + vowel for vowel in _DROPPED)


def demonyms(name: str) -> Iterator[str]:
    """Folded words that may be demonyms of a folded one-word name; the inverse of `demonym_bases`."""
    stems = [name, name[:-1]] if name[-1] in _DROPPED and name[-2:-1] not in _VOWELS else [name]
    for stem in stems:
        for ending in _ENDINGS:
            fits = (stem[-1] in _VOWELS and stem == name) if ending == "n" else True
            if len(stem) >= STEM_LETTERS and fits:
                yield stem + ending
                if ending not in _UNCOUNTED:
                    yield stem + ending + "s"


def bare_name(words: Sequence[str]) -> tuple[str, ...]:
    """What a state is called for short: "orla" for "republic of orla" and "orla autonomous republic"; else nothing."""
    lexicon = load_lexicon()
    if "of" in words:
        place = list(words).index("of")
        head, rest = words[:place], tuple(word for word in words[place + 1 :] if word != "the")
    else:
        head, rest = words[1:], tuple(words[:1])
    if not head or head[-1] not in _STATE_HEADS or not all(map(lexicon.ordinary, head[:-1])):
        return ()
    return rest if rest and not any(lexicon.ordinary(word) for word in rest) else ()


def head_noun(words: Sequence[str]) -> str | None:
    """The noun that says what an organisation is: "council" of "council of accord", "league" of "Arab League"."""
    heads = load_lexicon().organization_heads | _MONARCHIES
    if len(words) < 2:
        return None
    place = next((i for i, word in enumerate(words) if word in _JOINING), len(words))
    return words[place - 1] if place and words[place - 1] in heads else None


def entry_nouns(entry: Entry) -> set[str]:
    """What the texts call a catalogued actor by: "alliance" for NATO, "kingdom" for the Kingdom of Morocco."""
    heads = {head_noun(keys(name)) for name in (entry.name, *entry.names)}
    told = heads & _MONARCHIES if entry.type == "state" else heads
    return {noun for noun in told if noun} | set(entry.nouns)


def is_field_joint(word: str) -> bool:
    """Whether what an organisation is stands before this word, and what it is for behind: "of", "for", "against"."""
    return word in _JOINING


def office_field(words: Sequence[str]) -> str | None:
    """The first word of an office's field, by which it is also called: "foreign" of "ministry of foreign affairs"."""
    plain = [word for word in words if word not in {"of", "the"}]
    return plain[1] if len(plain) > 1 and words[0] in _FIELD_HEADS and words[1] == "of" else None


def state_body(words: Sequence[Token]) -> tuple[str, ...]:
    """The folded words of a state's body, alike for "Oman's police" and "Omani police"; none of another name."""
    catalogue = load_catalogue()
    for size in range(len(words) - 1, 0, -1):
        form = catalogue.match(words[:size])
        if form and form.entry.type == "state" and form.kind != "seat" and head_noun(tuple(w.key for w in words)):
            return (*form.entry.id.split("_"), *(word.key for word in words[size:]))
    return ()


def field_noun(words: Sequence[str]) -> str | None:
    """The one-word field of an office: "interior" of "ministry of the interior"."""
    plain = [word for word in words if word not in {"of", "the"}]
    return plain[1] if len(plain) == 2 and plain[0] in _FIELD_HEADS and "of" in words else None


@lru_cache(maxsize=REMEMBERED)
def is_body(name: str) -> bool:
    """Whether a name's noun says that it is neither a person nor a state: "Orla Grammar School", "Halvor Steel"."""
    words, lexicon = keys(name), load_lexicon()
    nouns = {words[-1], words[0]} if "of" in words else set(words[-1:])
    heads = lexicon.organization_heads - _LANDS
    # "Steel" alone may be anybody; "Senate" is none.
    return not nouns.isdisjoint(heads | lexicon.company_words if len(words) > 1 else heads)


def guess_type(name: str) -> ActorType:
    """A first guess at an uncatalogued actor's type from the words of its name."""
    lexicon, words = load_lexicon(), keys(name)
    if bare_name(words):
        return "state"
    if lexicon.armed_heads.intersection(words):
        return "armed_group"
    if lexicon.government_heads.intersection(words):
        return "government"
    lettered = name.isupper() or name.split()[-1].isupper() or any(c.isdigit() or c == "&" for c in name)
    if lexicon.organization_heads.intersection(words) or lettered or is_body(name):
        return "organization"
    if len(leading_surnames(words_of(name))) == 1:
        return "person"
    strange = sum(not lexicon.ordinary(word) for word in words) + (words[0] in lexicon.given_names)
    person = 2 <= len(words) <= 5 and strange * 2 >= len(words) and words[-1] not in lexicon.thing_nouns
    state = words[0] not in lexicon.given_states and load_catalogue().lookup(name.split()[0])
    return "person" if person and not state else "organization"
