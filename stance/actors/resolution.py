"""From candidate names to the actors of a document."""

import itertools
import re
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from stance.actors.catalogue import Entry, load_catalogue
from stance.actors.catalogue import Form as CatalogueForm
from stance.actors.lexicon import load_lexicon
from stance.actors.names import NameSpan, find_names
from stance.actors.naming import bare_name, demonym_bases, entry_nouns, field_noun, guess_type, head_noun, state_body
from stance.actors.shortening import Comparison, all_same, exactly, shortens, unglued
from stance.actors.spelling import same_spelling, skeleton, sound
from stance.actors.titles import title_before
from stance.actors.tokens import keys, slug, tokenize, words_of
from stance.schema import AUTHOR, Actor, ActorType, Mention
from stance.text import Sentence

#: How many of the latest groups that share a word are compared with a new form, so that time stays linear.
COMPARED_GROUPS = 50


@dataclass(frozen=True, slots=True)
class Discovery:
    """The actors found in a document, in order of appearance, and the spans that name them, sorted by start.

    `known` has the ids of those actors that the catalogue lists.
    """

    actors: list[Actor]
    mentions: list[Mention]
    known: frozenset[str] = frozenset()


def discover(text: str, sentences: Sequence[Sentence]) -> Discovery:
    """Find the names of a document and group those that name one actor.

    Ids are slugs of the fullest names, unique in the document; types are guesses from the names' words.
    """
    used = {AUTHOR}
    actors: list[Actor] = []
    mentions: list[Mention] = []
    known: set[str] = set()
    for group in _Grouping(text, find_names(text, sentences)).groups():
        name = group.name
        actor_id = _unique(group.entry.id if group.entry else slug(name), used)
        aliases = list(dict.fromkeys(form.text for form in group.forms if form.text != name))
        actors.append(Actor(id=actor_id, name=name, type=group.type, aliases=aliases))
        mentions.extend(Mention(actor=actor_id, start=f.span.start, end=f.span.end) for f in group.forms)
        if group.entry:
            known.add(actor_id)
    return Discovery(actors, sorted(mentions, key=lambda m: m.start), frozenset(known))


def _unique(name: str, used: set[str]) -> str:
    number, candidate = 1, name
    while candidate in used:
        number += 1
        candidate = f"{name}_{number}"
    used.add(candidate)
    return candidate


@dataclass(frozen=True, slots=True)
class _Form:
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


@dataclass(eq=False)
class _Group:
    """The forms taken for one actor."""

    type: ActorType
    entry: Entry | None = None
    forms: list[_Form] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    #: The name to use if the fullest form is none: "Orla" of "Orla" and "Orlian".
    label: str | None = None

    def take(self, form: _Form) -> None:
        """Add a form, which may stand anywhere in the text."""
        self.forms.append(form)
        insort(self.starts, form.span.start)

    @property
    def name(self) -> str:
        """The catalogue's name, or the fullest form that the document has."""
        if self.entry or self.label:
            return self.entry.name if self.entry else str(self.label)
        return max(self.forms, key=lambda f: (len(f.keys), not f.text.isupper(), len(f.text), -f.span.start)).text

    def last_before(self, position: int) -> int:
        """Where the group was last named before `position`; -1 if it was not."""
        place = bisect_left(self.starts, position)
        return self.starts[place - 1] if place else -1


_SPACE = re.compile(r"\s+")
_KNOWN_AS = re.compile(
    r"""["'”’,\s]*(?:(?:also|better|formerly|\w+ly)\s+)?(?:known\s+(?:as|by)|nicknamed|alias|aka|a\.k\.a\.)"""
    r"""(?:\s+(?:the|his|her)\s+(?:alias|nickname|name|nom\s+de\s+guerre)(?:\s+of)?)?["'“‘,\s]*"""
)
_ACRONYM = re.compile(r"(?:[^\W\d_a-z]\.?){2,8}")


