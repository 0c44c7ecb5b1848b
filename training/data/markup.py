"""The working markup of the project's own corpus: one line a sentence, mentions in brackets.

    # w1-003 | border dispute
    @ talvia | Talvia | state
    @ brel | Ada Brel | person
    H: [Talvia>talvia] summons envoy
    S: [Brel>brel] condemned [the neighbour>talvia~n], and said [she>brel~p] would not go.
      + talvia negative
      > brel talvia against

`#` opens a document (`id | topic`), `@` declares an actor (`id | name | type`), `S:` is a sentence and
`H:` a heading. `[text>actor]` is a name, `~p` makes it a pronoun, `~n` a noun phrase. Under a sentence,
`+` gives an actor's sentiment and `>` the stance of a holder toward a target; what is not given is neutral.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, cast, get_args

from stance.schema import AUTHOR, ActorType, MentionKind, SentimentLabel, StanceLabel
from training.data.errors import DataError, RowProblem
from training.data.readers.common import numbered_lines

#: A holder may stand this many sentences before the sentence of the stance.
HOLDER_REACH = 4

#: How few and how many sentences a document has.
LENGTHS = (3, 12)

_MENTION = re.compile(r"\[([^\[\]>]+)>([a-z0-9_]+)(?:~([pn]))?\]")
_KINDS: dict[str | None, MentionKind] = {None: "name", "p": "pronoun", "n": "nominal"}


@dataclass(frozen=True)
class MarkedActor:
    """A declared actor."""

    id: str
    name: str
    type: ActorType


@dataclass(frozen=True)
class MarkedMention:
    """A mention; `start` and `end` are offsets into its sentence."""

    actor: str
    start: int
    end: int
    kind: MentionKind


@dataclass
class MarkedSentence:
    """A sentence without its markup, and the labels that are not neutral; stances by (holder, target)."""

    text: str
    heading: bool
    mentions: list[MarkedMention]
    sentiment: dict[str, SentimentLabel] = field(default_factory=dict)
    stances: dict[tuple[str, str], StanceLabel] = field(default_factory=dict)

    @property
    def actors(self) -> list[str]:
        """The ids of the mentioned actors, in order of their first mention."""
        return list(dict.fromkeys(mention.actor for mention in self.mentions))


@dataclass
class MarkedDocument:
    """A document as it was marked; `line` is that of its header."""

    id: str
    topic: str
    line: int
    actors: dict[str, MarkedActor] = field(default_factory=dict)
    sentences: list[MarkedSentence] = field(default_factory=list)

    def holders(self, index: int) -> list[str]:
        """Return the actors mentioned in sentence `index` or in the `HOLDER_REACH` sentences before."""
        near = self.sentences[max(0, index - HOLDER_REACH) : index + 1]
        return list(dict.fromkeys(actor for sentence in near for actor in sentence.actors))


def parse_markup(paths: Iterable[Path]) -> list[MarkedDocument]:
    """Return the documents of all files in order; raise `DataError` that lists every bad line."""
    problems: list[RowProblem] = []
    documents: list[MarkedDocument] = []
    places: dict[str, str] = {}
    for path in paths:
        for document in _Parser(path, problems).parse():
            place = f"{path}:{document.line}"
            first = places.setdefault(document.id, place)
            if first != place:
                problems.append(
                    RowProblem(str(path), document.line, "#", f"{document.id!r} is already used at {first}")
                )
            documents.append(document)
    if problems:
        raise DataError(problems)
    return documents


class _BadLine(ValueError):
    """A line that breaks the markup; the message says how to mend it."""


def _bad(message: str) -> NoReturn:
    raise _BadLine(message)


class _Parser:
    """Reads one file; bad lines go to `problems`."""

    def __init__(self, path: Path, problems: list[RowProblem]) -> None:
        self.path = path
        self.problems = problems
        self.documents: list[MarkedDocument] = []

    def parse(self) -> list[MarkedDocument]:
        readers = {"#": self._header, "@": self._actor, "S:": self._sentence, "H:": self._sentence}
        readers |= {"+": self._sentiment, ">": self._stance}
        for number, line in numbered_lines(self.path):
            if not line.strip():
                continue
            sign, _, rest = line.strip().partition(" ")
            try:
                if sign not in readers:
                    _bad(f"unknown line; it must begin with one of {' '.join(readers)}")
                readers[sign](number, sign, rest.strip())
            except _BadLine as error:
                self.problems.append(RowProblem(str(self.path), number, sign, str(error)))
        for document in self.documents:
            for message in _complaints(document):
                self.problems.append(RowProblem(str(self.path), document.line, document.id, message))
        return self.documents

    def _header(self, number: int, sign: str, rest: str) -> None:
        found = re.fullmatch(r"([a-z0-9-]+) \| (.+)", rest)
        if not found:
            # The lines below must not fall to the document before.
            self.documents.append(MarkedDocument(f"line-{number}", "", number))
            _bad("a header must be '# id | topic', the id of small letters, digits and hyphens")
        self.documents.append(MarkedDocument(found[1], found[2], number))

    def _actor(self, number: int, sign: str, rest: str) -> None:
        parts = [part.strip() for part in rest.split("|")]
        types = get_args(ActorType)
        if len(parts) != 3 or not re.fullmatch("[a-z0-9_]+", parts[0]) or not parts[1] or parts[2] not in types:
            _bad(f"an actor must be '@ id | name | type' with a type among {', '.join(types)}")
        actors = self._document().actors
        if parts[0] in actors or parts[0] == AUTHOR:
            _bad(f"the id {parts[0]!r} is taken; give the actor another")
        actors[parts[0]] = MarkedActor(parts[0], parts[1], cast(ActorType, parts[2]))

    def _sentence(self, number: int, sign: str, rest: str) -> None:
        text, mentions = _without_markup(rest)
        document = self._document()
        document.sentences.append(MarkedSentence(text, sign == "H:", mentions))
        if re.search(r"[\[\]>]", text) or not text.strip():
            _bad(f"empty, or a broken mention [text>actor]: {text[:80]!r}")
        unknown = {mention.actor for mention in mentions} - set(document.actors)
        if unknown:
            _bad(f"mentions {', '.join(sorted(unknown))}, declared nowhere above with '@'")

    def _sentiment(self, number: int, sign: str, rest: str) -> None:
        sentence = self._last_sentence()
        parts = rest.split()
        if len(parts) != 2 or parts[1] not in ("negative", "positive"):
            _bad("a sentiment must be '+ actor negative|positive'")
        if parts[0] not in sentence.actors:
            _bad(f"{parts[0]} is not mentioned in that sentence")
        if parts[0] in sentence.sentiment:
            _bad(f"{parts[0]} has a sentiment in that sentence already")
        sentence.sentiment[parts[0]] = cast(SentimentLabel, parts[1])

    def _stance(self, number: int, sign: str, rest: str) -> None:
        sentence = self._last_sentence()
        parts = rest.split()
        if len(parts) != 3 or parts[2] not in ("against", "favor"):
            _bad("a stance must be '> holder target against|favor'")
        holder, target, label = parts
        document = self._document()
        if target not in sentence.actors:
            _bad(f"the target {target} is not mentioned in that sentence")
        if holder != AUTHOR and holder not in document.holders(len(document.sentences) - 1):
            _bad(f"the holder {holder} is mentioned neither in that sentence nor in the {HOLDER_REACH} before")
        if holder == target:
            _bad(f"holder and target are both {holder}")
        if (holder, target) in sentence.stances:
            _bad(f"{holder} has a stance toward {target} in that sentence already")
        sentence.stances[holder, target] = cast(StanceLabel, label)

    def _document(self) -> MarkedDocument:
        return self.documents[-1] if self.documents else _bad("stands before the first header '# id | topic'")

    def _last_sentence(self) -> MarkedSentence:
        sentences = self._document().sentences
        return sentences[-1] if sentences else _bad("stands before the document's first sentence")


def _without_markup(marked: str) -> tuple[str, list[MarkedMention]]:
    text, position = "", 0
    mentions = []
    for found in _MENTION.finditer(marked):
        text += marked[position : found.start()]
        mentions.append(MarkedMention(found[2], len(text), len(text) + len(found[1]), _KINDS[found[3]]))
        text += found[1]
        position = found.end()
    return text + marked[position:], mentions


def _complaints(document: MarkedDocument) -> Iterable[str]:
    fewest, most = LENGTHS
    if not fewest <= len(document.sentences) <= most:
        yield f"has {len(document.sentences)} sentences; it must have {fewest} to {most}"
    used = {mention.actor for sentence in document.sentences for mention in sentence.mentions}
    for actor in document.actors:
        if actor not in used:
            yield f"declares {actor} and never mentions it"
