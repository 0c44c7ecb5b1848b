"""From candidate names to the actors of a document."""

import itertools
import re
from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from stance.actors.catalogue import Entry
from stance.actors.forms import (
    ACRONYM,
    Form,
    identity_of,
    initials_of,
    introductions,
    or_short,
    place_names,
    read_forms,
    spells,
)
from stance.actors.lexicon import load_lexicon
from stance.actors.names import NameSpan, find_names
from stance.actors.naming import bare_name, demonym_bases, entry_nouns, field_noun, guess_type, head_noun
from stance.actors.shortening import Comparison, all_same, exactly, glued_surname, shortens, unglued
from stance.actors.spelling import consonant_kinds, loosely_same, same_spelling, skeleton, sound
from stance.actors.tokens import keys, slug
from stance.schema import AUTHOR, Actor, ActorType, Mention
from stance.text import Sentence

#: Letters from which on a word is looked for among the spellings of states and capitals: "Mogadişu".
SPELT_LETTERS = 6
#: How many groups that share a word are compared with a form, of more the latest or none: so time stays linear.
COMPARED_GROUPS = 50


@dataclass(frozen=True, slots=True)
class Discovery:
    """The actors found in a document, in order of appearance, and the spans that name them, sorted by start.

    `known` has the ids of those actors that the catalogue lists. The names of a dateline have ids of their own, which
    are no actors': the encoder is to see no name at all.
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
    spans = find_names(text, sentences)
    for group in _Grouping(text, [span for span in spans if not span.dateline]).groups():
        name = group.name
        actor_id = _unique(group.entry.id if group.entry else slug(name), used)
        aliases = list(dict.fromkeys(form.text for form in group.forms if form.text != name))
        actors.append(Actor(id=actor_id, name=name, type=group.type, aliases=aliases))
        mentions.extend(Mention(actor=actor_id, start=f.span.start, end=f.span.end) for f in group.forms)
        if group.entry:
            known.add(actor_id)
    for span in spans:
        if span.dateline:
            mentions.append(Mention(actor=_unique("dateline", used), start=span.start, end=span.end))
    return Discovery(actors, sorted(mentions, key=lambda m: m.start), frozenset(known))


def _unique(name: str, used: set[str]) -> str:
    number, candidate = 1, name
    while candidate in used:
        number += 1
        candidate = f"{name}_{number}"
    used.add(candidate)
    return candidate


@dataclass(eq=False)
class _Group:
    """The forms taken for one actor."""

    type: ActorType
    entry: Entry | None = None
    forms: list[Form] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    #: The name to use if the fullest form is none: "Orla" of "Orla" and "Orlian".
    label: str | None = None

    def take(self, form: Form) -> None:
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


_KNOWN_AS = re.compile(
    r"""["'”’,\s]*(?:(?:also|better|formerly|\w+ly)\s+)?(?:known\s+(?:as|by)|nicknamed|alias|aka|a\.k\.a\.)"""
    r"""(?:\s+(?:the|his|her)\s+(?:alias|nickname|name|nom\s+de\s+guerre)(?:\s+of)?)?["'“‘,\s]*"""
)


#: Where a sentence may end; that "Dr." ends none costs nothing here.
_STOP = re.compile(r"""[.!?]["'”’)]*\s""")