class _Grouping:
    """Groups a document's forms: full names first, so that every short form meets the names it may shorten."""

    def __init__(self, text: str, names: Sequence[NameSpan]) -> None:
        self._forms = _own_acronyms(text, [_read(text, span) for span in names])
        self._groups: list[_Group] = []
        self._by_identity: dict[tuple[str, str], _Group] = {}
        self._by_skeleton: dict[str, list[_Group]] = {}
        self._places = _places(text, self._forms)
        introduced = dict(_introduced(text, self._forms))
        held = set(introduced)
        for form in sorted(self._forms, key=lambda f: (-len(f.keys), f.span.start)):
            if form.span not in held:
                self._place(form)
        self._join_acronyms(introduced)
        self._join_second_names(text)
        self._join_initials()
        self._join_demonyms()
        self._join_nouns()

    def groups(self) -> list[_Group]:
        """The groups in order of appearance, each with its forms in order of the text."""
        filled = [group for group in self._groups if group.forms]
        for group in filled:
            group.forms.sort(key=lambda f: f.span)
        return sorted(filled, key=lambda g: g.forms[0].span)

    def _place(self, form: _Form) -> _Group:
        """Put a form into the group it belongs to, or into a new one."""
        identity = _identity(form)
        group = self._homonym(form) if form.entry else self._by_identity.get(identity) or self._fuller(form)
        group = group or self._by_identity.get(identity) or self._new(form)
        if len(form.keys) > 1 and identity not in self._by_identity and group.forms and not group.entry:
            self._index(group, [word for word in form.keys if word not in group.forms[0].keys])
        # A surname stays open: each use goes to the person named last.
        if group.entry is form.entry and (len(form.keys) > 1 or group.type != "person"):
            self._by_identity[identity] = group
        group.take(form)
        if form.titled and len(group.forms) == 1 and not group.entry:
            group.type = "person"
        return group

    def _new(self, form: _Form) -> _Group:
        group = _Group(form.entry.type if form.entry else guess_type(form.text), form.entry)
        self._groups.append(group)
        if not form.entry:
            self._index(group, form.keys)
        return group

    def _index(self, group: _Group, words: Iterable[str]) -> None:
        for key in dict.fromkeys(skeleton(written) for word in words for written in (word, unglued(word))):
            self._by_skeleton.setdefault(key, []).append(group)

    def _fuller(self, form: _Form) -> _Group | None:
        """The group whose name this form shortens or respells: of several persons the one named last before."""
        for rate in (exactly, same_spelling):
            fitting = [g for g in self._similar(form) if self._fits(form.keys, g, rate)]
            if len(fitting) == 1:
                return fitting[0]
            if fitting and all(g.type == "person" for g in fitting):
                return max(fitting, key=lambda g: g.last_before(form.span.start))
            if fitting:
                return None
        return None

    def _fits(self, words: tuple[str, ...], group: _Group, rate: Comparison) -> bool:
        """Whether words shorten or respell a group's name; a place is no company or club that is named after it."""
        if any(shortens(words, form.text, form.keys, group.type == "person", rate) for form in group.forms[:8]):
            long = group.forms[0].keys
            return group.type == "person" or len(words) > 1 or len(long) == 1 or words[0] not in self._places
        return any(all_same(words, bare_name(form.keys), rate) for form in group.forms[:8])

    def _homonym(self, form: _Form) -> _Group | None:
        """The person whose surname is spelt like a state, named in full before: "Ada Jordan … Jordan"."""
        if len(form.keys) > 1:
            return None
        fitting = [g for g in self._similar(form) if g.type == "person" and g.last_before(form.span.start) >= 0]
        return next((g for g in fitting if g.forms[0].keys[-1] == form.keys[0] and len(g.forms[0].keys) > 1), None)

    def _similar(self, form: _Form) -> list[_Group]:
        words = {skeleton(form.keys[0]), skeleton(form.keys[-1])}
        found = (group for word in sorted(words) for group in self._by_skeleton.get(word, [])[-COMPARED_GROUPS:])
        return list(dict.fromkeys(found))

    def _join_acronyms(self, introduced: dict[NameSpan, _Form]) -> None:
        """Join each acronym in brackets, and its other uses, with the name in front of the brackets."""
        home = {form.span: group for group in self._groups for form in group.forms}
        for form in self._forms:
            if form.span not in introduced:
                continue
            long_form = introduced[form.span]
            group = home[long_form.span]
            if group.type == "person" and form.keys[0] not in _initials(long_form.text):
                self._place(form)
                continue
            if group.type == "person" and load_lexicon().particles.isdisjoint(long_form.keys):
                group.type = "organization"  # else "Mohammed bin Brel (MBB)"
            group.take(form)
            self._merge(self._by_identity.get(_identity(form)), group)

    def _join_second_names(self, text: str) -> None:
        """Join a name with the one that it is said to be known as: "Ada Brel, better known as Orlo"."""
        home = {form.span: group for group in self._groups for form in group.forms}
        for first, second in itertools.pairwise(self._forms):
            if _KNOWN_AS.fullmatch(text, first.span.end, second.span.start) or _or_short(text, first, second):
                one, other = home[first.span], home[second.span]
                if one.forms and other.forms and not (one.entry and other.entry):
                    self._merge(*((one, other) if other.entry else (other, one)))
                    home.update((form.span, other if other.entry else one) for form in (*one.forms, *other.forms))

    def _join_initials(self) -> None:
        """Join an acronym of three letters or more with the one name whose initials it has."""
        by_initials: dict[str, list[_Group]] = {}
        for group in self._groups:
            if group.forms and not group.entry:
                for initials in {i for form in group.forms[:8] for i in _initials(form.text)}:
                    by_initials.setdefault(initials, []).append(group)
        for group in self._groups:
            forms = group.forms
            if forms and not group.entry and len(forms[0].keys) == 1 and _ACRONYM.fullmatch(forms[0].text):
                long_forms = by_initials.get(forms[0].keys[0], [])
                if len(long_forms) == 1 and len(forms[0].keys[0]) > 2:
                    self._merge(group, long_forms[0])

    def _join_demonyms(self) -> None:
        """Join an uncatalogued demonym, or a plural, with the one name it is made from: "Orlian", "Orlians", "Orla"."""
        bases: dict[str, list[_Group]] = {}
        for group in self._groups:
            if group.type != "person" and not group.entry:
                names = {form.sole for form in group.forms[:8]} | {_bare_word(form) for form in group.forms[:8]}
                for name in names - {None}:
                    bases.setdefault(str(name), []).append(group)
        lexicon = load_lexicon()
        for group in self._groups:
            word = group.forms[0].sole if group.forms and group.type != "person" else None
            if word is None or lexicon.organization_heads & {word} or (lexicon.common(word) and word[-1] != "s"):
                continue
            plural = [word[:-1]] if word.endswith("s") else []
            found = _owners(bases, demonym_bases(word), group) or _owners(bases, plural, group)
            if len(found) == 1:
                found[0].label = found[0].name
                self._merge(group, found[0])

    def _join_nouns(self) -> None:
        """Join "the Council" and "Interior" with the one organisation, named before, that the word stands for."""
        owners: dict[str, list[_Group]] = {}
        for group in self._groups:
            if group.forms and group.type != "person":
                for noun in _nouns(group):
                    owners.setdefault(noun, []).append(group)
        for group in self._groups:
            word = _bare_noun(group)
            fitting = [into for into in owners.get(sound(word), []) if into is not group] if word else []
            if len(fitting) == 1:
                behind = [form for form in group.forms if fitting[0].last_before(form.span.start) >= 0]
                group.forms = [form for form in group.forms if form not in behind]
                for form in behind:
                    fitting[0].take(form)

    def _merge(self, group: _Group | None, into: _Group) -> None:
        if group and group is not into and not group.entry:
            for form in group.forms:
                into.take(form)
            group.forms.clear()


