"""What the candidate names of a document say by themselves: words, titles, the catalogue's entries, acronyms."""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from stance.actors.catalogue import Entry, load_catalogue
from stance.actors.catalogue import Form as CatalogueForm
from stance.actors.names import NameSpan
from stance.actors.naming import demonym_bases, state_body
from stance.actors.titles import title_before
from stance.actors.tokens import Token, keys, tokenize, words_of


@dataclass(frozen=True, slots=True)
class Form:
    """One candidate name of the text: its words, whether a title stands before it, and what the catalogue has."""

    span: NameSpan
    text: str
    keys: tuple[str, ...]
    titled: bool
    listed: CatalogueForm | None

    @property
    def entry(self) -> Entry | None:
        """The catalogue's entry that the form stands for, if one does."""
        return self.listed.entry if self.listed else None

    @property
    def sole(self) -> str | None:
        """The word of an uncatalogued name that has one only and no title before it."""
        return self.keys[0] if len(self.keys) == 1 and not self.listed and not self.titled else None


_SPACE = re.compile(r"\s+")
# Characters before a name in which "in" or "government of" stands.
_REACH = 16
#: An acronym, with or without full stops.
ACRONYM = re.compile(r"(?:[^\W\d_a-z]\.?){2,8}")
#: Letters at the beginning of an acronym that tell whose it is.
TELLING_INITIALS = 3


def read_forms(text: str, names: Sequence[NameSpan]) -> list[Form]:
    """The forms of a text in order, each with the entry that it stands for in this text."""
    return _spelt_out(text, _own_acronyms(text, _shared([_read(text, span) for span in names])))


def _read(text: str, span: NameSpan) -> Form:
    form = _SPACE.sub(" ", text[span.start : span.end])
    words = words_of(form)
    # "Brigade of the Storm" is "Brigade of Storm" as well.
    told = state_body(words) or tuple(word.key for word in words if word.key != "the") or keys(form)
    return Form(span, form, told, title_before(text, span.start) is not None, load_catalogue().match(words))


def identity_of(form: Form) -> tuple[str, str]:
    """What all forms of one name share: the catalogue's entry, or the letters, as in "Yan-nan" and "Yannan"."""
    return ("entry", form.entry.id) if form.entry else ("letters", "".join(form.keys))


def _shared(forms: list[Form]) -> list[Form]:
    """The forms; a name that two entries have is that of the one which the text names otherwise: "Congo"."""
    options = [list(load_catalogue().matches(words_of(form.text))) if form.listed else [] for form in forms]
    named = {found[0].entry.id for found in options if len({f.entry.id for f in found}) == 1}
    for at, found in enumerate(options):
        entries = dict.fromkeys(f.entry.id for f in found)
        wanted = [entry for entry in entries if entry in named]
        if len(entries) > 1 and len(wanted) == 1:
            forms[at] = replace(forms[at], listed=next(f for f in found if f.entry.id == wanted[0]))
    return forms


def _own_acronyms(text: str, forms: list[Form]) -> list[Form]:
    """The forms, less what the catalogue has for an acronym that the text gives to another: "Brel Aid Union (BAU)".

    It does so in brackets, or where the acronym follows such a name and the text has no other form of the entry.
    """
    own: set[str] = set()
    named: set[str] = set()
    initials: set[str] = set()
    for before, form in itertools.pairwise([forms[0], *forms] if forms else []):
        key = "".join(form.keys)
        if form.entry and form.entry is not before.entry and _in_brackets(text, before, form):
            if key in initials_of(before.text):
                own.add(form.text)
        elif form.entry and ACRONYM.fullmatch(form.text):
            if len(key) > 2 and key in initials and form.entry.id not in named:
                own.add(form.text)
        elif form.entry:
            named.add(form.entry.id)
        else:
            initials |= initials_of(form.text)
    return [replace(form, listed=None) if form.text in own else form for form in forms]


def _spelt_out(text: str, forms: list[Form]) -> list[Form]:
    """The forms, with the catalogue's entry of an acronym in brackets for the name that it stands behind."""
    known: dict[tuple[str, ...], CatalogueForm] = {}
    for name, form in _bracketed(text, forms):
        if form.listed and form.listed.entry.type != "state" and not name.listed and not name.titled:
            known[name.keys] = form.listed
    return [replace(form, listed=known[form.keys]) if form.keys in known else form for form in forms]