class _Grouping:
    """Groups a document's forms: full names first, so that every short form meets the names it may shorten."""

    def __init__(self, text: str, names: Sequence[NameSpan]) -> None:
        self._forms = read_forms(text, names)
        self._groups: list[_Group] = []
        self._by_identity: dict[tuple[str, str], _Group] = {}
        self._by_skeleton: dict[str, list[_Group]] = {}
        self._places = place_names(text, self._forms)
        introduced = dict(introductions(text, self._forms))
        held = set(introduced)
        for form in sorted(self._forms, key=lambda f: (-len(f.keys), f.span.start)):
            if form.span not in held:
                self._place(form)
        self._join_acronyms(introduced)
        self._join_second_names(text)
        self._join_initials()
        self._join_armies()
        self._join_spellings()
        self._join_demonyms()
        self._join_nouns(text)

    def groups(self) -> list[_Group]:
        """The groups in order of appearance, each with its forms in order of the text."""
        filled = [group for group in self._groups if group.forms]
        for group in filled:
            group.forms.sort(key=lambda f: f.span)
        return sorted(filled, key=lambda g: g.forms[0].span)

    def _place(self, form: Form) -> _Group:
        """Put a form into the group it belongs to, or into a new one."""
        identity = identity_of(form)
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

    def _new(self, form: Form) -> _Group:
        group = _Group(form.entry.type if form.entry else guess_type(form.text), form.entry)
        self._groups.append(group)
        # "the Transitional Council" is the Southern one that the catalogue has.
        if not form.entry or (form.entry.type != "state" and len(form.keys) > 2):
            self._index(group, (*form.keys, *glued_surname(form.keys)))
        return group

    def _index(self, group: _Group, words: Iterable[str]) -> None:
        for key in dict.fromkeys(key for word in words for key in _sounds(word)):
            self._by_skeleton.setdefault(key, []).append(group)

    def _fuller(self, form: Form) -> _Group | None:
        """The group whose name this form shortens or respells: of several persons the one named last before."""
        for rate in (exactly, same_spelling, loosely_same):
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

    def _homonym(self, form: Form) -> _Group | None:
        """The person whose surname is spelt like a state, named in full before: "Ada Jordan … Jordan"."""
        if len(form.keys) > 1:
            return None
        fitting = [g for g in self._similar(form) if g.type == "person" and g.last_before(form.span.start) >= 0]
        return next((g for g in fitting if g.forms[0].keys[-1] == form.keys[0] and len(g.forms[0].keys) > 1), None)

    def _similar(self, form: Form) -> list[_Group]:
        words = {key for word in (form.keys[0], form.keys[-1]) for key in _sounds(word)}
        found = (group for word in sorted(words) for group in self._by_skeleton.get(word, [])[-COMPARED_GROUPS:])
        return list(dict.fromkeys(found))

    def _join_acronyms(self, introduced: dict[NameSpan, Form]) -> None:
        """Join each acronym in brackets, and its other uses, with the name in front of the brackets."""
        home = {form.span: group for group in self._groups for form in group.forms}
        for form in self._forms:
            if form.span not in introduced:
                continue
            long_form = introduced[form.span]
            group = home[long_form.span]
            if group.type == "person" and not spells(form.keys[0], long_form):
                self._place(form)
                continue
            if group.type == "person" and load_lexicon().particles.isdisjoint(long_form.keys):
                group.type = "organization"  # else "Mohammed bin Brel (MBB)"
            group.take(form)
            self._merge(self._by_identity.get(identity_of(form)), group)

    def _join_second_names(self, text: str) -> None:
        """Join a name with the one that it is said to be known as: "Ada Brel, better known as Orlo"."""
        home = {form.span: group for group in self._groups for form in group.forms}
        for first, second in itertools.pairwise(self._forms):
            if _KNOWN_AS.fullmatch(text, first.span.end, second.span.start) or or_short(text, first, second):
                one, other = home[first.span], home[second.span]
                if one.forms and other.forms and not (one.entry and other.entry):
                    self._merge(*((one, other) if other.entry else (other, one)))
                    home.update((form.span, other if other.entry else one) for form in (*one.forms, *other.forms))

    def _join_initials(self) -> None:
        """Join an acronym of three letters or more with the one name whose initials it has."""
        by_initials: dict[str, list[_Group]] = {}
        for group in self._groups:
            if group.forms and not group.entry:
                for initials in {i for form in group.forms[:8] for i in initials_of(form.text)}:
                    by_initials.setdefault(initials, []).append(group)
        for group in self._groups:
            forms = group.forms
            if forms and not group.entry and len(forms[0].keys) == 1 and ACRONYM.fullmatch(forms[0].text):
                long_forms = by_initials.get(forms[0].keys[0], [])
                if len(long_forms) == 1 and len(forms[0].keys[0]) > 2:
                    self._merge(group, long_forms[0])

    def _join_armies(self) -> None:
        """Join what a state's armed forces are called in small letters: "the Sudanese army"."""
        for group in self._groups:
            words = group.forms[0].keys if group.forms else ()
            if words[-2:] == ("armed", "forces"):
                army = self._by_identity.get(("letters", "".join((*words[:-2], "army"))))
                if army and army.forms and army.forms[0].text.endswith(" army"):
                    self._merge(army, group)

    def _join_spellings(self) -> None:
        """Join an uncatalogued name with the state that the text names otherwise, if it may be one of its names.

        Another spelling, or a capital that shares its name with many: "Mogadişu", "Georgetown".
        """
        states = [g for g in self._groups if g.forms and g.entry and g.entry.type == "state"]
        for group in self._groups:
            words = group.forms[0].keys if group.forms and not group.entry and not group.forms[0].titled else None
            if words is None or (len(words) == 1 and load_lexicon().ordinary(words[0])):
                continue
            fitting = [g for g in states if g.entry and _may_name(words, g.entry)]
            if len(fitting) == 1:
                self._merge(group, fitting[0])

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

    def _join_nouns(self, text: str) -> None:
        """Join "the Council" and "Interior" with the organisation that the word stands for and that was named last."""
        owners: dict[str, list[_Group]] = {}
        for group in self._groups:
            if group.forms and group.type != "person":
                for noun in _nouns(group):
                    owners.setdefault(noun, []).append(group)
        for group in self._groups:
            word = _bare_noun(group)
            fitting = [into for into in owners.get(sound(word), []) if into is not group] if word else []
            for form in list(group.forms) if len(fitting) <= COMPARED_GROUPS else ():
                if into := _named_last(text, fitting, form.span.start):
                    group.forms.remove(form)
                    into.take(form)

    def _merge(self, group: _Group | None, into: _Group) -> None:
        if group and group is not into and not group.entry:
            for form in group.forms:
                into.take(form)
            group.forms.clear()