def _read(text: str, span: NameSpan) -> _Form:
    form = _SPACE.sub(" ", text[span.start : span.end])
    words = words_of(form)
    # "Brigade of the Storm" is "Brigade of Storm" as well.
    told = state_body(words) or tuple(word.key for word in words if word.key != "the") or keys(form)
    return _Form(span, form, told, title_before(text, span.start) is not None, load_catalogue().match(words))


def _places(text: str, forms: Sequence[_Form]) -> set[str]:
    """One-word names that stand for a place somewhere: "in Orla", or "Orla" where the text has "Orlian" as well."""
    words = {form.sole for form in forms}
    places = {base for word in words if word for base in demonym_bases(word) if base in words}
    for form in forms:
        before = tokenize(text, max(0, form.span.start - 12), form.span.start)
        owner = text[form.span.end : form.span.end + 1] in {"'", "’"}
        if form.sole and before and before[-1].key in _LOCATING and not owner:
            places.add(form.sole)
    return places


_LOCATING = frozenset({"in", "near", "across", "throughout", "inside", "outside"})


def _owners(names: dict[str, list[_Group]], wanted: Iterable[str], group: _Group) -> list[_Group]:
    """The other groups, not joined with one before, that have one of the wanted names."""
    found = (into for name in wanted for into in names.get(name, []) if into is not group and into.forms)
    return list(dict.fromkeys(found))