def _in_brackets(text: str, before: Form, form: Form) -> bool:
    """Whether an acronym stands in brackets directly behind a name of several words: "Ministry of Defence (MoD)"."""
    mixed = form.sole is not None and form.sole in initials_of(before.text)
    acronym = mixed or bool(ACRONYM.fullmatch(form.text))
    return acronym and len(before.keys) > 1 and _enclosed(text, before, form)


def _enclosed(text: str, before: Form, form: Form) -> bool:
    """Whether a form stands alone in brackets that follow another."""
    return text[before.span.end : form.span.start].strip() + text[form.span.end : form.span.end + 1] in {"()", "[]"}


def or_short(text: str, name: Form, acronym: Form) -> bool:
    """Whether a name is followed by an acronym that stands for it: "the Orlantang, or OLT, left"."""
    between = text[name.span.end : acronym.span.start].split()
    alike = bool(ACRONYM.fullmatch(acronym.text)) and name.keys[0][0] == acronym.keys[0][0] and not name.text.isupper()
    return (
        alike and between in ([",", "or"], [",", "or", "the"]) and text[acronym.span.end : acronym.span.end + 1] == ","
    )


def introductions(text: str, forms: Sequence[Form]) -> Iterator[tuple[NameSpan, Form]]:
    """Uncatalogued acronyms that stand in brackets directly behind a name, with that name."""
    for name, form in _bracketed(text, forms):
        if not form.entry:
            yield form.span, name


def _bracketed(text: str, forms: Sequence[Form]) -> Iterator[tuple[Form, Form]]:
    """Each name with the acronym that stands in brackets directly behind it, or behind the state that it ends in."""
    for before, form in itertools.pairwise(forms):
        if _in_brackets(text, before, form):
            yield before, form
    for name, state, form in zip(forms, forms[1:], forms[2:], strict=False):
        if state.entry and state.entry.type == "state" and _jumbled(text, name, state, form):
            yield name, form


def _jumbled(text: str, name: Form, state: Form, form: Form) -> bool:
    """Whether an acronym has the initials in another language's order: "Forces for the Peace of Rwanda (FRP)"."""
    joint = text[name.span.end : state.span.start].split()
    letters = sorted(token.key[0] for token in words_of(text[name.span.start : state.span.end]) if token.capital)
    placed = joint in (["of"], ["of", "the"]) and _enclosed(text, state, form)
    return placed and bool(ACRONYM.fullmatch(form.text)) and letters == sorted("".join(form.keys))


def spells(acronym: str, name: Form) -> bool:
    """Whether a folded acronym in brackets can be nothing but the name's, not the party of a person of that name.

    It has its initials, perhaps with more behind them ("PDVSA"), or begins with its first letters ("CARICOM").
    """
    initials = initials_of(name.text)
    longer = any(len(i) >= TELLING_INITIALS and acronym.startswith(i) for i in initials)
    return acronym in initials or longer or acronym.startswith(name.keys[0][:TELLING_INITIALS])


def initials_of(name: str) -> set[str]:
    """The initials of a name of several words, with and without those of small words."""
    tokens = words_of(name)
    if len(tokens) < 2:
        return set()
    return {"".join(t.key[0] for t in tokens), "".join(t.key[0] for t in tokens if t.capital)}


def place_names(text: str, forms: Sequence[Form]) -> set[str]:
    """One-word names that stand for a place somewhere: "in Orla", or "Orla" where the text has "Orlian" as well."""
    words = {form.sole for form in forms}
    places = {base for word in words if word for base in demonym_bases(word) if base in words}
    for form in forms:
        before = tokenize(text, max(0, form.span.start - _REACH), form.span.start)
        owner = text[form.span.end : form.span.end + 1] in {"'", "’"}
        if form.sole and before and (before[-1].key in _LOCATING or _governed(before)) and not owner:
            places.add(form.sole)
    return places


_LOCATING = frozenset({"in", "near", "across", "throughout", "inside", "outside"})
_GOVERNED = frozenset({"government", "city", "town", "island", "port"})


def _governed(before: Sequence[Token]) -> bool:
    """Whether what follows has a government: "the government of Orla"."""
    return [token.key for token in before[-1:]] == ["of"] and not _GOVERNED.isdisjoint(t.key for t in before[-2:-1])
