"""Gives the actors of a labelled document other names, with every offset moved along."""

from __future__ import annotations

import json
import random
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from stance.actors import load_catalogue
from stance.actors.lexicon import load_lexicon
from stance.actors.naming import guess_type, head_noun
from stance.actors.tokens import keys, tokenize
from stance.labelled import LabelledDocument
from stance.schema import Actor, ActorType
from training.evaluation.alignment import overlap, stated_type

#: A state's other names begin with this many letters of its name when they are its demonym.
STEM = 4
#: Shorter names are replaced where they are marked only: they may be words.
SHORTEST = 3


class Name(NamedTuple):
    """A name in full, and its short form: a surname, an acronym, a state's demonym."""

    full: str
    short: str


@dataclass(frozen=True)
class Names:
    """Names to swap in, by kind: `pools` to draw from, and `pairs` of opposite reputation."""

    pools: dict[ActorType, list[Name]]
    pairs: dict[ActorType, list[tuple[Name, Name]]]


class _Edit(NamedTuple):
    start: int
    end: int
    text: str


@cache
def load_names() -> Names:
    """The names in `names.json`: real and invented ones, well and ill reputed."""
    raw = json.loads(files("training.evaluation").joinpath("names.json").read_text(encoding="utf-8"))
    return Names(
        pools={kind: [Name(*n) for n in names] for kind, names in raw["pools"].items()},
        pairs={kind: [(Name(*a), Name(*b)) for a, b in pairs] for kind, pairs in raw["pairs"].items()},
    )


def kinds_of(document: LabelledDocument) -> dict[str, ActorType]:
    """Each actor's type: the stated one, or what its name looks like where the data does not tell."""
    return {a.id: stated_type(document, a) or guess_kind(a.name) for a in document.actors}


def guess_kind(name: str) -> ActorType:
    """The type that a bare name looks like; a stray sign passes for an organisation."""
    entry = load_catalogue().lookup(name)
    if entry:
        return entry.type
    words, lexicon = keys(name), load_lexicon()
    guess = guess_type(name) if words else "organization"
    # A single word that is neither an acronym nor a plural nor an organisation's is a surname, mostly.
    lone = len(words) == 1 and not name.isupper() and not words[0].endswith("s") and not lexicon.ordinary(words[0])
    return "person" if guess == "organization" and lone else guess


def swappable(document: LabelledDocument) -> list[Actor]:
    """The actors with a name in the text none of whose names overlaps another actor's."""
    names = [m for m in document.mentions if m.kind == "name"]
    clashing = {
        actor
        for i, one in enumerate(names)
        for two in names[i + 1 :]
        if one.actor != two.actor and overlap((one.start, one.end), (two.start, two.end))
        for actor in (one.actor, two.actor)
    }
    named = {m.actor for m in names} - clashing
    return [a for a in document.actors if a.id in named]


def random_names(document: LabelledDocument, rng: random.Random) -> dict[str, Name]:
    """Another name of the same kind for each swappable actor, none twice and none that the text already has.

    A ministry stays a ministry, and a court a court: the text may go on with "the ministry".
    """
    chosen: dict[str, Name] = {}
    kinds = kinds_of(document)
    for actor in swappable(document):
        free = [
            n
            for n in load_names().pools[kinds[actor.id]]
            if n not in chosen.values() and not mentioned(document.text, n)
        ]
        if free:
            chosen[actor.id] = rng.choice(free)
    return {actor.id: _with_noun(actor.name, chosen[actor.id]) for actor in document.actors if actor.id in chosen}


def _with_noun(old: str, new: Name) -> Name:
    """The new name with the noun of the old one: "Velmark Court" for "Orla Trade Ministry" is "Velmark Ministry"."""
    noun, other = head_noun(keys(old)), head_noun(keys(new.full))
    if noun is None or noun == other:
        return new
    written = next(token.text for token in tokenize(old) if token.key == noun)
    places = [token for token in tokenize(new.full) if token.key == other]
    if not places:
        return new._replace(full=f"{new.full} {written}")
    return new._replace(full=new.full[: places[-1].start] + written + new.full[places[-1].end :])


def mentioned(text: str, name: Name) -> bool:
    """Whether the text has either form of the name."""
    return any(form.casefold() in text.casefold() for form in name)