def _bare_word(form: _Form) -> str | None:
    words = bare_name(form.keys)
    return words[0] if len(words) == 1 else None


def _nouns(group: _Group) -> set[str]:
    """The sounds of the words that an organisation is called by for short; a state's seat lends it none."""
    names = {form.keys for form in group.forms[:8] if not form.listed or form.listed.kind == "name"}
    nouns = {noun for name in names for noun in (head_noun(name), field_noun(name)) if noun}
    return {sound(noun) for noun in nouns.union(entry_nouns(group.entry) if group.entry else ())}


def _bare_noun(group: _Group) -> str | None:
    """The one word of a group that may stand for an organisation, catalogued ones ("Congress") only as the noun."""
    if not group.forms or not group.entry:
        return group.forms[0].sole if group.forms else None
    words = {form.keys for form in group.forms}
    noun = next(iter(words))[0] if len(words) == 1 else ""
    return noun if words == {(noun,)} and noun in load_lexicon().organization_heads else None


def _identity(form: _Form) -> tuple[str, str]:
    """What all forms of one name share: the catalogue's entry, or the letters, as in "Yan-nan" and "Yannan"."""
    return ("entry", form.entry.id) if form.entry else ("letters", "".join(form.keys))


def _own_acronyms(text: str, forms: list[_Form]) -> list[_Form]:
    """The forms, less what the catalogue has for an acronym that the text gives to another: "Brel Aid Union (BAU)".

    It does so in brackets, or where the acronym follows such a name and the text has no other form of the entry.
    """
    own: set[str] = set()
    named: set[str] = set()
    initials: set[str] = set()
    for before, form in itertools.pairwise([forms[0], *forms] if forms else []):
        key = "".join(form.keys)
        if form.entry and form.entry is not before.entry and _in_brackets(text, before, form):
            if key in _initials(before.text):
                own.add(form.text)
        elif form.entry and _ACRONYM.fullmatch(form.text):
            if len(key) > 2 and key in initials and form.entry.id not in named:
                own.add(form.text)
        elif form.entry:
            named.add(form.entry.id)
        else:
            initials |= _initials(form.text)
    return [replace(form, listed=None) if form.text in own else form for form in forms]


def _in_brackets(text: str, before: _Form, form: _Form) -> bool:
    """Whether an acronym stands in brackets directly behind a name of several words: "Ministry of Defence (MoD)"."""
    around = text[before.span.end : form.span.start].strip() + text[form.span.end : form.span.end + 1]
    mixed = form.sole is not None and form.sole in _initials(before.text)
    return (mixed or bool(_ACRONYM.fullmatch(form.text))) and around in {"()", "[]"} and len(before.keys) > 1


def _or_short(text: str, name: _Form, acronym: _Form) -> bool:
    """Whether a name is followed by an acronym that stands for it: "the Orlantang, or OLT, left"."""
    between = text[name.span.end : acronym.span.start].split()
    alike = bool(_ACRONYM.fullmatch(acronym.text)) and name.keys[0][0] == acronym.keys[0][0] and not name.text.isupper()
    return (
        alike and between in ([",", "or"], [",", "or", "the"]) and text[acronym.span.end : acronym.span.end + 1] == ","
    )


def _introduced(text: str, forms: Sequence[_Form]) -> Iterator[tuple[NameSpan, _Form]]:
    """Uncatalogued acronyms that stand in brackets directly behind a name, with that name."""
    for before, form in itertools.pairwise(forms):
        if not form.entry and _in_brackets(text, before, form):
            yield form.span, before


def _initials(name: str) -> set[str]:
    """The initials of a name of several words, with and without those of small words."""
    tokens = words_of(name)
    if len(tokens) < 2:
        return set()
    return {"".join(t.key[0] for t in tokens), "".join(t.key[0] for t in tokens if t.capital)}