def _may_name(words: tuple[str, ...], entry: Entry) -> bool:
    """Whether folded words are a capital of doubtful name, or spell a state's or a capital's name of one word."""
    if words in {keys(seat) for seat in entry.shared_seats}:
        return True
    told = (keys(name) for name in entry.called) if len(words) == 1 and len(words[0]) >= SPELT_LETTERS else ()
    return any(len(k) == 1 and len(k[0]) >= SPELT_LETTERS and loosely_same(words[0], k[0]) for k in told)


def _sounds(word: str) -> tuple[str, ...]:
    """What a folded word is found by in any of its spellings."""
    return skeleton(word), skeleton(unglued(word)), f"~{consonant_kinds(word)}"


def _named_last(text: str, groups: Sequence[_Group], position: int) -> _Group | None:
    """Of the groups named before `position` the one named last there; none where its sentence names another too."""
    named = sorted((last, number) for number, g in enumerate(groups) if (last := g.last_before(position)) >= 0)
    if len(named) > 1 and not _STOP.search(text, named[-2][0], named[-1][0]):
        return None
    return groups[named[-1][1]] if named else None


def _owners(names: dict[str, list[_Group]], wanted: Iterable[str], group: _Group) -> list[_Group]:
    """The other groups, not joined with one before, that have one of the wanted names."""
    found = (into for name in wanted for into in names.get(name, []) if into is not group and into.forms)
    return list(dict.fromkeys(found))


def _bare_word(form: Form) -> str | None:
    words = bare_name(form.keys)
    return words[0] if len(words) == 1 else None


def _nouns(group: _Group) -> set[str]:
    """The sounds of the words that an organisation is called by for short; a state's seat lends it none."""
    names = {form.keys for form in group.forms[:8] if not form.listed or form.listed.kind == "name"}
    nouns = {noun for name in names for noun in (head_noun(name), field_noun(name)) if noun}
    if group.entry and group.entry.type == "state":
        nouns |= {name[0] for name in names if len(name) > 2 and name[1] == "of"} & _REALMS
    return {sound(noun) for noun in nouns.union(entry_nouns(group.entry) if group.entry else ())}


#: What a state is called for short whose full name the text has: "the Kingdom" of the Kingdom of Saudi Arabia.
_REALMS = frozenset({"kingdom", "sultanate", "emirate", "republic", "federation"})


def _bare_noun(group: _Group) -> str | None:
    """The one word of a group that may stand for an organisation, catalogued ones ("Congress") only as the noun."""
    if not group.forms or not group.entry:
        return group.forms[0].sole if group.forms else None
    words = {form.keys for form in group.forms}
    noun = next(iter(words))[0] if len(words) == 1 else ""
    return noun if words == {(noun,)} and noun in load_lexicon().organization_heads else None