def rename(document: LabelledDocument, names: Mapping[str, Name]) -> LabelledDocument:
    """The document with the actors in `names` (which must be `swappable`) renamed.

    Each name keeps its form: a surname stays a surname, a demonym a demonym. Where the labels do not list all
    mentions, the actor's other appearances by the same letters are renamed as well.
    """
    edits = sorted(_edits(document, names), key=lambda e: e.start)
    text, shift = _apply(document.text, edits), _Shift(edits)
    update = {
        "text": text,
        "actors": [a.model_copy(update={"name": names[a.id].full}) if a.id in names else a for a in document.actors],
        "mentions": [
            m.model_copy(update={"start": shift.start(m.start), "end": shift.end(m.end)}) for m in document.mentions
        ],
        "sentiment": [s.model_copy(update={"sentence": shift.span(s.sentence)}) for s in document.sentiment],
        "stances": [s.model_copy(update={"sentence": shift.span(s.sentence)}) for s in document.stances],
        "sentences": document.sentences and [shift.span(s) for s in document.sentences],
    }
    return document.model_copy(update=update)


def _edits(document: LabelledDocument, names: Mapping[str, Name]) -> Iterator[_Edit]:
    actors, kinds = {a.id: a for a in document.actors}, kinds_of(document)
    taken: list[tuple[int, int]] = [(m.start, m.end) for m in document.mentions if m.kind == "name"]
    forms: dict[str, str] = {}
    done: list[tuple[int, int]] = []
    # Of an actor's own names that overlap, the longest is replaced.
    for mention in sorted(document.mentions, key=lambda m: m.start - m.end):
        if mention.kind != "name" or mention.actor not in names:
            continue
        kind, name = kinds[mention.actor], actors[mention.actor].name
        start = mention.start + leading(kind, document.text[mention.start : mention.end])
        if any(overlap((start, mention.end), span) for span in done):
            continue
        done.append((start, mention.end))
        old = document.text[start : mention.end]
        new = form_of(kind, name, old, names[mention.actor])
        forms.setdefault(old, new)
        yield _Edit(start, mention.end, new)
    if not document.mentions_complete:
        yield from _unmarked(document.text, forms, taken)


def _unmarked(text: str, forms: Mapping[str, str], taken: Sequence[tuple[int, int]]) -> Iterator[_Edit]:
    """Edits of the same names where no mention is marked."""
    covered = list(taken)
    for old in sorted((f for f in forms if len(f) >= SHORTEST and f[0].isupper()), key=len, reverse=True):
        for match in re.finditer(rf"(?<!\w){re.escape(old)}(?!\w)", text):
            if not any(overlap(match.span(), span) for span in covered):
                covered.append(match.span())
                yield _Edit(*match.span(), forms[old])


def leading(kind: ActorType, name: str) -> int:
    """How many characters of a name its article and titles take up ("the", "President"); these stay."""
    tokens, titles = tokenize(name), load_lexicon().titles
    for token in tokens:
        if token.key != "the" and not (kind == "person" and token.key in titles):
            return token.start
    return 0


def form_of(kind: ActorType, name: str, old: str, new: Name) -> str:
    """The form of the new name that stands for `old`, a form of `name`."""
    if kind == "state":
        return new.short if _demonym(old, name) else new.full
    if kind == "person":
        return new.full if len(keys(old)) > 1 else new.short
    return new.short if old.isupper() else new.full


def _demonym(old: str, name: str) -> bool:
    form = load_catalogue().match(tokenize(old))
    if form:
        return form.kind == "demonym"
    return old != name and old[:STEM] == name[:STEM]


def _apply(text: str, edits: Sequence[_Edit]) -> str:
    parts, at = [], 0
    for edit in edits:
        parts += [text[at : edit.start], edit.text]
        at = edit.end
    return "".join([*parts, text[at:]])


class _Shift:
    """Where offsets of the old text lie in the new one; those inside of an edit move to its ends."""

    def __init__(self, edits: Sequence[_Edit]) -> None:
        self.edits = edits
        self.starts = [e.start for e in edits]
        self.shifts = [0]
        for edit in edits:
            self.shifts.append(self.shifts[-1] + len(edit.text) - (edit.end - edit.start))

    def start(self, position: int) -> int:
        """A span's start."""
        index = bisect_right(self.starts, position)
        if index and position < self.edits[index - 1].end:
            return self.edits[index - 1].start + self.shifts[index - 1]
        return position + self.shifts[index]

    def end(self, position: int) -> int:
        """A span's end, which belongs to the character before it."""
        index = bisect_right(self.starts, position - 1)
        if index and position < self.edits[index - 1].end:
            return self.edits[index - 1].end + self.shifts[index]
        return position + self.shifts[index]

    def span(self, span: Sequence[int]) -> list[int]:
        """Both ends of a span."""
        return [self.start(span[0]), self.end(span[1])]
